using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

public class GraphTests
{
    [Fact]
    public void Names_parameters_after_its_nodes()
    {
        var graph = new Graph();
        graph.Add("conv1", new Conv2d(2, 4, 3, padding: 1, bias: false));
        string a = graph.Add("layer1.0.conv1", new Conv2d(4, 4, 1));
        graph.Add("relu", new ReLU());
        graph.Add("layer1.0.bn", new Sequential(new BatchNorm2d(4)));
        graph.Sum("sum", a, "layer1.0.bn");
        Assert.Equal("sum", graph.Output);
        Assert.Equal(
            ["conv1.weight", "layer1.0.conv1.weight", "layer1.0.conv1.bias", "layer1.0.bn.0.weight", "layer1.0.bn.0.bias"],
            graph.NamedParameters.Select(named => named.Name));
        Assert.Equal(graph.NamedParameters.Select(named => named.Parameter), graph.Parameters);
        Assert.Equal("layer1.0.bn.0.running_var", graph.NamedState[^1].Name);
    }

    [Theory]
    [InlineData(Layout.Nchw)]
    [InlineData(Layout.Nhwc)]
    public void A_bottleneck_gives_the_bits_of_its_layers_one_by_one(Layout layout)
    {
        Shape shape = new Shape(3, 32, 6, 5).In(layout), wide = new Shape(3, 64, 3, 3).In(Layout.Nhwc), narrow = new Shape(3, 16, 6, 5).In(Layout.Nhwc);
        using var context = new ComputeContext(2);
        Graph graph = Bottleneck();
        Tensor x = Tensor.From(shape, new SeededRandom(2).Floats(shape.Count)), y = new(graph.Bind(shape)), dx = new(shape);
        Assert.Equal(wide, y.Shape);
        Tensor dy = Tensor.From(wide, new SeededRandom(3).Floats(wide.Count));
        float[] dyBefore = dy.Span.ToArray();
        y.Span.Fill(float.NaN);
        dx.Span.Fill(float.NaN);
        graph.Forward(x, y, context);
        graph.Backward(x, y, dy, dx, context);
        Assert.Equal(dyBefore, dy.Span.ToArray());

        Dictionary<string, Layer> layers = Bottleneck().Children.ToDictionary(child => child.Name, child => child.Layer);
        Shape nhwc = shape.In(Layout.Nhwc), middle = new Shape(3, 16, 3, 3).In(Layout.Nhwc);
        Layer turn = new LayoutChange(Layout.Nhwc);
        turn.Bind(shape);
        Tensor turned = new(nhwc), s = new(wide), c3 = new(wide), sum = new(wide);
        turn.Forward(x, turned, context);
        Tensor c1 = Run("conv1", turned, narrow), b1 = Run("bn1", c1, narrow), r1 = Run("relu1", b1, narrow);
        Tensor c2 = Run("conv2", r1, middle), b2 = Run("bn2", c2, middle), r2 = Run("relu2", b2, middle);
        c3 = Run("conv3", r2, wide);
        Tensor b3 = Run("bn3", c3, wide), d = Run("down", turned, wide), db = Run("downbn", d, wide);
        for (int i = 0; i < sum.Span.Length; i++)
            sum.Span[i] = b3.Span[i] + db.Span[i];
        s = Run("relu", sum, wide);
        Assert.Equal(s.Span.ToArray(), y.Span.ToArray());

        Tensor g = Back("relu", sum, s, dy), way = Back("bn3", c3, b3, g);
        way = Back("conv3", r2, c3, way);
        way = Back("bn2", c2, b2, Back("relu2", b2, r2, way));
        way = Back("conv2", r1, c2, way);
        way = Back("bn1", c1, b1, Back("relu1", b1, r1, way));
        way = Back("conv1", turned, c1, way);
        Tensor other = Back("down", turned, d, Back("downbn", d, db, g)), expected = new(shape);
        for (int i = 0; i < way.Span.Length; i++)
            way.Span[i] += other.Span[i];
        turn.Backward(x, turned, way, expected, context);
        Assert.Equal(expected.Span.ToArray(), dx.Span.ToArray());
        foreach (NamedLayer child in graph.Children)
        {
            Assert.Equal(
                layers[child.Name].Parameters.Select(p => p.Gradient.Span.ToArray()), child.Layer.Parameters.Select(p => p.Gradient.Span.ToArray()));
        }

        float[][] gradients = [.. graph.Parameters.Select(p => p.Gradient.Span.ToArray())];
        foreach (Parameter parameter in graph.Parameters)
            parameter.Gradient.Span.Clear();
        graph.Backward(x, y, dy, null, context);
        Assert.Equal(gradients, graph.Parameters.Select(p => p.Gradient.Span.ToArray()));

        Tensor Run(string name, Tensor input, Shape output)
        {
            Assert.Equal(output, layers[name].Bind(input.Shape));
            var result = new Tensor(output);
            layers[name].Forward(input, result, context);
            return result;
        }

        Tensor Back(string name, Tensor input, Tensor output, Tensor gradient)
        {
            var result = new Tensor(input.Shape);
            layers[name].Backward(input, output, gradient, result, context);
            return result;
        }
    }

