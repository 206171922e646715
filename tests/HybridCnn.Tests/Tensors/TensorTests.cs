using HybridCnn.Tensors;

namespace HybridCnn.Tests.Tensors;

public class TensorTests
{
    [Fact]
    public void Starts_as_zeros_on_a_64_byte_line()
    {
        for (int i = 1; i < 40; i++)
        {
            var tensor = new Tensor(new Shape(i));
            Assert.All(tensor.Span.ToArray(), v => Assert.Equal(0f, v));
            unsafe
            {
                fixed (float* p = tensor.Span)
                    Assert.Equal(0, (nint)p % 64);
            }
        }
    }

    [Fact]
    public void Reshape_shares_the_elements()
    {
        var tensor = new Tensor(new Shape(2, 3, 4, 5));
        Tensor flat = tensor.Reshape(new Shape(2, 60));
        flat.Span[61] = 7;
        Assert.Equal(7, tensor.Item(1)[1]);
    }

    [Fact]
    public void Mistakes_are_named()
    {
        var tensor = new Tensor(new Shape(2, 6));
        Assert.Contains("[2, 6] has 12 elements, [5] has 5", Assert.Throws<ArgumentException>(() => tensor.Reshape(new Shape(5))).Message, StringComparison.Ordinal);
        Assert.Contains("[2, 6] has 2 items", Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Item(2)).Message, StringComparison.Ordinal);
        Assert.Contains("got 3 values", Assert.Throws<ArgumentException>(() => Tensor.From(new Shape(4), [1, 2, 3])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Tensor(default));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Shape[2]);
        Assert.Throws<InvalidOperationException>(() => tensor.Shape.In(Layout.Nhwc));
    }

    [Fact]
    public void A_shape_knows_its_layout()
    {
        Shape nhwc = new Shape(1, 2, 3, 4).In(Layout.Nhwc);
        Assert.Equal("[1, 2, 3, 4] NHWC", nhwc.ToString());
        Assert.True(nhwc != new Shape(1, 2, 3, 4));
        Assert.True(nhwc.In(Layout.Nchw) == new Shape(1, 2, 3, 4));
        Assert.Equal(24, nhwc.Count);
        Assert.Equal(24, nhwc.CountPerItem);
    }

    [Fact]
    public void A_parameter_has_a_gradient_of_its_shape()
    {
        var parameter = new Parameter("weight", new Shape(3, 2));
        Assert.Equal(parameter.Value.Shape, parameter.Gradient.Shape);
        Assert.Throws<ArgumentException>(() => new Parameter("", new Shape(1)));
    }
}
