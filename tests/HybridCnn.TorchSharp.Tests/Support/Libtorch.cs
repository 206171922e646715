using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace HybridCnn.TorchSharp.Tests.Support;

/// <summary>Whether libtorch is here and loads; asked of the system's loader, as TorchSharp's own search first copies all of it and prints pages.</summary>
internal static partial class Libtorch
{
    private static readonly Lazy<string?> LoadFailure = new(TryLoad);

    /// <summary>Null where it loads; otherwise why not, in one line.</summary>
    public static string? Unavailable => LoadFailure.Value;

    private static string? TryLoad()
    {
        try
        {
            foreach (string library in (string[])["torch_cpu", "LibTorchSharp"])
                NativeLibrary.Load(library, typeof(torch).Assembly, null);
            torch.InitializeDeviceType(DeviceType.CPU);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or NotSupportedException)
        {
            string cause = MissingVersion().Match(e.Message) is { Success: true } match ? match.Value : e.Message.Split('\n')[0].Trim();
            return $"libtorch does not load here: {cause} (build with HYBRIDCNN_LIBTORCH=1 to bring it along)";
        }
    }

    // The loader lists every path that it tried; the line that matters is the one about a file that was there.
    [GeneratedRegex(@"[^\s/:]+: version `[^']+' not found")]
    private static partial Regex MissingVersion();
}

/// <summary>A test that needs libtorch.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TorchFactAttribute : FactAttribute
{
    public TorchFactAttribute() => Skip = Libtorch.Unavailable;
}

/// <summary>Tests that need libtorch.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TorchTheoryAttribute : TheoryAttribute
{
    public TorchTheoryAttribute() => Skip = Libtorch.Unavailable;
}
