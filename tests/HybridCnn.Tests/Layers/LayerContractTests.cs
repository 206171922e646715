using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

/// <summary>What src/HybridCnn/Layers/Layer.cs promises, for every layer of the catalog.</summary>
public class LayerContractTests
{
    public static TheoryData<string> Names => LayerCatalog.Names;

    [Fact]
    public void Every_public_layer_is_in_the_catalog()
    {
        IEnumerable<Type> layers = typeof(Layer).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(Layer)) && !type.IsAbstract);
        HashSet<Type> covered = [.. LayerCatalog.Entries.Select(entry => entry.Create(new SeededRandom(1)).GetType())];
        Assert.NotEmpty(covered);
        Assert.DoesNotContain(layers, type => !covered.Contains(type));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Overwrites_y_and_dx_and_leaves_the_rest(string name)
    {
        using var context = new ComputeContext(2);
        var layer = new BoundLayer(LayerCatalog.Get(name));
        layer.Y.Span.Fill(float.NaN);
        layer.Dx.Span.Fill(float.NaN);
        float[] x = layer.X.Span.ToArray(), dy = layer.Dy.Span.ToArray();
        float[][] values = [.. layer.Layer.Parameters.Select(p => p.Value.Span.ToArray())];

        layer.Forward(context);
        Assert.DoesNotContain(float.NaN, layer.Y.Span.ToArray());
        float[] y = layer.Y.Span.ToArray();
        layer.Backward(context);
        Assert.DoesNotContain(float.NaN, layer.Dx.Span.ToArray());

        Assert.Equal(x, layer.X.Span.ToArray());
        Assert.Equal(y, layer.Y.Span.ToArray());
        Assert.Equal(dy, layer.Dy.Span.ToArray());
        Assert.Equal(values, layer.Layer.Parameters.Select(p => p.Value.Span.ToArray()));
        Assert.Contains(layer.Dx.Span.ToArray(), value => value != 0);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gives_the_same_bits_again_for_the_same_number_of_threads(string name)
    {
        for (int threads = 1; threads <= 3; threads++)
        {
            using var context = new ComputeContext(threads);
            BoundLayer first = new(LayerCatalog.Get(name)), second = new(LayerCatalog.Get(name));
            first.Forward(context);
            first.Backward(context);
            second.Forward(context);
            second.Backward(context);
            second.ClearGradients();
            second.Forward(context);
            second.Backward(context);
            SameBits.Assert(first.Results(), second.Results(), $"{name} on {threads} threads");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Adds_to_parameter_gradients(string name)
    {
        using var context = new ComputeContext(2);
        var layer = new BoundLayer(LayerCatalog.Get(name));
        layer.Forward(context);
        layer.Backward(context);
        float[][] once = [.. layer.Layer.Parameters.Select(p => p.Gradient.Span.ToArray())];
        Assert.All(once, gradient => Assert.Contains(gradient, value => value != 0));
        foreach (Parameter parameter in layer.Layer.Parameters)
            parameter.Gradient.Span.Fill(3);
        layer.Backward(context);
        for (int p = 0; p < once.Length; p++)
        {
            Span<float> gradient = layer.Layer.Parameters[p].Gradient.Span;
            for (int i = 0; i < gradient.Length; i++)
                Assert.Equal(3 + once[p][i], gradient[i], 2e-6f * (4 + Math.Abs(once[p][i])));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Computes_the_same_parameter_gradients_without_dx(string name)
    {
        using var context = new ComputeContext(2);
        var layer = new BoundLayer(LayerCatalog.Get(name));
        layer.Forward(context);
        layer.Backward(context);
        float[][] with = [.. layer.Layer.Parameters.Select(p => p.Gradient.Span.ToArray())];
        layer.ClearGradients();
        layer.Layer.Backward(layer.X, layer.Y, layer.Dy, null, context);
        Assert.Equal(with, layer.Layer.Parameters.Select(p => p.Gradient.Span.ToArray()));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_equal_finite_differences(string name)
    {
        using var context = new ComputeContext(1);
        LayerCatalog.Entry entry = LayerCatalog.Get(name);
        var layer = new BoundLayer(entry);
        layer.Forward(context);
        layer.Backward(context);
        var check = new FiniteDifferences(layer, context, entry.Rounding, entry.IsCurved);
        check.Run("dx", layer.X, layer.Dx.Span.ToArray(), step: 1f / 128);
        foreach (Parameter parameter in layer.Layer.Parameters)
            check.Run(parameter.Name, parameter.Value, parameter.Gradient.Span.ToArray(), step: 1f / 1024);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Can_be_bound_again_to_another_batch_size(string name)
    {
        using var context = new ComputeContext(2);
        LayerCatalog.Entry entry = LayerCatalog.Get(name);
        var layer = new BoundLayer(entry);
        layer.Forward(context);
        float[] first = layer.Y.Item(0).ToArray();

        Shape one = entry.Input.Rank switch
        {
            4 => new Shape(1, entry.Input[1], entry.Input[2], entry.Input[3]).In(entry.Input.Layout),
            3 => new(1, entry.Input[1], entry.Input[2]),
            _ => new(1, entry.Input[1]),
        };
        Tensor x = Tensor.From(one, layer.X.Item(0)), y = new(layer.Layer.Bind(one));
        layer.Layer.Forward(x, y, context);
        float tolerance = 1e-6f * (10 + first.Max(Math.Abs));
        for (int i = 0; i < first.Length && !entry.SeesWholeBatch; i++)
            Assert.Equal(first[i], y.Span[i], tolerance);
        Assert.Equal(entry.Output, layer.Layer.Bind(entry.Input));
        layer.Forward(context);
        Assert.Equal(first, layer.Y.Item(0).ToArray());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Says_what_is_wrong_with_its_arguments(string name)
    {
        using var context = new ComputeContext(1);
        LayerCatalog.Entry entry = LayerCatalog.Get(name);
        Tensor other = new(new Shape(17, 3));
        Tensor x = new(entry.Input), y = new(entry.Output);
        Layer unbound = entry.Create(new SeededRandom(1));
        Assert.Contains("Bind", Assert.Throws<InvalidOperationException>(() => unbound.Forward(x, y, context)).Message);
        Assert.Contains("Bind", Assert.Throws<InvalidOperationException>(() => unbound.Backward(x, y, y, x, context)).Message);

        Layer layer = unbound;
        Assert.ThrowsAny<ArgumentException>(() => layer.Bind(default));
        layer.Bind(entry.Input);
        Refuses<ArgumentNullException>("x", () => layer.Forward(null!, y, context));
        Refuses<ArgumentNullException>("y", () => layer.Forward(x, null!, context));
        Refuses<ArgumentNullException>("context", () => layer.Forward(x, y, null!));
        Refuses<ArgumentNullException>("dy", () => layer.Backward(x, y, null!, x, context));
        Both("x", entry.Input, () => layer.Forward(other, y, context));
        Both("y", entry.Output, () => layer.Forward(x, other, context));
        Both("x", entry.Input, () => layer.Backward(other, y, y, x, context));
        Both("y", entry.Output, () => layer.Backward(x, other, y, x, context));
        Both("dy", entry.Output, () => layer.Backward(x, y, other, x, context));
        Both("dx", entry.Input, () => layer.Backward(x, y, y, other, context));

        void Both(string argument, Shape expected, Action call)
        {
            string message = Refuses<ArgumentException>(argument, call).Message;
            Assert.Contains(expected.ToString(), message, StringComparison.Ordinal);
            Assert.Contains("[17, 3]", message, StringComparison.Ordinal);
        }
    }

    private static T Refuses<T>(string argument, Action call)
        where T : ArgumentException
    {
        T exception = Assert.Throws<T>(call);
        Assert.Equal(argument, exception.ParamName);
        return exception;
    }
}
