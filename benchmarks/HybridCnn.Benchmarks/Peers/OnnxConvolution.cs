using HybridCnn.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>
/// ONNX Runtime's forward pass. The weights are constants, as in a network that is only asked, so it has packed them before it is
/// timed. Input and output stay in place from step to step.
/// </summary>
internal sealed class OnnxConvolution : IPeerConvolution
{
    private readonly float[] _result;
    private readonly OrtValue _x;
    private readonly OrtValue _y;
    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;
    private readonly RunOptions _run = new();

    public OnnxConvolution(Conv2dDims dims, ConvData data, int threads)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        // Its threads spin between steps, as they do unless told otherwise, but have stopped by the end of the next one's warm-up.
        options.AddSessionConfigEntry("session.intra_op.spin_duration_us", "2000");
        _session = new InferenceSession(OnnxModel.Convolution(dims, data.Weights.Span), options);
        _x = OrtValue.CreateTensorValueFromMemory(data.X.Span.ToArray(), [dims.N, dims.IC, dims.IH, dims.IW]);
        _result = new float[data.Y.Shape.Count];
        _y = OrtValue.CreateTensorValueFromMemory(_result, [dims.N, dims.OC, dims.OH, dims.OW]);
        _binding = _session.CreateIoBinding();
        _binding.BindInput(OnnxModel.Input, _x);
        _binding.BindOutput(OnnxModel.Output, _y);
    }

    public Action Step(string pass) => pass == "fwd"
        ? () => _session.RunWithBinding(_run, _binding)
        : throw new ArgumentException($"ONNX Runtime computes no \"{pass}\", only fwd.", nameof(pass));

    public double[] Result(string pass)
    {
        Array.Fill(_result, float.NaN);
        Step(pass)();
        return Array.ConvertAll(_result, value => (double)value);
    }

    public void Dispose()
    {
        _binding.Dispose();
        _y.Dispose();
        _x.Dispose();
        _session.Dispose();
        _run.Dispose();
    }
}
