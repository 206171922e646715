using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>
/// What "im2col and SGEMM" means without anything else: every image lowered as a whole, one product of matrices for each image
/// and group, images dealt out to the threads. NCHW.
/// <code>
///                     OH·OW
///                  +---------+
///      IC·KH·KW    |   col   |    forward            y   = w · col
///  +------------+  +---------+    backward, data     col = wᵀ · dy, added to where it came from
///OC|     w      |  |    y    |    backward, weights  dw += dy · colᵀ
///  +------------+  +---------+
/// </code>
/// </summary>
internal sealed class PlainConvolution : IPeerConvolution
{
    private readonly Conv2dDims _dims;
    private readonly ConvData _data;
    private readonly WorkerPool _workers;
    private readonly float[][] _columns;
    private readonly float[][] _dWeights;
    private readonly float[] _y;
    private readonly float[] _dx;
    private readonly int _channels, _filters, _depth, _pixels;

    /// <param name="dims">Its memory order is not looked at.</param>
    /// <param name="data">x, weights and dy.</param>
    /// <param name="workers">Those who compute; not disposed of.</param>
    public PlainConvolution(Conv2dDims dims, ConvData data, WorkerPool workers)
    {
        (_dims, _data, _workers) = (dims, data, workers);
        (_channels, _filters, _pixels) = (dims.IC / dims.Groups, dims.OC / dims.Groups, dims.OH * dims.OW);
        _depth = _channels * dims.KH * dims.KW;
        _columns = Buffers(checked(_depth * _pixels));
        _dWeights = Buffers(data.Weights.Shape.Count);
        _y = new float[data.Y.Shape.Count];
        _dx = new float[data.X.Shape.Count];
    }

    public Action Step(string pass) => pass switch
    {
        "fwd" => () => _workers.For(_dims.N, this, static (self, worker, start, end) => self.Forward(worker, start, end)),
        "bwdd" => () => _workers.For(_dims.N, this, static (self, worker, start, end) => self.BackwardData(worker, start, end)),
        _ => BackwardWeights,
    };

    public double[] Result(string pass)
    {
        Step(pass)();
        return Array.ConvertAll(pass == "fwd" ? _y : pass == "bwdd" ? _dx : _dWeights[0], value => (double)value);
    }

    public void Dispose()
    {
    }

    private float[][] Buffers(int length) => [.. Enumerable.Range(0, _workers.WorkerCount).Select(_ => new float[length])];

    private void Forward(int worker, int start, int end)
    {
        for (int part = start * _dims.Groups; part < end * _dims.Groups; part++)
        {
            Lower(part, worker);
            Gemm.Run(Transpose.No, Transpose.No, _filters, _pixels, _depth, 1, Weights(part), _depth, _columns[worker], _pixels, 0, Outputs(_y, part), _pixels);
        }
    }

    private void BackwardData(int worker, int start, int end)
    {
        for (int part = start * _dims.Groups; part < end * _dims.Groups; part++)
        {
            Gemm.Run(Transpose.Yes, Transpose.No, _depth, _pixels, _filters, 1, Weights(part), _depth, Outputs(_data.Dy.Span, part), _pixels, 0, _columns[worker], _pixels);
            Span<float> dx = Inputs(_dx, part);
            dx.Clear();
            Col2Im.Run(_dims, _columns[worker], _channels, 0, _dims.OH, dx);
        }
    }

    private void BackwardWeights()
    {
        foreach (float[] sum in _dWeights)
            Array.Clear(sum);
        _workers.For(_dims.N, this, static (self, worker, start, end) => self.BackwardWeights(worker, start, end));
        foreach (float[] sum in _dWeights.Skip(1))
        {
            for (int i = 0; i < sum.Length; i++)
                _dWeights[0][i] += sum[i];
        }
    }

    private void BackwardWeights(int worker, int start, int end)
    {
        for (int part = start * _dims.Groups; part < end * _dims.Groups; part++)
        {
            Lower(part, worker);
            Gemm.Run(Transpose.No, Transpose.Yes, _filters, _depth, _pixels, 1, Outputs(_data.Dy.Span, part), _pixels, _columns[worker], _pixels, 1,
                Filters(_dWeights[worker], part), _depth);
        }
    }

    // A part is one group of one image, counted image by image.
    private void Lower(int part, int worker) => Im2Col.Run(_dims, Inputs(_data.X.Span, part), _channels, 0, _dims.OH, _columns[worker]);

    private Span<float> Inputs(Span<float> x, int part) => x.Slice(part * _channels * _dims.IH * _dims.IW, _channels * _dims.IH * _dims.IW);

    private Span<float> Outputs(Span<float> y, int part) => y.Slice(part * _filters * _pixels, _filters * _pixels);

    private Span<float> Filters(Span<float> w, int part) => w.Slice(part % _dims.Groups * _filters * _depth, _filters * _depth);

    private Span<float> Weights(int part) => Filters(_data.Weights.Span, part);
}
