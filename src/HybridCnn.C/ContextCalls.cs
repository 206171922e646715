using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HybridCnn.Compute;

namespace HybridCnn.C;

/// <summary>hybridcnn_context_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ContextOptions
{
    public int StructSize, Threads, Precision, Deterministic;
    public long WorkspaceLimit;
}

/// <summary>hybridcnn_context_create.</summary>
internal static unsafe class ContextCalls
{
    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_context_create", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Create(ContextOptions* options, nint* context)
    {
        try
        {
            Arguments.NotNull(context);
            *context = 0;
            Home.Announce();
            ComputeOptions chosen = options == null ? ComputeOptions.Default : Read(options);
            *context = Handles.Add(new ComputeContext(chosen));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    private static ComputeOptions Read(ContextOptions* options)
    {
        Arguments.Structure(options);
        if (options->Threads is < 0 or > ThreadCount.Maximum)
            throw new ArgumentException($"options->threads is {options->Threads}; it must be from 0 to {ThreadCount.Maximum}.");
        if (options->WorkspaceLimit < 0)
            throw new ArgumentException($"options->workspace_limit is {options->WorkspaceLimit}; it must be at least 0.");
        return new ComputeOptions
        {
            Threads = options->Threads,
            Precision = (Precision)Arguments.Choice(options->Precision, 3, "options->precision"),
            Deterministic = options->Deterministic != 0,
            WorkspaceLimit = options->WorkspaceLimit == 0 ? ComputeOptions.Default.WorkspaceLimit : options->WorkspaceLimit,
        };
    }
}
