using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Interop;

namespace HybridCnn.Cli.Runs;

/// <summary>Chooses BLAS and threads as the command line asks, before anything computes.</summary>
internal static class Machine
{
    /// <param name="threads">0 = decided by environment and machine.</param>
    /// <param name="blasCore">null = decided by the environment; "auto" or a core's name.</param>
    public static ComputeContext Prepare(int threads, string? blasCore) => Prepare(new ComputeOptions { Threads = threads }, blasCore);

    /// <inheritdoc cref="Prepare(int, string?)"/>
    public static ComputeContext Prepare(ComputeOptions options, string? blasCore)
    {
        try
        {
            Blas.Configure(core: blasCore);
            if (blasCore is not (null or "auto") && !Blas.Current.IsOpenBlas)
                throw UserErrorException.BadUsage($"--blas-core {blasCore}: {Blas.Current} serves, and only OpenBLAS has kernels to choose from.", "Leave it out; 'hybridcnn doctor' shows why there is no OpenBLAS.");
            _ = Blas.Current;
            return new ComputeContext(options);
        }
        catch (Exception e) when (e is InvalidOperationException or DllNotFoundException)
        {
            throw new UserErrorException(ExitCode.Usage, e.Message, "Change or unset that setting; 'hybridcnn doctor' shows what is there.", e);
        }
    }

    public static MachineInfo Describe(ComputeContext context)
    {
        BlasInfo blas = Blas.Current;
        return new(
            Processor.Name, Environment.ProcessorCount, RuntimeInformation.OSDescription, Environment.Version.ToString(), MachineInfo.ProgramVersion,
            blas.Name, Known(blas.Path), Known(blas.Version), Known(blas.Core), Known(blas.Config),
            blas.EnvironmentPins, context.Threads.Count, context.Threads.Reason);

        static string? Known(string text) => text.Length == 0 ? null : text;
    }
}
