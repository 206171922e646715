using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer that only infers: ONNX Runtime on the CPU.</summary>
internal static class OnnxRuntime
{
    private static readonly Lazy<string?> LoadFailure = new(TryLoad);

    /// <summary>Null where it loads; otherwise why not, in one line.</summary>
    public static string? Unavailable => LoadFailure.Value;

    public static string Version => $"ONNX Runtime {(Unavailable is null ? OrtEnv.Instance().GetVersionString() : "not available")}";

    // Its managed half would wrap the loader's message in that of a type initializer, so ask the loader first.
    private static string? TryLoad()
    {
        try
        {
            NativeLibrary.Load("onnxruntime", typeof(InferenceSession).Assembly, null);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return LoaderMessage.Cause(e.Message);
        }
    }
}
