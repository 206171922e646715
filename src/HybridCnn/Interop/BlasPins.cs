using System.Runtime.Intrinsics;
using System.Text;

namespace HybridCnn.Interop;

/// <summary>The environment variables that decide for OpenBLAS. A user's pin is respected, and what it costs is said.</summary>
internal sealed class BlasPins
{
    private const string CoreType = "OPENBLAS_CORETYPE";

    // All that change which kernels run or how they are blocked. Numbers of threads are no pins: ours is always one.
    private static readonly string[] s_variables = [CoreType, "OPENBLAS_L2_SIZE", "OPENBLAS_BLOCK_FACTOR"];

    // Kernels that use 512-bit registers; all others stay at 256 bits or less.
    private static readonly string[] s_wideCores = ["SkylakeX", "Cooperlake", "SapphireRapids"];

    private BlasPins(IReadOnlyList<string> inForce) => InForce = inForce;

    /// <summary>NAME=value, as OpenBLAS will read them.</summary>
    public IReadOnlyList<string> InForce { get; }

    /// <summary>Makes the native environment say what the setting asks for. Only works before OpenBLAS is loaded.</summary>
    /// <param name="core">null or empty: leave all as it is; "auto": clear every pin; otherwise the core to set.</param>
    public static BlasPins Apply(string? core)
    {
        if (string.IsNullOrEmpty(core))
            return new([.. s_variables.Select(name => (name, value: Environment.GetEnvironmentVariable(name)))
                .Where(pin => !string.IsNullOrEmpty(pin.value)).Select(pin => $"{pin.name}={pin.value}")]);
        foreach (string name in s_variables)
            Set(name, name == CoreType && core != "auto" ? core : null);
        return new(core == "auto" ? [] : [$"{CoreType}={core} (by {Blas.CoreVariable})"]);
    }

    /// <summary>What the pin may cost with the kernels that it led to, or null.</summary>
    public string? Cost(string coreInUse) => Cost(coreInUse, InForce, Vector512.IsHardwareAccelerated);

    internal static string? Cost(string coreInUse, IReadOnlyList<string> pins, bool wideProcessor) =>
        wideProcessor && pins.Any(pin => pin.StartsWith(CoreType, StringComparison.Ordinal)) && !s_wideCores.Contains(coreInUse, StringComparer.OrdinalIgnoreCase)
            ? $"OpenBLAS is pinned to {coreInUse} ({string.Join(", ", pins)}), which leaves this processor's AVX-512 unused and can cost half the speed (`hybridcnn doctor` measures it). " +
              $"Unset {CoreType} or pass --blas-core auto ({Blas.CoreVariable}=auto)."
            : null;

    /// <summary>Sets a variable of the native environment, or removes it; .NET's own copy stays as it is.</summary>
    internal static unsafe void Set(string name, string? value)
    {
        byte[]? bytes = value is null ? null : Encoding.UTF8.GetBytes(value + "\0");
        NativeStatus status;
        fixed (byte* utf8Name = Encoding.UTF8.GetBytes(name + "\0"), utf8Value = bytes)
            status = NativeMethods.EnvironmentSet(utf8Name, utf8Value);
        if (status != NativeStatus.Ok)
            throw new InvalidOperationException($"{name}={value} could not be set: {status}.");
    }
}
