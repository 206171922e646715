using System.Runtime.Intrinsics.X86;
using BenchmarkDotNet.Environments;

namespace HybridCnn.Benchmarks.Machine;

/// <summary>What the processor calls itself.</summary>
internal static class Cpu
{
    private static readonly Lazy<string> Described = new(Describe);

    /// <summary>
    /// The brand string, and on x86 family and model behind it: a virtual machine's brand string ("AMD EPYC") can stand for
    /// three generations with different vector units.
    /// </summary>
    public static string Name => Described.Value;

    /// <summary>The name as a folder: lower case, everything but letters and digits to single hyphens.</summary>
    public static string Folder => string.Join('-', Name.ToLowerInvariant().Split(
        [.. Name.ToLowerInvariant().Where(c => !char.IsAsciiLetterOrDigit(c)).Distinct()], StringSplitOptions.RemoveEmptyEntries));

    private static string Describe()
    {
        string brand = HostEnvironmentInfo.GetCurrent().Cpu.Value?.ProcessorName ?? "unknown processor";
        if (!X86Base.IsSupported)
            return brand;
        // CPUID leaf 1: the extended fields count only for family 15 (and the extended model for family 6 too).
        int signature = X86Base.CpuId(1, 0).Eax;
        int family = (signature >> 8) & 15;
        int model = (signature >> 4) & 15;
        if (family is 6 or 15)
            model += ((signature >> 16) & 15) << 4;
        if (family == 15)
            family += (signature >> 20) & 255;
        return $"{brand} (family {family} model {model})";
    }
}
