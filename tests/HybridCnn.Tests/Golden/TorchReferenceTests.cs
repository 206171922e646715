using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Golden;

/// <summary>Our results against PyTorch's, computed in double.</summary>
public sealed class TorchReferenceTests : IDisposable
{
    private readonly ComputeContext _context = new(2);

    public void Dispose() => _context.Dispose();

    [Theory]
    [MemberData(nameof(TorchFolder.CommittedCases), MemberType = typeof(TorchFolder))]
    public void Equals_PyTorch(string name) => Check(TorchFolder.Load(TorchFolder.Committed, name));

    [TorchFolderTheory]
    [MemberData(nameof(TorchFolder.WholeCases), MemberType = typeof(TorchFolder))]
    public void Equals_PyTorch_in_the_whole_folder(string name) => Check(TorchFolder.Load(TorchFolder.Whole!, name));

    private void Check(TorchCase test)
    {
        switch (test.Operation)
        {
            case "conv2d": CheckConvolution(test); break;
            case "conv_transpose2d": CheckTransposedConvolution(test); break;
            case "max_pool2d": CheckMaxPooling(test); break;
            case "avg_pool2d": CheckAveragePooling(test); break;
            case "adaptive_avg_pool2d": CheckLayer(test, new AdaptiveAveragePool2d(test.Int("out_h"), test.Int("out_w"))); break;
            case "adaptive_max_pool2d": CheckLayer(test, new GlobalMaxPool2d()); break;
            case "norm": CheckLayer(test, new LocalResponseNorm(test.Int("size"), test.Float("alpha", 0), test.Float("beta", 0), test.Float("k", 0))); break;
            case "pad": CheckPadding(test); break;
            case "reshape": CheckConcat(test); break;
            case "linear": CheckLinear(test); break;
            case "activation": CheckLayer(test, Activation(test)!); break;
            case "cross_entropy": TorchTrainingCases.CheckCrossEntropy(test); break;
            case "loss": TorchTrainingCases.CheckLoss(test); break;
            case "optimizer": TorchTrainingCases.CheckOptimizer(test, _context); break;
            default: Assert.Fail($"No check for {test.Operation}"); break;
        }
    }

    /// <summary>The layer that a case is about; null where we have none.</summary>
    internal static Layer? Activation(TorchCase test) => test.Name switch
    {
        "relu6" => new ReLU6(),
        "leaky_relu_02" => new LeakyReLU(test.Float("slope", 0)),
        "sigmoid" => new Sigmoid(),
        "tanh" => new Tanh(),
        "silu" => new SiLU(),
        "softmax_2d" or "softmax_large" or "softmax_channel_4d" => new HybridCnn.Layers.Softmax(),
        _ => null,
    };

    private void CheckConvolution(TorchCase test)
    {
        int[] pads = [.. test.Attributes.GetProperty("pads_tlbr").EnumerateArray().Select(pad => pad.GetInt32())];
        (int kh, int kw) = test.Pair("kernel");
        (int sh, int sw) = test.Pair("stride");
        (int dh, int dw) = test.Pair("dilation");
        var dims = Conv2dDims.Create(
            test.Int("n"), test.Int("c"), test.Int("h"), test.Int("w"), test.Int("k"), kh, kw, sh, sw,
            pads[0], pads[1], pads[2], pads[3], dh, dw, test.Int("groups"));
        Assert.Equal((test.Int("out_h"), test.Int("out_w")), (dims.OH, dims.OW));

        var plan = new ConvolutionPlan(dims);
        float[] x = test.Floats("in.x"), weights = test.Floats("in.weight"), bias = test.Flag("bias") ? test.Floats("in.bias") : [];
        var y = new float[dims.YCount];
        plan.Forward(x, weights, bias, y, _context);
        test.AssertClose("y", y);
        if (!test.Has("in.grad_out"))
            return;

        float[] dy = test.Floats("in.grad_out");
        float[] dx = new float[x.Length], dWeights = new float[weights.Length], dBias = new float[bias.Length];
        plan.BackwardData(dy, weights, dx, _context);
        plan.BackwardWeights(x, dy, dWeights, dBias, _context);
        test.AssertClose("grad_x", dx);
        test.AssertClose("grad_weight", dWeights);
        if (bias.Length > 0)
            test.AssertClose("grad_bias", dBias);
    }

