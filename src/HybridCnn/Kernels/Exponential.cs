using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>The exponential and its relatives for registers of any width, in float throughout. NaN passes through.</summary>
internal static class Exponential
{
    // Between them 2^n is a normal number.
    private const float Lowest = -87.33f, Highest = 88.37f;

    // ln 2 in two parts; the first has so few digits that n times it is exact (Cody and Waite, Software Manual for the Elementary Functions, 1980).
    private const float Ln2High = 0.693359375f, Ln2Low = -2.12194440e-4f, Log2E = 1.44269504f;

    /// <summary>
    /// e^x within 2e-7 of itself; below −87.33 it stays at 1.2e-38, above 88.37 at 2.4e38. e^x = 2^n·e^r, |r| ≤ ln 2 / 2, with
    /// the polynomial of Moshier, Cephes (expf), 1989.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp<T>(T x)
        where T : struct, IFloats<T> => ExpOfNegative(T.AtMost(T.Broadcast(Highest), x));

    /// <summary>The same, for x that is known not to be above 88.37.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ExpOfNegative<T>(T x)
        where T : struct, IFloats<T>
    {
        x = T.AtLeast(T.Broadcast(Lowest), x);
        T bias = T.Broadcast(FloatBits.Bias), biased = T.MultiplyAdd(x, T.Broadcast(Log2E), bias), n = biased - bias;
        T r = T.MultiplyAdd(n, T.Broadcast(-Ln2High), x);
        T.AddProduct(n, T.Broadcast(-Ln2Low), ref r);
        T p = T.MultiplyAdd(T.Broadcast(1.9875691500e-4f), r, T.Broadcast(1.3981999507e-3f));
        p = T.MultiplyAdd(p, r, T.Broadcast(8.3334519073e-3f));
        p = T.MultiplyAdd(p, r, T.Broadcast(4.1665795894e-2f));
        p = T.MultiplyAdd(p, r, T.Broadcast(1.6666665459e-1f));
        p = T.MultiplyAdd(p, r, T.Broadcast(5.0000001201e-1f));
        return T.MultiplyAdd(p, r * r, r + T.Broadcast(1)) * T.TwoToThe(biased);
    }

    /// <summary>
    /// log(1 + x) for x from 0 to 1, within 2e-7 of itself: 2·artanh s with s = x / (2 + x), at most 1/3, by its series, of which
    /// nine terms are enough.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LogOnePlus<T>(T x)
        where T : struct, IFloats<T>
    {
        T s = x / (x + T.Broadcast(2)), square = s * s;
        T p = T.MultiplyAdd(T.Broadcast(1f / 17), square, T.Broadcast(1f / 15));
        p = T.MultiplyAdd(p, square, T.Broadcast(1f / 13));
        p = T.MultiplyAdd(p, square, T.Broadcast(1f / 11));
        p = T.MultiplyAdd(p, square, T.Broadcast(1f / 9));
        p = T.MultiplyAdd(p, square, T.Broadcast(1f / 7));
        p = T.MultiplyAdd(p, square, T.Broadcast(1f / 5));
        p = T.MultiplyAdd(p, square, T.Broadcast(1f / 3));
        p = T.MultiplyAdd(p, square, T.Broadcast(1));
        return (s + s) * p;
    }

    /// <summary>
    /// σ(x) = 1 / (1 + e^−x) and 1 − σ(x), each within 4e-7 of itself: computed from e^−|x|, so that nothing overflows and small values
    /// keep their digits.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T Value, T Complement) Sigmoid<T>(T x)
        where T : struct, IFloats<T>
    {
        T e = ExpOfNegative(T.Broadcast(0) - T.Abs(x)), one = T.Broadcast(1), share = one / (one + e);
        return (T.Select(x, one, e) * share, T.Select(x, e, one) * share);
    }

    /// <summary>
    /// tanh x within 3e-7 of itself: a polynomial up to 0.625 (Moshier, Cephes (tanhf), 1989), where (1 − e) / (1 + e), e = e^−2|x|, loses digits.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Tanh<T>(T x)
        where T : struct, IFloats<T>
    {
        T zero = T.Broadcast(0), one = T.Broadcast(1), size = T.Abs(x), square = x * x;
        T p = T.MultiplyAdd(T.Broadcast(-5.70498872745e-3f), square, T.Broadcast(2.06390887954e-2f));
        p = T.MultiplyAdd(p, square, T.Broadcast(-5.37397155531e-2f));
        p = T.MultiplyAdd(p, square, T.Broadcast(1.33314422036e-1f));
        p = T.MultiplyAdd(p, square, T.Broadcast(-3.33332819422e-1f));
        T small = T.MultiplyAdd(p * square, x, x);
        T e = ExpOfNegative(size * T.Broadcast(-2)), large = (one - e) / (one + e);
        return T.Select(size - T.Broadcast(0.625f), T.Select(x, large, zero - large), small);
    }

    /// <summary>
    /// Φ(x), the share of the standard normal distribution below x, within 2e-7, and e^(−x²/2), which its density is made of.
    /// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, formula 7.1.26.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T Below, T Bell) Normal<T>(T x)
        where T : struct, IFloats<T>
    {
        T one = T.Broadcast(1), bell = ExpOfNegative(x * x * T.Broadcast(-0.5f));

        // With z = |x| / √2: erfc z = (a1·t + … + a5·t⁵)·e^(−z²), t = 1 / (1 + 0.3275911·z); half of it lies beyond |x|.
        T t = one / T.MultiplyAdd(T.Abs(x), T.Broadcast(0.3275911f * 0.70710678f), one);
        T p = T.MultiplyAdd(T.Broadcast(1.061405429f), t, T.Broadcast(-1.453152027f));
        p = T.MultiplyAdd(p, t, T.Broadcast(1.421413741f));
        p = T.MultiplyAdd(p, t, T.Broadcast(-0.284496736f));
        p = T.MultiplyAdd(p, t, T.Broadcast(0.254829592f));
        T beyond = p * t * bell * T.Broadcast(0.5f);
        return (T.Select(x, one - beyond, beyond), bell);
    }
}
