using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>ONNX Runtime's forward pass of one convolution, as in a network that is only asked.</summary>
internal sealed class OnnxConvolution(Conv2dDims dims, ConvData data, int threads) : IPeerConvolution
{
    private readonly OnnxSession _session = new(OnnxModel.Convolution(dims, data.Weights.Span), data.X, data.Y.Shape, threads);

    public Action Step(string pass) => pass == "fwd" ? _session.Run : throw NotComputed(pass);

    public double[] Result(string pass) => pass == "fwd" ? _session.Result() : throw NotComputed(pass);

    public void Dispose() => _session.Dispose();

    private static ArgumentException NotComputed(string pass) => new($"ONNX Runtime computes no \"{pass}\", only fwd.", nameof(pass));
}
