using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// The geometry of a direct convolution as sums of shifted arrays. A padded image is cut into StrideH·StrideW phase planes, by row
/// and column modulo the stride. In them every kernel element is one distance: with rows of <see cref="Pitch"/> floats,
/// output (oh, ow) reads plane[oh·Pitch + ow + distance]. So one loop over a whole plane computes all rows at once, borders
/// included; the few numbers it computes between the rows are dropped.
/// </summary>
internal readonly struct PhasePlanes
{
    /// <summary>The loops over planes run at most this many elements at a time.</summary>
    public const int Step = 64;

    private readonly Conv2dDims _dims;

    public PhasePlanes(in Conv2dDims dims)
    {
        _dims = dims;
        int reachH = (dims.KH - 1) * dims.DilationH / dims.StrideH, reachW = (dims.KW - 1) * dims.DilationW / dims.StrideW;
        Pitch = dims.OW + reachW;
        Rows = dims.OH + reachH;
        Reach = reachH * Pitch + reachW;
        UsedLength = checked(dims.OH * Pitch) - reachW;
        OutputLength = Up(checked(dims.OH * Pitch));
        InputLength = Up(checked(Rows * Pitch));
        PlaneLength = Up(checked(InputLength + Reach));
    }

    /// <summary>Floats from one row of a plane to the next.</summary>
    public int Pitch { get; }

    /// <summary>Rows of a phase plane.</summary>
    public int Rows { get; }

    /// <summary>The largest distance.</summary>
    public int Reach { get; }

    /// <summary>Elements over which a loop for outputs runs: the rows, up to a whole number of steps.</summary>
    public int OutputLength { get; }

    /// <summary>Elements up to the last output.</summary>
    public int UsedLength { get; }

    /// <summary><see cref="OutputLength"/> for the elements of a phase plane.</summary>
    public int InputLength { get; }

    /// <summary>Floats that hold a phase plane and what loops read behind it, or an output plane with its reach before it and behind it.</summary>
    public int PlaneLength { get; }

    /// <summary>Planes that one channel of the input is cut into.</summary>
    public int Phases => _dims.StrideH * _dims.StrideW;

    /// <summary>The phase plane of a kernel element, and its distance in it.</summary>
    public (int Phase, int Distance) this[int kh, int kw]
    {
        get
        {
            (int row, int rowPhase) = Math.DivRem(kh * _dims.DilationH, _dims.StrideH);
            (int column, int columnPhase) = Math.DivRem(kw * _dims.DilationW, _dims.StrideW);
            return (rowPhase * _dims.StrideW + columnPhase, row * Pitch + column);
        }
    }

    /// <summary>Fills the phase planes of some channels, [channels, Phases, PlaneLength], from x [C, IH, IW] or [IH, IW, C]; zeros elsewhere.</summary>
    public void Split(ReadOnlySpan<float> x, int firstChannel, int channels, Span<float> planes)
    {
        planes = planes[..(channels * Phases * PlaneLength)];
        planes.Clear();
        for (int phase = 0; phase < Phases; phase++)
        {
            if (!Patch(phase, out Rectangle at))
                continue;
            Span<float> target = planes[(phase * PlaneLength + at.Row * Pitch + at.Column)..];
            if (_dims.Layout == Layout.Nhwc)
            {
                for (int row = 0; row < at.Rows; row++)
                {
                    int pixel = (at.InputRow + row * _dims.StrideH) * _dims.IW + at.InputColumn;
                    StridedCopy.Gather(
                        x[(pixel * _dims.IC + firstChannel)..], _dims.StrideW * _dims.IC, channels, target[(row * Pitch)..], Phases * PlaneLength, at.Columns);
                }

                continue;
            }

            for (int channel = 0; channel < channels; channel++)
            {
                ReadOnlySpan<float> source = x[(((firstChannel + channel) * _dims.IH + at.InputRow) * _dims.IW + at.InputColumn)..];
                StridedCopy.Rows(
                    source, _dims.StrideH * _dims.IW, _dims.StrideW, target[(channel * Phases * PlaneLength)..], Pitch, 1, at.Rows, at.Columns);
            }
        }
    }

    /// <summary>The way back: overwrites the channel's elements of dx that a phase plane holds.</summary>
    public void Join(ReadOnlySpan<float> plane, int phase, int channel, Span<float> dx)
    {
        if (!Patch(phase, out Rectangle at))
            return;
        bool nhwc = _dims.Layout == Layout.Nhwc;
        int pixel = at.InputRow * _dims.IW + at.InputColumn, step = nhwc ? _dims.IC : 1;
        StridedCopy.Rows(
            plane[(at.Row * Pitch + at.Column)..], Pitch, 1,
            dx[(nhwc ? pixel * _dims.IC + channel : channel * _dims.IH * _dims.IW + pixel)..], _dims.StrideH * _dims.IW * step, _dims.StrideW * step,
            at.Rows, at.Columns);
    }

    /// <summary>
    /// Fills an output plane from a channel of dy [C, OH, OW] or [OH, OW, C]: <see cref="Reach"/> zeros, then the rows, zeros elsewhere.
    /// </summary>
    public void SpreadOutput(ReadOnlySpan<float> dy, int channel, Span<float> plane)
    {
        plane = plane[..PlaneLength];
        plane.Clear();
        int step = _dims.Layout == Layout.Nhwc ? _dims.OC : 1;
        StridedCopy.Rows(dy[OutputStart(channel)..], _dims.OW * step, step, plane[Reach..], Pitch, 1, _dims.OH, _dims.OW);
    }

    /// <summary>Copies the rows of an output plane, without a reach before it, to a channel of y. Overwrites.</summary>
    public void CollectOutput(ReadOnlySpan<float> plane, int channel, Span<float> y)
    {
        int step = _dims.Layout == Layout.Nhwc ? _dims.OC : 1;
        StridedCopy.Rows(plane, Pitch, 1, y[OutputStart(channel)..], _dims.OW * step, step, _dims.OH, _dims.OW);
    }

    private int OutputStart(int channel) => _dims.Layout == Layout.Nhwc ? channel : channel * _dims.OH * _dims.OW;

    // Which part of a phase plane lies in the image, and where in it; false if none does.
    private bool Patch(int phase, out Rectangle at)
    {
        (int rowPhase, int columnPhase) = Math.DivRem(phase, _dims.StrideW);
        (int row, int endRow) = Window.Inside(rowPhase - _dims.PadTop, _dims.StrideH, _dims.IH, 0, Rows);
        (int column, int endColumn) = Window.Inside(columnPhase - _dims.PadLeft, _dims.StrideW, _dims.IW, 0, Pitch);
        at = new(
            row, endRow - row, row * _dims.StrideH + rowPhase - _dims.PadTop,
            column, endColumn - column, column * _dims.StrideW + columnPhase - _dims.PadLeft);
        return at.Rows > 0 && at.Columns > 0;
    }

    private readonly record struct Rectangle(int Row, int Rows, int InputRow, int Column, int Columns, int InputColumn);

    private static int Up(int length) => checked(length + Step - 1) / Step * Step;
}
