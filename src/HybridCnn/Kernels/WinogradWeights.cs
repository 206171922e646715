using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// The transforms between 3x3 weights in PyTorch's order [oc, ic, 3, 3] and the domain of the products, for a block of
/// channels: product (i, j) is one matrix [rows, columns], rows being the channels that a convolution reads and columns
/// those that it writes. Weights are turned in registers on their way, a square at a time.
/// </summary>
internal static unsafe class WinogradWeights<TForm>
    where TForm : struct, IWinogradForm
{
    private const int Taps = 9;
    private const int MaxRegister = 16;

    // Rows whose taps are gathered at once: 9 squares of 16 x 16.
    private const int Group = 16;

    /// <summary>u = G g Gᵀ for rows [row, row + rows) and columns [column, column + columns).</summary>
    /// <param name="oc">Output channels of the weights.</param>
    /// <param name="ic">Input channels of the weights.</param>
    /// <param name="backward">
    /// False: rows are input channels, columns output channels. True: the other way round and the taps turned by half a
    /// turn, which makes a convolution of dY the gradient by x.
    /// </param>
    /// <param name="w">Weights [oc, ic, 3, 3].</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="column">First column.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="u">Overwritten: Inputs² matrices [rows, columns].</param>
    /// <param name="stride">Distance of the matrices.</param>
    public static void Transform(
        int oc, int ic, bool backward, ReadOnlySpan<float> w, int row, int rows, int column, int columns, Span<float> u, int stride)
    {
        CheckBlock(backward ? oc : ic, row, rows);
        CheckBlock(backward ? ic : oc, column, columns);
        fixed (float* pw = w[..checked(oc * ic * Taps)], pu = u[..Length(rows, columns, stride)])
        {
            if (Vector512.IsHardwareAccelerated && columns >= Floats16.Count)
                Transform<Floats16>(ic, backward, pw, row, rows, column, columns, pu, stride);
            else if (columns >= Floats8.Count)
                Transform<Floats8>(ic, backward, pw, row, rows, column, columns, pu, stride);
            else if (columns >= Floats4.Count)
                Transform<Floats4>(ic, backward, pw, row, rows, column, columns, pu, stride);
            else
                Transform<Floats1>(ic, backward, pw, row, rows, column, columns, pu, stride);
        }
    }

    /// <summary>dw += Gᵀ du G, the adjoint of <see cref="Transform"/> forward: rows are input channels, columns output channels.</summary>
    /// <param name="oc">Output channels of the weights.</param>
    /// <param name="ic">Input channels of the weights.</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="column">First column.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="du">Inputs² matrices [rows, columns].</param>
    /// <param name="stride">Distance of the matrices.</param>
    /// <param name="dw">Weights [oc, ic, 3, 3]; the block's are added to.</param>
    public static void AddAdjoint(
        int oc, int ic, int row, int rows, int column, int columns, ReadOnlySpan<float> du, int stride, Span<float> dw)
    {
        CheckBlock(ic, row, rows);
        CheckBlock(oc, column, columns);
        fixed (float* pu = du[..Length(rows, columns, stride)], pw = dw[..checked(oc * ic * Taps)])
        {
            if (Vector512.IsHardwareAccelerated && columns >= Floats16.Count)
                AddAdjoint<Floats16>(ic, row, rows, column, columns, pu, stride, pw);
            else if (columns >= Floats8.Count)
                AddAdjoint<Floats8>(ic, row, rows, column, columns, pu, stride, pw);
            else if (columns >= Floats4.Count)
                AddAdjoint<Floats4>(ic, row, rows, column, columns, pu, stride, pw);
            else
                AddAdjoint<Floats1>(ic, row, rows, column, columns, pu, stride, pw);
        }
    }

    private static int Length(int rows, int columns, int stride) =>
        checked((TForm.Inputs * TForm.Inputs - 1) * stride + rows * columns);

    private static void CheckBlock(int extent, int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)first + count, extent);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transform<TVector>(
        int ic, bool backward, float* w, int row, int rows, int column, int columns, float* u, nint stride)
        where TVector : struct, IFloats<TVector>
    {
        int a = TForm.Inputs, lanes = TVector.Count;
        // Tap t of row r, for a register of columns, at (r·9 + t) registers.
        float* tapsBuffer = stackalloc float[Group * Taps * MaxRegister + CacheLine.Floats], taps = CacheLine.First(tapsBuffer);
        float* halfBuffer = stackalloc float[TForm.Inputs * 3 * MaxRegister + CacheLine.Floats], half = CacheLine.First(halfBuffer);
        for (int r0 = 0; r0 < rows; r0 += Group)
        {
            int group = Math.Min(Group, rows - r0);
            for (int k = 0; k < columns; k += lanes)
            {
                int at = Math.Min(k, columns - lanes);
                // Half a turn of the taps: the same transform walking backwards from the last tap.
                int firstTap = 0, step = lanes;
                if (backward)
                {
                    GatherRowsOfOutputs<TVector>(ic, w, row + r0, group, column + at, taps);
                    (firstTap, step) = ((Taps - 1) * lanes, -lanes);
                }
                else
                {
                    GatherRowsOfInputs<TVector>(ic, w, row + r0, group, column + at, taps);
                }

                for (int r = 0; r < group; r++)
                {
                    float* g = taps + r * Taps * lanes + firstTap;
                    for (int s = 0; s < 3; s++)
                        TForm.Weights<TVector>(g + s * step, 3 * step, half + s * lanes, 3 * lanes);
                    float* o = u + (nint)(r0 + r) * columns + at;
                    for (int i = 0; i < a; i++, o += a * stride)
                        TForm.Weights<TVector>(half + i * 3 * lanes, lanes, o, stride);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddAdjoint<TVector>(int ic, int row, int rows, int column, int columns, float* du, nint stride, float* dw)
        where TVector : struct, IFloats<TVector>
    {
        int a = TForm.Inputs, lanes = TVector.Count;
        float* tapsBuffer = stackalloc float[Group * Taps * MaxRegister + CacheLine.Floats], taps = CacheLine.First(tapsBuffer);
        float* halfBuffer = stackalloc float[TForm.Inputs * 3 * MaxRegister + CacheLine.Floats], half = CacheLine.First(halfBuffer);
        for (int r0 = 0; r0 < rows; r0 += Group)
        {
            int group = Math.Min(Group, rows - r0);
            for (int k = 0; k < columns; k += lanes)
            {
                int at = Math.Min(k, columns - lanes);
                for (int r = 0; r < group; r++)
                {
                    float* u = du + (nint)(r0 + r) * columns + at;
                    for (int j = 0; j < a; j++, u += stride)
                        TForm.WeightsAdjoint<TVector>(u, a * stride, half + j * lanes, a * lanes);
                    float* g = taps + r * Taps * lanes;
                    for (int i = 0; i < 3; i++)
                        TForm.WeightsAdjoint<TVector>(half + i * a * lanes, lanes, g + i * 3 * lanes, lanes);
                }

                // Adding is not idempotent: lanes that the previous register has done already are left out.
                AddRowsOfInputs<TVector>(ic, taps, group, k - at, column + at, dw + (nint)(row + r0) * Taps);
            }
        }
    }

    // Rows are input channels: in each of the register's output channels, the rows' taps are 9·group neighbours.
    private static void GatherRowsOfInputs<TVector>(int ic, float* w, int row, int group, int column, float* taps)
        where TVector : struct, IFloats<TVector>
    {
        int lanes = TVector.Count, length = group * Taps, t = 0;
        nint stride = (nint)ic * Taps;
        float* source = w + column * stride + (nint)row * Taps;
        for (; t + lanes <= length; t += lanes)
            TVector.Transpose(source + t, stride, taps + t * lanes, lanes);
        for (; t < length; t++)
        {
            for (int l = 0; l < lanes; l++)
                taps[t * lanes + l] = source[l * stride + t];
        }
    }

    // Rows are output channels: in each, the register's input channels are neighbours, nine taps each. Four taps at a time; the last four overlap the ones
    // before, so that nothing is read beyond the last weight.
    private static void GatherRowsOfOutputs<TVector>(int ic, float* w, int row, int group, int column, float* taps)
        where TVector : struct, IFloats<TVector>
    {
        int lanes = TVector.Count;
        for (int r = 0; r < group; r++, taps += Taps * lanes)
        {
            float* source = w + ((nint)(row + r) * ic + column) * Taps;
            TVector.TransposeFour(source, Taps, taps, lanes);
            TVector.TransposeFour(source + 4, Taps, taps + 4 * lanes, lanes);
            TVector.TransposeFour(source + Taps - 4, Taps, taps + (Taps - 4) * lanes, lanes);
        }
    }

    private static void AddRowsOfInputs<TVector>(int ic, float* taps, int group, int skippedLanes, int column, float* dw)
        where TVector : struct, IFloats<TVector>
    {
        int lanes = TVector.Count, length = group * Taps, t = 0;
        float* squareBuffer = stackalloc float[MaxRegister * MaxRegister + CacheLine.Floats], square = CacheLine.First(squareBuffer);
        nint stride = (nint)ic * Taps;
        float* target = dw + column * stride;
        for (; t + lanes <= length; t += lanes)
        {
            TVector.Transpose(taps + t * lanes, lanes, square, lanes);
            for (int l = skippedLanes; l < lanes; l++)
            {
                float* o = target + l * stride + t;
                (TVector.Load(o) + TVector.Load(square + l * lanes)).Store(o);
            }
        }

        for (; t < length; t++)
        {
            for (int l = skippedLanes; l < lanes; l++)
                target[l * stride + t] += taps[t * lanes + l];
        }
    }
}
