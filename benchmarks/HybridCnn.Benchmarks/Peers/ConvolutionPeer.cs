using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>Whom a convolution of ours is compared with.</summary>
/// <param name="Key">Who is meant on the command line.</param>
/// <param name="Name">Who is named in the results.</param>
/// <param name="Refusal">Null where a problem can be measured; otherwise why not.</param>
/// <param name="Open">On this data, with as many threads as the context.</param>
internal sealed record ConvolutionPeer(
    string Key, string Name, Func<Conv2dDims, string?> Refusal, Func<Conv2dDims, ConvData, ComputeContext, IPeerConvolution> Open)
{
    public const string Usual = "torch,torch-cl,onnx";

    public static readonly ConvolutionPeer[] All =
    [
        TorchIn("torch", Torch.Variants[0]),
        TorchIn("torch-cl", Torch.Variants[1]),
        new("onnx", "onnxruntime", _ => OnnxRuntime.Unavailable is { } reason ? $"not available: {reason}" : null,
            (dims, data, context) => new OnnxConvolution(dims, data, context.Threads.Count)) { IsForwardOnly = true, IsNative = true },
        new("c", "libhybridcnn", _ => CLibraryConvolution.Unavailable is { } reason ? $"not available: {reason}" : null,
            (dims, data, context) => new CLibraryConvolution(dims, data, context.Threads.Count)) { IsFloor = true, IsNative = true },
        new("floor", "im2col + sgemm", _ => null, (dims, data, context) => new PlainConvolution(dims, data, context.Workers)) { IsFloor = true },
        new("naive", "naive loops, 1 thread", NaiveConvolution.Refusal, (dims, data, _) => new NaiveConvolution(dims, data)) { IsFloor = true },
    ];

    /// <summary>Whether its time is spent in code that no runtime compiles again.</summary>
    public bool IsNative { get; init; }

    public bool IsForwardOnly { get; init; }

    /// <summary>Not somebody to beat, but ourselves: what any program of ours would reach, or the library in another form.</summary>
    public bool IsFloor { get; init; }

    /// <summary>Peers by their keys, in the order of <see cref="All"/>.</summary>
    /// <exception cref="ArgumentException">There is no such peer; the message lists those that there are.</exception>
    public static IReadOnlyList<ConvolutionPeer> Choose(string[] keys)
    {
        foreach (string key in keys)
        {
            if (All.All(peer => peer.Key != key))
                throw new ArgumentException($"There is no peer \"{key}\"; there are: {string.Join(", ", All.Select(peer => peer.Key))}.", nameof(keys));
        }

        return [.. All.Where(peer => keys.Contains(peer.Key))];
    }

    private static ConvolutionPeer TorchIn(string key, (string Name, bool ChannelsLast) variant) => new(
        key, variant.Name, TorchConvolution.Refusal,
        (dims, data, context) =>
        {
            Torch.SetThreads(context.Threads.Count);
            return new TorchConvolution(dims, data, variant.ChannelsLast);
        })
    {
        IsNative = true,
    };
}