    [Fact]
    public void A_bottleneck_makes_no_pass_for_its_ReLUs_and_turns_x_once()
    {
        Graph graph = Bottleneck();
        graph.Bind(new Shape(3, 32, 6, 5));
        string text = graph.Explain();
        Assert.Equal(1, text.Split("LayoutChange").Length - 1);
        Assert.Contains("relu1 ReLU, computed by bn1,", text, StringComparison.Ordinal);
        Assert.Contains("relu ReLU, computed by sum,", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Prediction_equals_evaluation_in_fewer_buffers_and_ends_what_a_backward_pass_needs()
    {
        using var context = new ComputeContext(2);
        Graph graph = Bottleneck();
        var shape = new Shape(3, 32, 6, 5);
        Tensor x = Tensor.From(shape, new SeededRandom(2).Floats(shape.Count)), y = new(graph.Bind(shape)), z = new(y.Shape);
        Assert.Throws<InvalidOperationException>(() => graph.Backward(x, y, y, null, context));
        graph.Forward(x, y, context);
        context.IsTraining = false;
        graph.Forward(x, y, context);
        context.IsTraining = true;
        graph.Predict(x, z, context);
        Assert.True(context.IsTraining);
        // Folded normalizations round differently.
        Tolerance.AssertClose(Array.ConvertAll(y.Span.ToArray(), value => (double)value), z.Span, 1e-5, "z");
        Assert.Contains("Predict", Assert.Throws<InvalidOperationException>(() => graph.Backward(x, y, y, null, context)).Message, StringComparison.Ordinal);

        string memory = graph.Explain().Split('\n')[^1];
        double[] megabytes = [.. memory.Split(' ').Select((word, i) => (word, i)).Where(pair => pair.word == "MB").Select(pair => double.Parse(memory.Split(' ')[pair.i - 1], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(2, megabytes.Length);
        Assert.True(megabytes[1] < megabytes[0], memory);
    }

    [Fact]
    public void Adds_the_gradients_of_all_readers_also_of_one_that_reads_twice()
    {
        using var context = new ComputeContext(1);
        var graph = new Graph();
        graph.Sum("double", Graph.Input, Graph.Input);
        graph.Add("relu", new ReLU());
        graph.Sum("threefold", "relu", "relu", "relu");
        graph.Concat("both", "threefold", "double", "relu");
        Tensor x = Tensor.From(new Shape(2, 2), [1, -2, 3, 4]), y = new(graph.Bind(x.Shape)), dx = new(x.Shape);
        graph.Forward(x, y, context);
        Assert.Equal([6f, 0, 2, -4, 2, 0, 18, 24, 6, 8, 6, 8], y.Span.ToArray());
        graph.Backward(x, y, Tensor.From(y.Shape, [1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60]), dx, context);
        Assert.Equal([2f * (3 * 1 + 2 + 3), 2 * 20, 2 * (3 * 4 + 5 + 6), 2 * (3 * 40 + 50 + 60)], dx.Span.ToArray());
    }

    [Fact]
    public void Says_when_the_gradients_of_its_layers_are_ready()
    {
        using var context = new ComputeContext(1);
        Graph graph = Bottleneck();
        Tensor x = new(new Shape(2, 32, 4, 4)), y = new(graph.Bind(x.Shape));
        var ready = new List<int>();
        graph.GradientsReady = ready.Add;
        graph.Forward(x, y, context);
        graph.Backward(x, y, y, null, context);
        Assert.Equal(Enumerable.Range(0, graph.Children.Count).Reverse(), ready);
    }

    [Fact]
    public void Refuses_what_cannot_be_wired()
    {
        var graph = new Graph();
        Assert.Contains("at least one node", Assert.Throws<ArgumentException>(() => graph.Bind(new Shape(2, 3))).Message, StringComparison.Ordinal);
        var relu = new ReLU();
        graph.Add("a", relu);
        Refuses("layer", "\"b\" is that of \"a\"", () => graph.Add("b", relu));
        Refuses("name", "\"a\" already", () => graph.Add("a", new ReLU()));
        Refuses("name", "\"input\" already", () => graph.Add("input", new ReLU()));
        Refuses("from", "\"b\" reads \"c\"", () => graph.Add("b", new ReLU(), "c"));
        Refuses("from", "two nodes or more; got 1", () => graph.Sum("b", "a"));
        graph.Add("b", new Linear(3, 2), "a");
        graph.Add("c", new Linear(3, 4), "a");
        Assert.Contains("Nobody reads node \"b\"", Assert.Throws<ArgumentException>(() => graph.Bind(new Shape(2, 3))).Message, StringComparison.Ordinal);
        graph.Sum("d", "b", "c");
        Assert.Contains("Node d: it adds [2, 2] and [2, 4]", Assert.Throws<ArgumentException>(() => graph.Bind(new Shape(2, 3))).Message, StringComparison.Ordinal);

        static void Refuses(string argument, string part, Func<string> add)
        {
            ArgumentException error = Assert.Throws<ArgumentException>(add);
            Assert.Equal(argument, error.ParamName);
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_layer_has_one_place_also_across_networks()
    {
        var relu = new ReLU();
        var network = new Sequential(new Sequential(relu), new Sequential(relu));
        Assert.Contains("Layer 1.0 stands in another place", Assert.Throws<ArgumentException>(() => network.Bind(new Shape(2, 3))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using var context = new ComputeContext(2);
        Graph graph = Bottleneck();
        graph.Concat("concat", "relu", "sum");
        Tensor x = new(new Shape(8, 32, 12, 12)), y = new(graph.Bind(x.Shape)), dx = new(x.Shape);
        for (int step = 0; step < 3; step++)
            Step();
        Assert.Equal(0, Allocations.OfThisThread(Step));

        void Step()
        {
            graph.Predict(x, y, context);
            graph.Forward(x, y, context);
            graph.Backward(x, y, y, dx, context);
        }
    }

    // As in ResNet-50, of stride 2.
    private static Graph Bottleneck()
    {
        var random = new SeededRandom(1);
        var graph = new Graph();
        graph.Add("conv1", new Conv2d(32, 16, 1, bias: false, random: random));
        graph.Add("bn1", new BatchNorm2d(16));
        graph.Add("relu1", new ReLU());
        graph.Add("conv2", new Conv2d(16, 16, 3, stride: 2, padding: 1, bias: false, random: random));
        graph.Add("bn2", new BatchNorm2d(16));
        graph.Add("relu2", new ReLU());
        graph.Add("conv3", new Conv2d(16, 64, 1, bias: false, random: random));
        graph.Add("bn3", new BatchNorm2d(64));
        graph.Add("down", new Conv2d(32, 64, 1, stride: 2, bias: false, random: random), Graph.Input);
        graph.Add("downbn", new BatchNorm2d(64));
        graph.Sum("sum", "bn3", "downbn");
        graph.Add("relu", new ReLU());
        return graph;
    }
}
