using HybridCnn.Tensors;

namespace HybridCnn.Tests.Tensors;

public class ShapeTests
{
    [Fact]
    public void Prints_its_extents() => Assert.Equal("[2, 3, 4, 5]", new Shape(2, 3, 4, 5).ToString());

    [Theory]
    [InlineData(new[] { 0 }, "Extent 0 must be at least 1; got 0.")]
    [InlineData(new[] { 2, -3 }, "Extent 1 must be at least 1; got -3.")]
    [InlineData(new int[0], "A shape has 1 to 4 extents; got 0.")]
    [InlineData(new[] { 1, 1, 1, 1, 1 }, "A shape has 1 to 4 extents; got 5.")]
    [InlineData(new[] { 65536, 65536 }, "[65536, 65536] has more than the 2147483591 elements that one buffer can hold.")]
    public void Refuses_what_no_buffer_can_be(int[] extents, string message) =>
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => new Shape(extents)).Message);
}
