using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Layers;

public class InitializerTests
{
    // [outs, ins, 3, 5]: the fan in is 24·15, the fan out 40·15.
    private static readonly Shape s_shape = new(40, 24, 3, 5);

    public static TheoryData<string, Initializer, double, bool> Cases => new()
    {
        { "HeNormal", Initializer.HeNormal(), Math.Sqrt(2.0 / 360), false },
        { "HeNormal, fan out", Initializer.HeNormal(fanOut: true), Math.Sqrt(2.0 / 600), false },
        { "HeNormal, leaky", Initializer.HeNormal(negativeSlope: 1), Math.Sqrt(1.0 / 360), false },
        { "HeUniform", Initializer.HeUniform(), Math.Sqrt(2.0 / 360), true },
        { "GlorotNormal", Initializer.GlorotNormal(), Math.Sqrt(2.0 / 960), false },
        { "GlorotUniform", Initializer.GlorotUniform(gain: 3), 3 * Math.Sqrt(2.0 / 960), true },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Has_its_deviation(string name, Initializer initializer, double deviation, bool isUniform)
    {
        float[] values = Filled(initializer, s_shape, 1);
        Assert.InRange(values.Average() / deviation, -0.04, 0.04);
        Assert.InRange(Math.Sqrt(values.Average(v => (double)v * v)) / deviation, 0.97, 1.03);
        double largest = values.Max(v => Math.Abs(v)) / deviation;
        Assert.True(isUniform ? largest is > 1.7 and <= 1.7320509 : largest > 3, $"{name}: {largest}");
        Assert.Equal(values, Filled(initializer, s_shape, 1));
        Assert.NotEqual(values, Filled(initializer, s_shape, 2));
    }

    [Theory]
    [InlineData(24, 40)]
    [InlineData(40, 24)]
    [InlineData(16, 16)]
    public void Rows_or_columns_are_orthogonal(int rows, int columns)
    {
        float[] m = Filled(Initializer.Orthogonal(gain: 2), new Shape(rows, columns), 3);
        bool isWide = rows <= columns;
        (int vectors, int length) = isWide ? (rows, columns) : (columns, rows);
        for (int i = 0; i < vectors; i++)
        {
            for (int j = 0; j < vectors; j++)
            {
                double product = Enumerable.Range(0, length).Sum(k => (double)At(i, k) * At(j, k));
                Assert.Equal(i == j ? 4 : 0, product, 1e-5);
            }
        }

        float At(int vector, int k) => isWide ? m[vector * columns + k] : m[k * columns + vector];
    }

    [Fact]
    public void A_network_starts_all_its_matrices_and_biases_and_leaves_the_rest()
    {
        var network = new Sequential(new Conv2d(2, 3, 3), new BatchNorm2d(3), new PReLU(3), new Flatten(), new Sequential(new Linear(27, 4)));
        network.Initialize(Initializer.Constant(0.5f), new SeededRandom(1), bias: Initializer.Constant(0.125f));
        Dictionary<string, float[]> values = network.NamedParameters.ToDictionary(named => named.Name, named => named.Parameter.Value.Span.ToArray());
        Assert.All(values["0.weight"].Concat(values["4.0.weight"]), value => Assert.Equal(0.5f, value));
        Assert.All(values["0.bias"].Concat(values["4.0.bias"]), value => Assert.Equal(0.125f, value));
        Assert.All(values["1.weight"], value => Assert.Equal(1, value));
        Assert.All(values["1.bias"], value => Assert.Equal(0, value));
        Assert.All(values["2.weight"], value => Assert.Equal(0.25f, value));
        network.Initialize(Initializer.HeNormal(), new SeededRandom(1));
        Assert.All(network.Layers[0].Parameters[1].Value.Span.ToArray(), value => Assert.Equal(0, value));
    }

    private static float[] Filled(Initializer initializer, Shape shape, ulong seed)
    {
        var tensor = new Tensor(shape);
        tensor.Span.Fill(float.NaN);
        initializer.Fill(tensor, new SeededRandom(seed));
        return tensor.Span.ToArray();
    }
}
