using HybridCnn.Compute;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.IO;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

public class Conv1dTests
{
    [Fact]
    public void Computes_and_differentiates_as_its_definition_says()
    {
        const int n = 3, ic = 4, l = 11, oc = 6, k = 3, stride = 2, left = 1, right = 3, dilation = 2, groups = 2, ol = 6;
        var random = new SeededRandom(1);
        var layer = new Conv1d(ic, oc, k, (left, right), stride, dilation, groups, random: random);
        Shape input = new(n, ic, l), output = layer.Bind(input);
        Assert.Equal(new Shape(n, oc, ol), output);

        Tensor x = Tensor.From(input, random.Floats(input.Count)), dy = Tensor.From(output, random.Floats(output.Count));
        Tensor y = new(output), dx = new(input);
        y.Span.Fill(float.NaN);
        dx.Span.Fill(float.NaN);
        Parameter weight = layer.Parameters[0], bias = layer.Parameters[1];
        weight.Gradient.Span.Fill(1);
        bias.Gradient.Span.Fill(2);
        using var context = new ComputeContext(2);
        layer.Forward(x, y, context);
        layer.Backward(x, y, dy, dx, context);

        double[] ey = new double[output.Count], edx = new double[input.Count], edw = new double[weight.Shape.Count], edb = [.. Enumerable.Repeat(2.0, oc)];
        Array.Fill(edw, 1);
        for (int i = 0; i < n; i++)
        for (int o = 0; o < oc; o++)
        for (int p = 0; p < ol; p++)
        {
            int at = (i * oc + o) * ol + p;
            ey[at] += bias.Value.Span[o];
            edb[o] += dy.Span[at];
            for (int c = 0; c < ic / groups; c++)
            for (int j = 0; j < k; j++)
            {
                int position = p * stride + j * dilation - left;
                if (position is < 0 or >= l)
                    continue;
                int from = (i * ic + o / (oc / groups) * (ic / groups) + c) * l + position, w = (o * (ic / groups) + c) * k + j;
                ey[at] += (double)x.Span[from] * weight.Value.Span[w];
                edx[from] += (double)dy.Span[at] * weight.Value.Span[w];
                edw[w] += (double)dy.Span[at] * x.Span[from];
            }
        }

        Tolerance.AssertClose(ey, y.Span, Tolerance.ForSum(7, 1), "y");
        Tolerance.AssertClose(edx, dx.Span, Tolerance.ForSum(9, 1), "dx");
        Tolerance.AssertClose(edw, weight.Gradient.Span, Tolerance.ForSum(n * ol, 1), "dw");
        Tolerance.AssertClose(edb, bias.Gradient.Span, Tolerance.ForSum(n * ol, 1), "db");
    }

    [Fact]
    public void Padded_on_the_left_alone_no_output_sees_what_comes_after_it()
    {
        var layer = new Conv1d(1, 1, 3, padding: (2, 0), bias: false);
        Shape shape = new(1, 1, 6);
        Assert.Equal(shape, layer.Bind(shape));
        Tensor x = Tensor.From(shape, [0, 0, 0, 1, 0, 0]), y = new(shape);
        using var context = new ComputeContext(1);
        layer.Forward(x, y, context);
        Span<float> w = layer.Parameters[0].Value.Span;
        Assert.Equal([0, 0, 0, w[2], w[1], w[0]], y.Span.ToArray());
    }

    [Fact]
    public void Has_PyTorchs_shapes_also_when_saved()
    {
        var network = new Sequential(new Conv1d(8, 32, 25, groups: 2, random: new SeededRandom(7)), new ReLU(), new Conv1d(32, 2, 1, bias: false));
        Assert.Equal(["0.weight [32, 4, 25]", "0.bias [32]", "2.weight [2, 32, 1]"], network.NamedState.Select(p => $"{p.Name} {p.Parameter.Shape}"));
        float[] weights = network.Parameters[0].Value.Span.ToArray();
        Assert.InRange(weights.Max(), 0.098f, 0.1f);
        Assert.InRange(weights.Min(), -0.1f, -0.098f);

        using var folder = new TempFolder();
        string path = folder["weights.safetensors"];
        SafeTensors.Write(path, network.NamedState.Select(p => (p.Name, p.Parameter.Value)));
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        Assert.Equal([32, 4, 25], file.Entry("0.weight").Extents);
    }

    [Fact]
    public void Is_explained_in_a_network()
    {
        var network = new Sequential(new Conv1d(1, 4, 3), new Flatten(), new Linear(16, 2));
        Assert.Equal(new Shape(2, 2), network.Bind(new Shape(2, 1, 6)));
        Assert.Contains("Conv1d → [2, 4, 4]", network.Explain(), StringComparison.Ordinal);
        Assert.Contains("mb2ic1ih1iw6oc4oh1ow4kh1kw3", network.Explain(), StringComparison.Ordinal);
    }

    public static TheoryData<Func<Layer>, string, string> Refusals => new()
    {
        { () => new Conv1d(1, 0, 1), "outChannels", "outChannels must be at least 1; got 0." },
        { () => new Conv1d(1, 1, 0), "kernelSize", "kernelSize must be at least 1; got 0." },
        { () => new Conv1d(1, 1, 1, stride: 0), "stride", "stride must be at least 1; got 0." },
        { () => new Conv1d(1, 1, 1, padding: (0, -2)), "padding", "padding must be at least 0; got -2." },
        { () => new Conv1d(1, 1, 1, dilation: 0), "dilation", "dilation must be at least 1; got 0." },
        { () => new Conv1d(4, 6, 1, groups: 3), "groups", "groups must divide inChannels; got groups = 3, inChannels = 4." },
    };

    [Theory]
    [MemberData(nameof(Refusals), DisableDiscoveryEnumeration = true)]
    public void Refuses_what_no_layer_can_be(Func<Layer> create, string argument, string message)
    {
        var exception = Assert.Throws<ArgumentException>(() => create());
        Assert.Equal(argument, exception.ParamName);
        Assert.StartsWith(message, exception.Message);
    }

    [Fact]
    public void Refuses_shapes_that_do_not_fit()
    {
        var layer = new Conv1d(3, 4, 5);
        Assert.Contains("Conv1d takes sequences [N, C, L]; got [2, 3, 8, 8]", Assert.Throws<ArgumentException>("input", () => layer.Bind(new Shape(2, 3, 8, 8))).Message);
        Assert.Contains("made for 3 input channels; got 2 in [1, 2, 8]", Assert.Throws<ArgumentException>("input", () => layer.Bind(new Shape(1, 2, 8))).Message);
        Assert.Contains("kw = 5 with dilation 1 spans 5 elements, more than the padded iw = 4", Assert.Throws<ArgumentException>("kw", () => layer.Bind(new Shape(1, 3, 4))).Message);
    }
}
