using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Maximum over windows of one NCHW plane. The first maximum in row-major window order wins a tie; NaN beats every number and
/// the last NaN wins, both as in PyTorch, so that a diverged network cannot hide behind a pooling layer.
/// </summary>
internal static class MaxPooling
{
    /// <summary>Floats of scratch memory that <see cref="Forward"/> takes.</summary>
    public static int Scratch(in Pool2dDims dims) => !TakesTiles(dims) && MaxPoolingRows.Takes(dims) ? MaxPoolingRows.Scratch(dims) : 0;

    /// <summary>y[oh, ow] = the window's maximum, argmax[oh, ow] = its position ih * IW + iw. Overwrites both.</summary>
    /// <param name="dims">The geometry; N and C are not looked at.</param>
    /// <param name="x">[IH, IW].</param>
    /// <param name="scratch">So many floats as <see cref="Scratch"/> says; overwritten.</param>
    /// <param name="y">[OH, OW].</param>
    /// <param name="argmax">[OH, OW].</param>
    public static void Forward(in Pool2dDims dims, ReadOnlySpan<float> x, Span<float> scratch, Span<float> y, Span<int> argmax)
    {
        if (TakesTiles(dims))
        {
            MaxPooling2x2.Forward(dims, x, y, argmax);
            return;
        }

        if (MaxPoolingRows.Takes(dims))
        {
            MaxPoolingRows.Forward(dims, x, scratch, y, argmax);
            return;
        }

        for (int oh = 0; oh < dims.OH; oh++)
        {
            PoolWindow rows = dims.Rows(oh);
            for (int ow = 0; ow < dims.OW; ow++)
                (y[oh * dims.OW + ow], argmax[oh * dims.OW + ow]) = Window(dims, rows, dims.Columns(ow), x);
        }
    }

    /// <summary>dx[p] = sum of dy over the windows whose maximum was at p. Overwrites dx.</summary>
    /// <param name="dims">The geometry; N and C are not looked at.</param>
    /// <param name="dy">[OH, OW].</param>
    /// <param name="argmax">[OH, OW], from <see cref="Forward"/>.</param>
    /// <param name="dx">[IH, IW].</param>
    public static void Backward(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, Span<float> dx)
    {
        if (TakesTiles(dims))
        {
            MaxPooling2x2.Backward(dims, dy, argmax, dx);
            return;
        }

        if (MaxPooling3x3.Takes(dims))
        {
            MaxPooling3x3.Backward(dims, dy, argmax, dx);
            return;
        }

        dx.Clear();
        for (int i = 0; i < dy.Length; i++)
            dx[argmax[i]] += dy[i];
    }

    private static bool TakesTiles(in Pool2dDims dims) => dims.IsTwoByTwoTiles && dims.OW >= MaxPooling2x2.MinimumWidth;

    private static (float Max, int Position) Window(in Pool2dDims dims, PoolWindow rows, PoolWindow columns, ReadOnlySpan<float> x)
    {
        int best = (rows.Start + rows.First * dims.DilationH) * dims.IW + columns.Start + columns.First * dims.DilationW;
        float max = float.NegativeInfinity;
        for (int kh = rows.First; kh < rows.End; kh++)
        {
            int row = (rows.Start + kh * dims.DilationH) * dims.IW + columns.Start;
            for (int kw = columns.First; kw < columns.End; kw++)
            {
                float value = x[row + kw * dims.DilationW];
                if (value > max || float.IsNaN(value))
                {
                    max = value;
                    best = row + kw * dims.DilationW;
                }
            }
        }

        return (max, best);
    }
}
