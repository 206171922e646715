using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// F(4, 3): four outputs of a three-tap filter from six products, in two dimensions 36 products instead of 144.
/// The Toom-Cook construction (Winograd, "Arithmetic Complexity of Computations", 1980) with the points 0, ±a, ±b and ∞:
/// <code>
///      ⎡ a²b²   0    −(a²+b²)   0       1  0 ⎤       ⎡ 1/a²b²            0        0    ⎤        ⎡ 1  1   1   1   1  0 ⎤
///      ⎢ 0    −ab²     −b²      a       1  0 ⎥       ⎢ 1/p             a/p     a²/p    ⎥   Aᵀ = ⎢ 0  a  −a   b  −b  0 ⎥
/// Bᵀ = ⎢ 0     ab²     −b²     −a       1  0 ⎥   G = ⎢ 1/p            −a/p     a²/p    ⎥        ⎢ 0  a²  a²  b²  b² 0 ⎥
///      ⎢ 0    −ba²     −a²      b       1  0 ⎥       ⎢ 1/q             b/q     b²/q    ⎥        ⎣ 0  a³ −a³  b³ −b³ 1 ⎦
///      ⎢ 0     ba²     −a²     −b       1  0 ⎥       ⎢ 1/q            −b/q     b²/q    ⎥
///      ⎣ 0    a²b²      0    −(a²+b²)   0  1 ⎦       ⎣ 0                 0        1    ⎦   p = 2a²(a²−b²), q = 2b²(b²−a²)
/// </code>
/// Lavin and Gray take a = 1, b = 2. Here a = 3/4, b = 3/2: the entries of Bᵀ and Aᵀ are exact in binary and their spread
/// is smaller, which costs no more operations and leaves a smaller rounding error (the tests state the bound).
/// </summary>
internal readonly unsafe struct WinogradF4 : IWinogradForm
{
    private const float A = 0.75f, A2 = A * A, A3 = A * A2;
    private const float B = 1.5f, B2 = B * B, B3 = B * B2;
    private const double P = 2.0 * A2 * (A2 - B2), Q = 2.0 * B2 * (B2 - A2);

    public static int Outputs => 4;

    public static int Inputs => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TVector>(float** pixels, int step, nint channel, float* o, nint os)
        where TVector : struct, IFloats<TVector> => Input(
            TVector.Load(pixels[0] + channel), TVector.Load(pixels[step] + channel), TVector.Load(pixels[2 * step] + channel),
            TVector.Load(pixels[3 * step] + channel), TVector.Load(pixels[4 * step] + channel), TVector.Load(pixels[5 * step] + channel), o, os);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TVector>(float* d, nint ds, float* o, nint os)
        where TVector : struct, IFloats<TVector> => Input(
            TVector.Load(d), TVector.Load(d + ds), TVector.Load(d + 2 * ds),
            TVector.Load(d + 3 * ds), TVector.Load(d + 4 * ds), TVector.Load(d + 5 * ds), o, os);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TVector>(float* p, nint ps, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        var (y0, y1, y2, y3) = Output<TVector>(p, ps, TVector.Load(p));
        y0.Store(o);
        y1.Store(o + os);
        y2.Store(o + 2 * os);
        y3.Store(o + 3 * os);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TVector>(float* p, nint ps, float** pixels, nint channel, TVector bias, bool relu)
        where TVector : struct, IFloats<TVector>
    {
        var (y0, y1, y2, y3) = Output(p, ps, TVector.Load(p) + bias);
        (y1, y2, y3) = (y1 + bias, y2 + bias, y3 + bias);
        if (relu)
        {
            TVector zero = TVector.Broadcast(0);
            (y0, y1, y2, y3) = (TVector.Max(y0, zero), TVector.Max(y1, zero), TVector.Max(y2, zero), TVector.Max(y3, zero));
        }

        y0.Store(pixels[0] + channel);
        y1.Store(pixels[1] + channel);
        y2.Store(pixels[2] + channel);
        y3.Store(pixels[3] + channel);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputAdjoint<TVector>(float** pixels, int step, nint channel, float* o, nint os)
        where TVector : struct, IFloats<TVector> => OutputAdjoint(
            TVector.Load(pixels[0] + channel), TVector.Load(pixels[step] + channel),
            TVector.Load(pixels[2 * step] + channel), TVector.Load(pixels[3 * step] + channel), o, os);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputAdjoint<TVector>(float* dy, nint ds, float* o, nint os)
        where TVector : struct, IFloats<TVector> => OutputAdjoint(
            TVector.Load(dy), TVector.Load(dy + ds), TVector.Load(dy + 2 * ds), TVector.Load(dy + 3 * ds), o, os);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TVector>(float* g, nint gs, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        TVector g0 = TVector.Load(g), g1 = TVector.Load(g + gs), g2 = TVector.Load(g + 2 * gs);
        (g0 * TVector.Broadcast((float)(1.0 / (A2 * B2)))).Store(o);
        TVector even = TVector.MultiplyAdd(g2, TVector.Broadcast((float)(A2 / P)), g0 * TVector.Broadcast((float)(1 / P)));
        TVector odd = g1 * TVector.Broadcast((float)(A / P));
        (even + odd).Store(o + os);
        (even - odd).Store(o + 2 * os);
        even = TVector.MultiplyAdd(g2, TVector.Broadcast((float)(B2 / Q)), g0 * TVector.Broadcast((float)(1 / Q)));
        odd = g1 * TVector.Broadcast((float)(B / Q));
        (even + odd).Store(o + 3 * os);
        (even - odd).Store(o + 4 * os);
        g2.Store(o + 5 * os);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WeightsAdjoint<TVector>(float* u, nint us, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        TVector u1 = TVector.Load(u + us), u2 = TVector.Load(u + 2 * us), u3 = TVector.Load(u + 3 * us), u4 = TVector.Load(u + 4 * us);
        TVector evenA = u1 + u2, oddA = u1 - u2, evenB = u3 + u4, oddB = u3 - u4;
        TVector outer = TVector.MultiplyAdd(evenB, TVector.Broadcast((float)(1 / Q)), evenA * TVector.Broadcast((float)(1 / P)));
        TVector.MultiplyAdd(TVector.Load(u), TVector.Broadcast((float)(1.0 / (A2 * B2))), outer).Store(o);
        TVector.MultiplyAdd(oddB, TVector.Broadcast((float)(B / Q)), oddA * TVector.Broadcast((float)(A / P))).Store(o + os);
        outer = TVector.MultiplyAdd(evenB, TVector.Broadcast((float)(B2 / Q)), TVector.Load(u + 5 * us));
        TVector.MultiplyAdd(evenA, TVector.Broadcast((float)(A2 / P)), outer).Store(o + 2 * os);
    }

    // The points come in pairs ±a, whose rows differ in the sign of the odd columns: both from one even and one odd part.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Input<TVector>(TVector d0, TVector d1, TVector d2, TVector d3, TVector d4, TVector d5, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        TVector product = TVector.Broadcast(A2 * B2), minusSum = TVector.Broadcast(-(A2 + B2));
        TVector.MultiplyAdd(d0, product, TVector.MultiplyAdd(d2, minusSum, d4)).Store(o);
        TVector even = TVector.MultiplyAdd(d2, TVector.Broadcast(-B2), d4), odd = TVector.MultiplyAdd(d1, TVector.Broadcast(-B2), d3);
        TVector.MultiplyAdd(odd, TVector.Broadcast(A), even).Store(o + os);
        TVector.MultiplyAdd(odd, TVector.Broadcast(-A), even).Store(o + 2 * os);
        even = TVector.MultiplyAdd(d2, TVector.Broadcast(-A2), d4);
        odd = TVector.MultiplyAdd(d1, TVector.Broadcast(-A2), d3);
        TVector.MultiplyAdd(odd, TVector.Broadcast(B), even).Store(o + 3 * os);
        TVector.MultiplyAdd(odd, TVector.Broadcast(-B), even).Store(o + 4 * os);
        TVector.MultiplyAdd(d1, product, TVector.MultiplyAdd(d3, minusSum, d5)).Store(o + 5 * os);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (TVector Y0, TVector Y1, TVector Y2, TVector Y3) Output<TVector>(float* p, nint ps, TVector p0)
        where TVector : struct, IFloats<TVector>
    {
        TVector p1 = TVector.Load(p + ps), p2 = TVector.Load(p + 2 * ps), p3 = TVector.Load(p + 3 * ps), p4 = TVector.Load(p + 4 * ps);
        TVector evenA = p1 + p2, oddA = p1 - p2, evenB = p3 + p4, oddB = p3 - p4;
        return (
            p0 + evenA + evenB,
            TVector.MultiplyAdd(oddB, TVector.Broadcast(B), oddA * TVector.Broadcast(A)),
            TVector.MultiplyAdd(evenB, TVector.Broadcast(B2), evenA * TVector.Broadcast(A2)),
            TVector.MultiplyAdd(oddB, TVector.Broadcast(B3), TVector.MultiplyAdd(oddA, TVector.Broadcast(A3), TVector.Load(p + 5 * ps))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputAdjoint<TVector>(TVector y0, TVector y1, TVector y2, TVector y3, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        y0.Store(o);
        TVector even = TVector.MultiplyAdd(y2, TVector.Broadcast(A2), y0), odd = TVector.MultiplyAdd(y3, TVector.Broadcast(A2), y1);
        TVector.MultiplyAdd(odd, TVector.Broadcast(A), even).Store(o + os);
        TVector.MultiplyAdd(odd, TVector.Broadcast(-A), even).Store(o + 2 * os);
        even = TVector.MultiplyAdd(y2, TVector.Broadcast(B2), y0);
        odd = TVector.MultiplyAdd(y3, TVector.Broadcast(B2), y1);
        TVector.MultiplyAdd(odd, TVector.Broadcast(B), even).Store(o + 3 * os);
        TVector.MultiplyAdd(odd, TVector.Broadcast(-B), even).Store(o + 4 * os);
        y3.Store(o + 5 * os);
    }
}
