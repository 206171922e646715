using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// Local response normalization (Krizhevsky, Sutskever, Hinton, 2012): with s = k + alpha·Σ x² over the channels from <c>Before</c> ones before an element's own to <c>Behind</c> ones
/// behind it, y = x·s^−beta, and backward, over the elements j whose windows hold i: dx_i = dy_i·s_i^−beta − 2·alpha·beta·x_i·Σ_j dy_j·x_j·s_j^(−beta − 1).
/// </summary>
internal readonly record struct ResponseWindow(int Before, int Behind, float Alpha, float Beta, float K)
{
    /// <summary>s, from the sum of squares.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Total<T>(T squares)
        where T : struct, IFloats<T> => T.MultiplyAdd(squares, T.Broadcast(Alpha), T.Broadcast(K));

    /// <summary>s^−beta.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Factor<T>(T total)
        where T : struct, IFloats<T>
    {
        // The usual exponent takes two roots.
        if (Beta == 0.75f)
        {
            T root = T.Sqrt(total);
            return T.Broadcast(1) / (root * T.Sqrt(root));
        }

        return Exponential.Exp(T.Broadcast(-Beta) * T.Log(total));
    }
}
