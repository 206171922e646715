using HybridCnn.Tensors;

namespace HybridCnn.Tests.Reference;

/// <summary>
/// Pooling by its definition, in double, one window and one tap after the other, from nothing but the input geometry: it
/// counts its windows itself.
/// </summary>
internal sealed class NaivePooling(Pool2dDims dims)
{
    public int OH { get; } = Windows(dims.IH, dims.KH, dims.StrideH, dims.PadTop, dims.PadBottom, dims.DilationH, dims.CeilMode);

    public int OW { get; } = Windows(dims.IW, dims.KW, dims.StrideW, dims.PadLeft, dims.PadRight, dims.DilationW, dims.CeilMode);

    public (double[] Y, int[] Argmax) Max(ReadOnlySpan<float> x)
    {
        var y = new double[dims.N * dims.C * OH * OW];
        var argmax = new int[y.Length];
        for (int o = 0; o < y.Length; o++)
        {
            (double Value, int Position)? best = null;
            foreach ((int plane, int position, bool inside) in Taps(o))
            {
                if (inside && !(best is { } found && (double.IsNaN(found.Value) ? !float.IsNaN(x[plane + position]) : x[plane + position] <= found.Value)))
                    best = (x[plane + position], position);
            }

            (y[o], argmax[o]) = best!.Value;
        }

        return (y, argmax);
    }

    public double[] Average(ReadOnlySpan<float> x, bool countIncludePad, int divisor)
    {
        var y = new double[dims.N * dims.C * OH * OW];
        for (int o = 0; o < y.Length; o++)
        {
            foreach ((int plane, int position, bool inside) in Taps(o))
                y[o] += inside ? x[plane + position] : 0;
            y[o] /= Divisor(o, countIncludePad, divisor);
        }

        return y;
    }

    public double[] AverageBackward(ReadOnlySpan<float> dy, bool countIncludePad, int divisor)
    {
        var dx = new double[dims.N * dims.C * dims.IH * dims.IW];
        for (int o = 0; o < dy.Length; o++)
        {
            double share = dy[o] / (double)Divisor(o, countIncludePad, divisor);
            foreach ((int plane, int position, bool inside) in Taps(o))
            {
                if (inside)
                    dx[plane + position] += share;
            }
        }

        return dx;
    }

    public double[] MaxBackward(ReadOnlySpan<float> dy, int[] argmax)
    {
        var dx = new double[dims.N * dims.C * dims.IH * dims.IW];
        for (int o = 0; o < dy.Length; o++)
            dx[o / (OH * OW) * dims.IH * dims.IW + argmax[o]] += dy[o];
        return dx;
    }

    private int Divisor(int output, bool countIncludePad, int divisor) =>
        divisor > 0 ? divisor : Taps(output).Count(tap => countIncludePad || tap.Inside);

    // The taps over the input and its declared padding; what hangs over in ceil mode isn't there at all.
    private IEnumerable<(int Plane, int Position, bool Inside)> Taps(int output)
    {
        int plane = output / (OH * OW) * dims.IH * dims.IW, oh = output / OW % OH, ow = output % OW;
        for (int kh = 0; kh < dims.KH; kh++)
        {
            int ih = oh * dims.StrideH - dims.PadTop + kh * dims.DilationH;
            for (int kw = 0; kw < dims.KW; kw++)
            {
                int iw = ow * dims.StrideW - dims.PadLeft + kw * dims.DilationW;
                if (ih < dims.IH + dims.PadBottom && iw < dims.IW + dims.PadRight)
                    yield return (plane, ih * dims.IW + iw, ih >= 0 && ih < dims.IH && iw >= 0 && iw < dims.IW);
            }
        }
    }

    // Windows are added while they fit into the padded input; in ceil mode also while they start in the input or the padding
    // before it and something is left to cover.
    private static int Windows(int extent, int kernel, int stride, int padBefore, int padAfter, int dilation, bool ceilMode)
    {
        int padded = padBefore + extent + padAfter, reach = (kernel - 1) * dilation + 1, count = 0;
        bool Fits(int start) => start + reach <= padded;
        while (Fits(count * stride)
            || ceilMode && count * stride < padBefore + extent && (count - 1) * stride + reach < padded)
        {
            count++;
        }

        return count;
    }
}