    private void CheckTransposedConvolution(TorchCase test)
    {
        (int ph, int pw) = test.Pair("padding");
        var layer = new ConvTranspose2d(
            test.Int("c"), test.Int("k"), test.Pair("kernel"), test.Pair("stride"), (ph, pw, ph, pw), test.Pair("output_padding"), test.Pair("dilation"),
            test.Int("groups"), test.Flag("bias"));
        CheckParameters(test, layer);
    }

    private void CheckMaxPooling(TorchCase test)
    {
        CheckLayer(test, new MaxPool2d(test.Pair("kernel"), test.Pair("stride"), test.Pair("padding"), test.Pair("dilation"), test.Flag("ceil_mode")));

        (int kh, int kw) = test.Pair("kernel");
        (int sh, int sw) = test.Pair("stride");
        (int ph, int pw) = test.Pair("padding");
        (int dh, int dw) = test.Pair("dilation");
        var dims = Pool2dDims.Create(
            test.Int("n"), test.Int("c"), test.Int("h"), test.Int("w"), kh, kw, sh, sw, ph, pw, ph, pw, dh, dw, test.Flag("ceil_mode"));
        Assert.Equal((test.Int("out_h"), test.Int("out_w")), (dims.OH, dims.OW));
        var plan = new MaxPoolingPlan(dims);
        var indices = new int[plan.IndexLength];
        plan.Forward(test.Floats("in.x"), new float[dims.Output.Count], indices, _context);
        Assert.Equal(test.Integers("out.indices"), indices);
    }

    private void CheckAveragePooling(TorchCase test)
    {
        int? divisor = test.Attributes.GetProperty("divisor_override") is { ValueKind: System.Text.Json.JsonValueKind.Number } value ? value.GetInt32() : null;
        CheckLayer(test, new AveragePool2d(
            test.Pair("kernel"), test.Pair("stride"), test.Pair("padding"), test.Flag("ceil_mode"), test.Flag("count_include_pad"), divisor));
    }

    private void CheckPadding(TorchCase test)
    {
        int[] pads = [.. test.Attributes.GetProperty("pads_tlbr").EnumerateArray().Select(pad => pad.GetInt32())];
        CheckLayer(test, new ZeroPad2d((pads[0], pads[1], pads[2], pads[3])));
    }

    private void CheckConcat(TorchCase test)
    {
        Tensor a = Input(test, "in.a"), b = Input(test, "in.b"), dy = Input(test, "in.grad_out"), y = new(dy.Shape), da = new(a.Shape), db = new(b.Shape);
        var join = new ConcatJoin();
        Assert.Equal(dy.Shape, join.Bind([a.Shape, b.Shape]));
        join.Forward([a, b], y, relu: false, _context);
        join.Backward(dy, [da, db], _context);
        test.AssertClose("y", y.Span);
        test.AssertClose("grad_a", da.Span);
        test.AssertClose("grad_b", db.Span);
    }

    private void CheckLinear(TorchCase test) =>
        CheckParameters(test, new Linear(test.Int("in_features"), test.Int("out_features"), test.Flag("bias")));

    // A layer with a weight and perhaps a bias, in PyTorch's shapes.
    private void CheckParameters(TorchCase test, Layer layer)
    {
        foreach (Parameter parameter in layer.Parameters)
        {
            Assert.Equal(test.Extents("in." + parameter.Name), Enumerable.Range(0, parameter.Shape.Rank).Select(axis => parameter.Shape[axis]));
            test.Floats("in." + parameter.Name).CopyTo(parameter.Value.Span);
        }

        CheckLayer(test, layer);
        foreach (Parameter parameter in layer.Parameters)
            test.AssertClose("grad_" + parameter.Name, parameter.Gradient.Span);
    }

    private void CheckLayer(TorchCase test, Layer layer)
    {
        Tensor x = Input(test, "in.x"), dy = Input(test, "in.grad_out"), dx = new(x.Shape);
        Shape output = layer.Bind(x.Shape);
        Assert.Equal(dy.Shape, output);
        var y = new Tensor(output);
        layer.Forward(x, y, _context);
        layer.Backward(x, y, dy, dx, _context);
        test.AssertClose("y", y.Span);
        test.AssertClose("grad_x", dx.Span);
    }

    internal static Tensor Input(TorchCase test, string name) => Tensor.From(new Shape(test.Extents(name)), test.Floats(name));
}
