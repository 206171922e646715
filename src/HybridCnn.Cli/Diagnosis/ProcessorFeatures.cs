using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace HybridCnn.Cli.Diagnosis;

/// <summary>What the processor can do, as far as it matters here and .NET may use it.</summary>
internal static class ProcessorFeatures
{
    public static IReadOnlyList<string> Names { get; } =
    [
        .. new (string Name, bool Present)[]
        {
            ("SSE4.2", Sse42.IsSupported),
            ("AVX", Avx.IsSupported),
            ("AVX2", Avx2.IsSupported),
            ("FMA", Fma.IsSupported),
            ("AVX-512F", Avx512F.IsSupported),
            ("AVX-512BW", Avx512BW.IsSupported),
            ("AVX-512DQ", Avx512DQ.IsSupported),
            ("AVX-512VBMI", Avx512Vbmi.IsSupported),
            ("AVX10.1", Avx10v1.IsSupported),
            ("NEON", AdvSimd.IsSupported),
            ("SVE", IsSveSupported),
        }.Where(feature => feature.Present).Select(feature => feature.Name),
    ];

    /// <summary>Bits of the widest registers that .NET's own vector code is compiled for.</summary>
    public static int VectorBits { get; } = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

#pragma warning disable SYSLIB5003 // Sve is marked as a preview; whether it is there is all that is asked.
    private static bool IsSveSupported => Sve.IsSupported;
#pragma warning restore SYSLIB5003
}
