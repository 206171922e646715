using HybridCnn.Tensors;

namespace HybridCnn.Tests.Tensors;

public class SeededRandomTests
{
    [Fact]
    public void The_first_numbers_are_those_of_SplitMix64()
    {
        // Published with the algorithm: seed 1234567.
        var random = new SeededRandom(1234567);
        Assert.Equal(6457827717110365317UL, random.NextBits());
        Assert.Equal(3203168211198807973UL, random.NextBits());
    }

    [Fact]
    public void A_restored_state_goes_on_where_it_was()
    {
        var random = new SeededRandom(5);
        random.NextNormal();
        var copy = new SeededRandom(0) { State = random.State };
        Assert.Equal(random.NextBits(), copy.NextBits());
    }

    [Fact]
    public void Numbers_keep_to_their_ranges_and_means()
    {
        var random = new SeededRandom(3);
        var counts = new int[7];
        double sum = 0, sumOfSquares = 0, uniform = 0;
        const int n = 70_000;
        for (int i = 0; i < n; i++)
        {
            counts[random.NextInt(7)]++;
            float normal = random.NextNormal();
            sum += normal;
            sumOfSquares += normal * normal;
            float u = random.NextFloat(-1, 3);
            Assert.InRange(u, -1, 3);
            uniform += u;
        }

        Assert.All(counts, c => Assert.InRange(c, 9_500, 10_500));
        Assert.InRange(sum / n, -0.02, 0.02);
        Assert.InRange(sumOfSquares / n, 0.97, 1.03);
        Assert.InRange(uniform / n, 0.97, 1.03);
    }

    [Fact]
    public void A_shuffle_is_a_permutation_and_depends_on_the_seed_alone()
    {
        int[] a = Enumerable.Range(0, 100).ToArray(), b = (int[])a.Clone(), c = (int[])a.Clone();
        new SeededRandom(9).Shuffle<int>(a);
        new SeededRandom(9).Shuffle<int>(b);
        new SeededRandom(10).Shuffle<int>(c);
        Assert.Equal(a, b);
        Assert.NotEqual(a, c);
        Assert.Equal(Enumerable.Range(0, 100), a.Order());
    }
}
