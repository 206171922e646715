using System.Runtime.InteropServices;
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
    // The loops over planes run this many elements at a time.
    private const int Step = 64;

    private readonly Conv2dDims _dims;

    public PhasePlanes(in Conv2dDims dims)
    {
        _dims = dims;
        int reachH = (dims.KH - 1) * dims.DilationH / dims.StrideH, reachW = (dims.KW - 1) * dims.DilationW / dims.StrideW;
        Pitch = dims.OW + reachW;
        Rows = dims.OH + reachH;
        Reach = reachH * Pitch + reachW;
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

    /// <summary>The same for the elements of a phase plane.</summary>
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
            for (int row = 0; row < Rows; row++)
            {
                if (!Line(phase, row, out int ih, out int first, out int end, out int iw))
                    continue;
                Span<float> target = planes[(phase * PlaneLength + row * Pitch + first)..];
                if (_dims.Layout == Layout.Nhwc)
                    Gather(x[((ih * _dims.IW + iw) * _dims.IC + firstChannel)..], _dims.StrideW * _dims.IC, channels, target, Phases * PlaneLength, end - first);
                else
                    GatherNchw(x[((firstChannel * _dims.IH + ih) * _dims.IW + iw)..], channels, target, end - first);
            }
        }
    }

    /// <summary>The way back: overwrites the channel's elements of dx that a phase plane holds.</summary>
    public void Join(ReadOnlySpan<float> plane, int phase, int channel, Span<float> dx)
    {
        for (int row = 0; row < Rows; row++)
        {
            if (!Line(phase, row, out int ih, out int first, out int end, out int iw))
                continue;
            bool nhwc = _dims.Layout == Layout.Nhwc;
            int step = _dims.StrideW * (nhwc ? _dims.IC : 1);
            Span<float> target = dx[(nhwc ? (ih * _dims.IW + iw) * _dims.IC + channel : (channel * _dims.IH + ih) * _dims.IW + iw)..];
            Scatter(plane.Slice(row * Pitch + first, end - first), target, step);
        }
    }

    /// <summary>
    /// Fills an output plane from a channel of dy [C, OH, OW] or [OH, OW, C]: <see cref="Reach"/> zeros, then the rows, zeros elsewhere.
    /// </summary>
    public void SpreadOutput(ReadOnlySpan<float> dy, int channel, Span<float> plane)
    {
        plane = plane[..PlaneLength];
        plane.Clear();
        for (int oh = 0; oh < _dims.OH; oh++)
        {
            Span<float> row = plane.Slice(Reach + oh * Pitch, _dims.OW);
            if (_dims.Layout == Layout.Nhwc)
                Gather(dy[(oh * _dims.OW * _dims.OC + channel)..], _dims.OC, 1, row, 0, _dims.OW);
            else
                dy.Slice((channel * _dims.OH + oh) * _dims.OW, _dims.OW).CopyTo(row);
        }
    }

    /// <summary>Copies the rows of an output plane, without a reach before it, to a channel of y. Overwrites.</summary>
    public void CollectOutput(ReadOnlySpan<float> plane, int channel, Span<float> y)
    {
        for (int oh = 0; oh < _dims.OH; oh++)
        {
            ReadOnlySpan<float> row = plane.Slice(oh * Pitch, _dims.OW);
            if (_dims.Layout == Layout.Nhwc)
                Scatter(row, y[(oh * _dims.OW * _dims.OC + channel)..], _dims.OC);
            else
                row.CopyTo(y[((channel * _dims.OH + oh) * _dims.OW)..]);
        }
    }

    // Which elements [first, end) of a row of a phase plane lie in the image, and where the first of them is.
    private bool Line(int phase, int row, out int ih, out int first, out int end, out int iw)
    {
        (int rowPhase, int columnPhase) = Math.DivRem(phase, _dims.StrideW);
        ih = row * _dims.StrideH + rowPhase - _dims.PadTop;
        (first, end) = Window.Inside(columnPhase - _dims.PadLeft, _dims.StrideW, _dims.IW, 0, Pitch);
        iw = first * _dims.StrideW + columnPhase - _dims.PadLeft;
        return (uint)ih < (uint)_dims.IH && first < end;
    }

    private void GatherNchw(ReadOnlySpan<float> x, int channels, Span<float> target, int count)
    {
        for (int channel = 0; channel < channels; channel++)
        {
            ReadOnlySpan<float> source = x[(channel * _dims.IH * _dims.IW)..];
            Span<float> row = target.Slice(channel * Phases * PlaneLength, count);
            if (_dims.StrideW == 1)
                source[..count].CopyTo(row);
            else
                Gather(source, _dims.StrideW, 1, row, 0, count);
        }
    }

    // target[channel * stride + i] = source[i * step + channel]
    private static void Gather(ReadOnlySpan<float> source, int step, int channels, Span<float> target, int stride, int count)
    {
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> pixel = source.Slice(i * step, channels);
            for (int channel = 0; channel < pixel.Length; channel++)
                target[channel * stride + i] = pixel[channel];
        }
    }

    private static void Scatter(ReadOnlySpan<float> source, Span<float> target, int step)
    {
        if (step == 1)
        {
            source.CopyTo(target);
            return;
        }

        for (int i = 0; i < source.Length; i++)
            target[i * step] = source[i];
    }

    private static int Up(int length) => checked(length + Step - 1) / Step * Step;
}
