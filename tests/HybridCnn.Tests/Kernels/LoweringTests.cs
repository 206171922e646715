using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Kernels;

public class LoweringTests(ITestOutputHelper output)
{
    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Copies_every_patch_and_adds_it_back(string problem)
    {
        var dims = Conv2dDims.Parse(problem);
        var random = new SeededRandom(1);
        foreach (GuardSide side in (GuardSide[])[GuardSide.End, GuardSide.Start])
        {
            Check(dims, random, dims.ICPerGroup, 0, dims.OH, side);
            Check(dims, random, 1, dims.OH / 2, dims.OH, side);
            Check(dims, random, dims.ICPerGroup, dims.OH / 3, (dims.OH + dims.OH / 3 + 1) / 2, side);
        }
    }

    [Fact]
    public void Copies_every_patch_and_adds_it_back_for_any_dims() =>
        Fuzz.Run(output, 400, Fuzz.Convolution, (dims, random) =>
        {
            int first = random.NextInt(dims.OH);
            Check(dims, random, 1 + random.NextInt(dims.ICPerGroup), first, first + 1 + random.NextInt(dims.OH - first), (GuardSide)random.NextInt(2));
        });

    [Theory]
    [InlineData("mb1ic2ih20iw700oc1kh3kw3ph1pw1")]
    [InlineData("mb1ic1ih3iw80oc1kh1kw40ph0pw20")]
    [InlineData("mb1ic2ih90iw60oc1kh3ph1")]
    [InlineData("mb1ic2ih90iw61oc1kh3sh2ph1")]
    [InlineData("mb1ic2ih70iw67oc1kh11sh4ph2")]
    [InlineData("mb1ic1ih70iw100oc1kh5kw3sh3sw2ph2pw1dh1dw2")]
    [InlineData("mb1ic1ih2iw5000oc1kh2kw3ph0pw1")]
    public void Serves_wide_rows_wide_kernels_and_images_in_several_strips(string problem)
    {
        var dims = Conv2dDims.Parse(problem);
        Check(dims, new SeededRandom(2), dims.IC, 0, dims.OH, GuardSide.End);
    }

    [Theory]
    [InlineData("mb1ic3ih1iw50oc1kh1kw9ph0pw4", 0, 20)]
    [InlineData("mb1ic3ih1iw50oc1kh1kw9ph0pw4", 4, 41)]
    [InlineData("mb1ic3ih1iw50oc1kh1kw9ph0pw4", 30, 50)]
    [InlineData("mb1ic2ih5iw30oc1kh3kw3sh1sw2ph1pw1", 3, 11)]
    public void Copies_the_patches_of_some_columns(string problem, int ow0, int ow1)
    {
        var dims = Conv2dDims.Parse(problem);
        int[] sources = [.. ReferenceLowering.Sources(dims, dims.IC, 0, dims.OH).Where((_, i) => i % dims.OW >= ow0 && i % dims.OW < ow1)];
        using var x = new GuardedBuffer(new SeededRandom(3).Floats(dims.XCount), GuardSide.End);
        using var col = new GuardedBuffer(sources.Length, GuardSide.End);
        col.Span.Fill(float.NaN);
        Im2Col.Run(dims, x.Span, dims.IC, 0, dims.OH, ow0, ow1, col.Span);
        float[] image = x.Span.ToArray();
        Assert.Equal(sources.Select(source => source < 0 ? 0 : image[source]), col.Span.ToArray());
    }

    private static void Check(Conv2dDims dims, SeededRandom random, int channels, int oh0, int oh1, GuardSide side)
    {
        int[] sources = ReferenceLowering.Sources(dims, channels, oh0, oh1);
        using var x = new GuardedBuffer(random.Floats((long)channels * dims.IH * dims.IW), side);
        using var col = new GuardedBuffer(sources.Length, side);
        Im2Col.Run(dims, x.Span, channels, oh0, oh1, col.Span);
        float[] image = x.Span.ToArray();
        Assert.Equal(sources.Select(source => source < 0 ? 0 : image[source]), col.Span.ToArray());

        // Whole numbers, so that the order of the additions doesn't matter.
        random.Integers(sources.Length).CopyTo(col.Span);
        random.Integers(x.Length).CopyTo(x.Span);
        float[] expected = x.Span.ToArray();
        for (int i = 0; i < sources.Length; i++)
        {
            if (sources[i] >= 0)
                expected[sources[i]] += col.Span[i];
        }

        Col2Im.Run(dims, col.Span, channels, oh0, oh1, x.Span);
        Assert.Equal(expected, x.Span.ToArray());
    }

    [Fact]
    public void What_lies_in_lanes_beyond_a_row_does_not_matter()
    {
        // Elements that belong to padding are dropped even where they are NaN.
        var dims = Conv2dDims.Parse("mb1ic2ih6oc1kh5ph2");
        int[] sources = ReferenceLowering.Sources(dims, 2, 0, dims.OH);
        float[] col = [.. sources.Select(source => source < 0 ? float.NaN : 1f)];
        var dx = new float[2 * 36];
        Col2Im.Run(dims, col, 2, 0, dims.OH, dx);
        Assert.All(dx, value => Assert.False(float.IsNaN(value)));
        Assert.Equal(sources.Count(source => source >= 0), dx.Sum());
    }
}
