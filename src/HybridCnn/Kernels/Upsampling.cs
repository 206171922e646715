namespace HybridCnn.Kernels;

/// <summary>Enlarges one plane of pixels of so many numbers that lie together (C in NHWC order, 1 in NCHW order), by weighted sums of rows and then of columns.</summary>
internal static class Upsampling
{
    /// <summary>Overwrites y [OH, OW, unit] and scratch [IW, unit]; x is [IH, IW, unit].</summary>
    public static void Forward(ReadOnlySpan<Interpolation> rows, ReadOnlySpan<Interpolation> columns, int unit, ReadOnlySpan<float> x, Span<float> scratch, Span<float> y)
    {
        int line = scratch.Length;
        for (int oh = 0; oh < rows.Length; oh++)
        {
            Interpolation row = rows[oh];
            Span<float> target = y.Slice(oh * columns.Length * unit, columns.Length * unit);
            // Rows that come again are copied.
            if (oh > 0 && row == rows[oh - 1])
            {
                y.Slice((oh - 1) * target.Length, target.Length).CopyTo(target);
                continue;
            }

            ReadOnlySpan<float> source = x.Slice(row.First * line, line);
            if (row.SecondShare != 0)
            {
                RowProduct.Blend(source, row.FirstShare, x.Slice(row.Second * line, line), row.SecondShare, scratch);
                source = scratch;
            }

            if (unit == 1)
            {
                if (RowDoubling.Takes(source.Length, columns.Length))
                {
                    if (IsBetween(columns))
                        RowDoubling.Blend(source, target);
                    else
                        RowDoubling.Repeat(source, target);
                    continue;
                }

                for (int ow = 0; ow < columns.Length; ow++)
                {
                    ref readonly Interpolation column = ref columns[ow];
                    target[ow] = column.FirstShare * source[column.First] + column.SecondShare * source[column.Second];
                }

                continue;
            }

            for (int ow = 0; ow < columns.Length; ow++)
            {
                Interpolation column = columns[ow];
                Span<float> pixel = target.Slice(ow * unit, unit);
                if (column.SecondShare == 0)
                    source.Slice(column.First * unit, unit).CopyTo(pixel);
                else
                    RowProduct.Blend(source.Slice(column.First * unit, unit), column.FirstShare, source.Slice(column.Second * unit, unit), column.SecondShare, pixel);
            }
        }
    }

    /// <summary>Overwrites dx [IH, IW, unit] and scratch [IW, unit]; dy is [OH, OW, unit].</summary>
    public static void Backward(ReadOnlySpan<Interpolation> rows, ReadOnlySpan<Interpolation> columns, int unit, ReadOnlySpan<float> dy, Span<float> scratch, Span<float> dx)
    {
        int line = scratch.Length;
        dx.Clear();
        for (int oh = 0; oh < rows.Length; oh++)
        {
            ReadOnlySpan<float> source = dy.Slice(oh * columns.Length * unit, columns.Length * unit);
            if (unit == 1 && RowDoubling.Takes(line, columns.Length))
            {
                if (IsBetween(columns))
                    RowDoubling.BlendBack(source, scratch);
                else
                    RowDoubling.AddPairs(source, scratch);
            }
            else if (unit == 1)
            {
                scratch.Clear();
                for (int ow = 0; ow < columns.Length; ow++)
                {
                    ref readonly Interpolation column = ref columns[ow];
                    scratch[column.First] += column.FirstShare * source[ow];
                    scratch[column.Second] += column.SecondShare * source[ow];
                }
            }
            else
            {
                scratch.Clear();
                for (int ow = 0; ow < columns.Length; ow++)
                {
                    Interpolation column = columns[ow];
                    RowProduct.Add(source.Slice(ow * unit, unit), column.FirstShare, scratch.Slice(column.First * unit, unit));
                    if (column.SecondShare != 0)
                        RowProduct.Add(source.Slice(ow * unit, unit), column.SecondShare, scratch.Slice(column.Second * unit, unit));
                }
            }

            RowProduct.Add(scratch, rows[oh].FirstShare, dx.Slice(rows[oh].First * line, line));
            if (rows[oh].SecondShare != 0)
                RowProduct.Add(scratch, rows[oh].SecondShare, dx.Slice(rows[oh].Second * line, line));
        }
    }

    // Of two outputs for each input: whether they are weighted sums. The first one never is.
    private static bool IsBetween(ReadOnlySpan<Interpolation> columns) => columns[1].SecondShare != 0;
}
