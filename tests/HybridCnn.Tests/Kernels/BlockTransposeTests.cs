using HybridCnn.Kernels;

namespace HybridCnn.Tests.Kernels;

public unsafe class BlockTransposeTests
{
    [Fact]
    public void Squares_of_every_register_are_transposed()
    {
        Check<Floats16>();
        Check<Floats8>();
        Check<Floats4>();
        Check<Floats1>();
    }

    private static void Check<TVector>()
        where TVector : struct, IFloats<TVector>
    {
        int n = TVector.Count, sourceStride = n + 3, targetStride = n + 5;
        float[] source = [.. Enumerable.Range(0, n * sourceStride).Select(i => (float)i)];
        var target = new float[n * targetStride];
        Array.Fill(target, float.NaN);
        fixed (float* from = source, to = target)
            TVector.Transpose(from, sourceStride, to, targetStride);
        for (int i = 0; i < target.Length; i++)
            Assert.Equal(i % targetStride < n ? source[i % targetStride * sourceStride + i / targetStride] : float.NaN, target[i]);
    }
}
