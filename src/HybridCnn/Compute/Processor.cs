using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace HybridCnn.Compute;

/// <summary>What the processor calls itself.</summary>
public static class Processor
{
    private static readonly Lazy<string> s_name = new(Describe);

    /// <summary>
    /// The brand string where the system tells, else the architecture; on x86 with family and model behind it: a virtual machine's brand
    /// string ("AMD EPYC") can stand for three generations with different vector units.
    /// </summary>
    public static string Name => s_name.Value;

    private static string Describe()
    {
        string brand = Brand() ?? RuntimeInformation.ProcessArchitecture.ToString();
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

    private static string? Brand()
    {
        const string linux = "/proc/cpuinfo";
        return File.Exists(linux)
            ? File.ReadLines(linux).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
    }
}
