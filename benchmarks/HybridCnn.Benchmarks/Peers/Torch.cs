using System.Runtime.InteropServices;
using TorchSharp;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer: PyTorch's C++ library by way of TorchSharp.</summary>
internal static class Torch
{
    private static readonly Lazy<string?> LoadFailure = new(TryLoad);

    /// <summary>
    /// PyTorch's two memory orders. Which one is faster depends on the layer, so both are always measured.
    /// </summary>
    public static readonly (string Name, bool ChannelsLast)[] Variants = [("torchsharp nchw", false), ("torchsharp channels_last", true)];

    /// <summary>Null where it loads; otherwise why not, in one line.</summary>
    public static string? Unavailable => LoadFailure.Value;

    public static string Version => $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {(Unavailable is null ? torch.__version__ : "not available")}";

    /// <summary>For every operation from here on, on the calling thread.</summary>
    public static void SetThreads(int threads) => torch.set_num_threads(threads);

    /// <summary>A copy of a tensor [N, C, H, W] whose memory has the channels innermost.</summary>
    public static torch.Tensor ToChannelsLast(torch.Tensor x)
    {
        using var nhwc = x.permute(0, 2, 3, 1);
        using var dense = nhwc.contiguous();
        return dense.permute(0, 3, 1, 2);
    }

    /// <summary>A dense copy in the order that the shape says, detached from any graph.</summary>
    public static float[] Values(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return x.detach().to_type(torch.ScalarType.Float32).contiguous().data<float>().ToArray();
    }

    // TorchSharp's own search, when it fails, first copies all of libtorch beside the program and prints pages. So ask the
    // system's loader for the same two libraries before it gets the chance.
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
            return LoaderMessage.Cause(e.Message);
        }
    }
}
