using HybridCnn.Benchmarks.Bdn;
using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Machine;

/// <summary>
/// Every thread lowers an image of its own, and, to judge that by, copies as many bytes to the same place, from as much of the image as the patches
/// are made of: over and over the same part, because im2col writes several times what it reads. As a whole, which writes to memory or to the largest cache,
/// or in the pieces that the convolutions lower at a time, over each other, which stay near the processor.
/// </summary>
internal sealed class Lowering
{
    private const int FloatsOfStep = 1 << 20;

    private readonly Conv2dDims _planes, _pixels;
    private readonly WorkerPool _workers;
    private readonly int _rows, _channels, _length, _repeats;
    private readonly Tensor[] _images, _matrices;
    private bool _nhwc, _copy;

    /// <param name="dims">The convolution; of its batch one image.</param>
    /// <param name="workers">Threads.</param>
    /// <param name="pieces">Whether the matrix is made in pieces.</param>
    public Lowering(Conv2dDims dims, WorkerPool workers, bool pieces)
    {
        _planes = dims.In(Layout.Nchw);
        _pixels = dims.In(Layout.Nhwc);
        _workers = workers;
        (_rows, _channels) = pieces ? new Im2ColConvolution(_planes, smallKernels: true).BlockSize : (dims.OH, dims.IC);
        _length = pieces ? Math.Min(NhwcIm2ColConvolution.BlockLength(_pixels, dims.IC), dims.OH * dims.OW) : dims.OH * dims.OW;
        int depth = dims.IC * dims.KH * dims.KW, matrix = depth * dims.OH * dims.OW;
        _repeats = Math.Max(1, FloatsOfStep / matrix);
        _images = [.. Enumerable.Range(0, workers.WorkerCount).Select(worker => ConvData.Filled(new SeededRandom((ulong)worker + 1), new Shape(dims.IC, dims.IH, dims.IW)))];
        _matrices = [.. _images.Select(_ => new Tensor(new Shape(Math.Max(_channels * dims.KH * dims.KW * _rows * dims.OW, _length * depth))))];
        Bytes = new LoweringProblem(dims).Amount * _repeats * workers.WorkerCount;
    }

    /// <summary>Read and written by all threads in one step.</summary>
    public double Bytes { get; }

    /// <summary>How many times a step lowers every image, so that it takes long enough to be timed.</summary>
    public int Repeats => _repeats;

    public void Nchw() => Run(nhwc: false, copy: false);

    public void CopyNchw() => Run(nhwc: false, copy: true);

    public void Nhwc() => Run(nhwc: true, copy: false);

    public void CopyNhwc() => Run(nhwc: true, copy: true);

    private void Run(bool nhwc, bool copy)
    {
        (_nhwc, _copy) = (nhwc, copy);
        _workers.For(_images.Length, this, static (self, _, start, end) =>
        {
            for (int image = start; image < end; image++)
            {
                for (int repeat = 0; repeat < self._repeats; repeat++)
                {
                    if (self._nhwc)
                        self.Pixels(self._images[image], self._matrices[image]);
                    else
                        self.Planes(self._images[image], self._matrices[image]);
                }
            }
        });
    }

    private void Planes(Tensor x, Tensor col)
    {
        Conv2dDims d = _planes;
        long done = 0;
        for (int oh = 0; oh < d.OH; oh += _rows)
        {
            for (int c = 0; c < d.IC; c += _channels)
            {
                int rows = Math.Min(_rows, d.OH - oh), channels = Math.Min(_channels, d.IC - c), length = channels * d.KH * d.KW * rows * d.OW;
                if (_copy)
                    Copy(Part(x, done, length), col.Span[..length]);
                else
                    Im2Col.Run(d, x.Span[(c * d.IH * d.IW)..], channels, oh, oh + rows, col.Span);
                done += length;
            }
        }
    }

    private void Pixels(Tensor x, Tensor col)
    {
        Conv2dDims d = _pixels;
        int depth = d.KH * d.KW * d.IC;
        for (int pixel = 0; pixel < d.OH * d.OW; pixel += _length)
        {
            int pixels = Math.Min(_length, d.OH * d.OW - pixel);
            if (_copy)
                Copy(Part(x, (long)pixel * depth, pixels * depth), col.Span[..(pixels * depth)]);
            else
                Im2ColNhwc.Run(d, x.Span, pixel, pixels, 0, d.IC, col.Span);
        }
    }

    // As much of the image as these elements of the matrix are of all of it.
    private ReadOnlySpan<float> Part(Tensor x, long first, int length)
    {
        double share = (double)x.Shape.Count / ((double)_planes.IC * _planes.KH * _planes.KW * _planes.OH * _planes.OW);
        int start = (int)(first * share);
        return x.Span[start..Math.Max(start + 1, (int)((first + length) * share))];
    }

    private static void Copy(ReadOnlySpan<float> from, Span<float> to)
    {
        for (int at = 0; at < to.Length; at += from.Length)
            from[..Math.Min(from.Length, to.Length - at)].CopyTo(to[at..]);
    }
}
