using System.Runtime.CompilerServices;
using HybridCnn.Compute;
using HybridCnn.Interop;

namespace HybridCnn.Tests.Compute;

public class FloatingPointModeTests
{
    // Not inlined and from variables, so that it is computed when it runs and not when it is compiled.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Product(float x, float y) => x * y;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_denormal_product_is_zero_on_every_worker_and_not_afterwards(int workers)
    {
        using var pool = new WorkerPool(workers);
        Assert.True(Product(1e-30f, 1e-10f) > 0);
        float[] products = new float[workers];
        Array.Fill(products, float.NaN);
        pool.For(workers, products, static (p, _, start, end) =>
        {
            for (int i = start; i < end; i++)
                p[i] = Product(1e-30f, 1e-10f);
        });
        Assert.All(products, product => Assert.Equal(0, product));
        Assert.True(Product(1e-30f, 1e-10f) > 0);
    }

    [Fact]
    public void A_body_that_fails_leaves_the_callers_mode_as_it_was()
    {
        using var pool = new WorkerPool(2);
        ulong before = NativeMethods.FloatingPointModeGet();
        Assert.Throws<InvalidOperationException>(() => pool.For(2, "", static (_, _, _, _) => throw new InvalidOperationException()));
        Assert.Equal(before, NativeMethods.FloatingPointModeGet());
    }
}
