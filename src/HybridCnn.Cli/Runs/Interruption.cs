using System.Runtime.InteropServices;

namespace HybridCnn.Cli.Runs;

/// <summary>Turns the first Ctrl-C or SIGTERM into a wish to stop, and leaves the second to the system, which ends the process.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt, _terminate;

    public Interruption()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        bool first = !_source.IsCancellationRequested;
        context.Cancel = first;
        // The progress display hides the cursor; a process that ends at once must give it back.
        if (!first && !Console.IsOutputRedirected)
            Console.Out.Write("\e[?25h\n");
        _source.Cancel();
    }
}
