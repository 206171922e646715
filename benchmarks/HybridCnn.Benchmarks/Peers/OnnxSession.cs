using HybridCnn.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>A network as ONNX Runtime runs it. The weights are constants, so it has folded and packed them before it is timed. Input and output stay in place.</summary>
internal sealed class OnnxSession : IDisposable
{
    private readonly float[] _result;
    private readonly OrtValue _x;
    private readonly OrtValue _y;
    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;
    private readonly RunOptions _run = new();

    /// <param name="model">Serialized, from <see cref="OnnxModel.Input"/> to <see cref="OnnxModel.Output"/>.</param>
    /// <param name="x">Copied.</param>
    /// <param name="y">The shape of the output.</param>
    /// <param name="threads">As many.</param>
    public OnnxSession(byte[] model, Tensor x, Shape y, int threads)
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
        _session = new InferenceSession(model, options);
        _x = OrtValue.CreateTensorValueFromMemory(x.Span.ToArray(), OnnxModel.Extents(x.Shape));
        _result = new float[y.Count];
        _y = OrtValue.CreateTensorValueFromMemory(_result, OnnxModel.Extents(y));
        _binding = _session.CreateIoBinding();
        _binding.BindInput(OnnxModel.Input, _x);
        _binding.BindOutput(OnnxModel.Output, _y);
    }

    public void Run() => _session.RunWithBinding(_run, _binding);

    /// <summary>Runs, and copies y.</summary>
    public double[] Result()
    {
        Array.Fill(_result, float.NaN);
        Run();
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
