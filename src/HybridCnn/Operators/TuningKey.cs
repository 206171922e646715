using System.Reflection;
using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>All that a measured choice depends on: it holds for no other machine, library, problem or setting.</summary>
/// <param name="Processor">As <see cref="Compute.Processor.Name"/>.</param>
/// <param name="Blas">Name, version and kernels.</param>
/// <param name="Library">Our own version and commit: another one has other algorithms.</param>
/// <param name="Problem">The dims as a problem string.</param>
/// <param name="Pass">Which computation.</param>
/// <param name="Threads">
/// How many; 0 where they are deterministic: those promise the same bits for any number of threads, so the choice must not depend on it.
/// </param>
/// <param name="Precision">How far algorithms might round.</param>
/// <param name="Deterministic">Whether work was cut into a fixed number of shares.</param>
/// <param name="WorkspaceLimit">Scratch memory in bytes.</param>
internal sealed record TuningKey(
    string Processor, string Blas, string Library, string Problem, ConvolutionPass Pass, int Threads, Precision Precision, bool Deterministic, long WorkspaceLimit)
{
    private static readonly string s_library =
        typeof(TuningKey).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>The key of a pass on this machine.</summary>
    public static TuningKey Of(Conv2dDims dims, ConvolutionPass pass, ComputeContext context) => new(
        Compute.Processor.Name, Interop.Blas.Current.ToString(), s_library, dims.ToString(), pass,
        context.Options.Deterministic ? 0 : context.Threads.Count, context.Options.Precision, context.Options.Deterministic, context.Options.WorkspaceLimit);
}
