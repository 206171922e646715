using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Batch normalization of one shape in either layout, with a ReLU behind it if asked for (by its ceiling, infinity or 6); one call at a time. NHWC: threads over pixels, each
/// with sums of its own, which are added in worker order. NCHW: threads over channels, each from its sums to its results while its planes are in
/// the cache. Keeps the numbers per channel of the latest forward pass, and whether there was a ReLU, for the backward pass.
/// </summary>
internal sealed unsafe class BatchNormalization(Shape shape, double epsilon)
{
    // Pixels are swept a second time in blocks of so many floats, the last first: those are what the cache still holds.
    private const int BlockFloats = 1 << 14;

    private readonly int _channels = shape[1];
    private readonly int _plane = shape.Rank == 4 ? shape[2] * shape[3] : 1;
    private readonly long _count = (long)shape[0] * (shape.Rank == 4 ? shape[2] * shape[3] : 1);
    private readonly bool _channelsLast = shape.Layout == Layout.Nhwc || shape.Rank == 2;
    private readonly float[] _gamma = new float[shape[1]], _shift = new float[shape[1]];
    private readonly float[] _mean = new float[shape[1]], _inverseDeviation = new float[shape[1]];
    private readonly float[] _scale = new float[shape[1]], _offset = new float[shape[1]];
    private readonly float[] _a = new float[shape[1]], _b = new float[shape[1]], _c = new float[shape[1]];
    private readonly double[] _first = new double[shape[1]], _second = new double[shape[1]];
    private PinnedSpan _x, _y, _dy, _dx;
    private Workspace? _workspace;
    private bool _fromBatch, _sums;
    private float? _relu;

    /// <summary>y from the statistics of x itself, which also move the running ones, unless those are empty. Overwrites y.</summary>
    public void ForwardTraining(
        ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Span<float> runningMean, Span<float> runningVariance, double momentum,
        float? relu, Span<float> y, ComputeContext context)
    {
        (_fromBatch, _relu) = (true, relu);
        Normalization.Keep(gamma, 1, _gamma);
        Normalization.Keep(beta, 0, _offset);
        // An element of the channel is near its mean.
        for (int channel = 0; channel < _channels; channel++)
            _shift[channel] = x[channel * (_channelsLast ? 1 : _plane)];
        fixed (float* px = x, py = y)
        {
            (_x, _y) = (new(px, x.Length), new(py, y.Length));
            if (_channelsLast)
            {
                SumPixels(context, static (self, start, end, first, second) =>
                    NormalizationSums.AddMoments(self.Pixels(self._x, start, end), self._shift, first, second));
                for (int channel = 0; channel < _channels; channel++)
                    SetStatistics(channel);
            }

            Apply(context);
        }

        for (int channel = 0; channel < runningMean.Length; channel++)
        {
            (double mean, double variance) = Normalization.FromMoments(_first[channel], _second[channel], _shift[channel], _count);
            runningMean[channel] = Normalization.Update(runningMean[channel], mean, momentum);
            runningVariance[channel] = Normalization.Update(runningVariance[channel], variance * _count / Math.Max(1, _count - 1), momentum);
        }
    }

    /// <summary>y from given statistics. Overwrites y.</summary>
    public void ForwardFixed(
        ReadOnlySpan<float> x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, ReadOnlySpan<float> mean, ReadOnlySpan<float> variance,
        float? relu, Span<float> y, ComputeContext context)
    {
        (_fromBatch, _relu) = (false, relu);
        Normalization.Keep(gamma, 1, _gamma);
        Normalization.Keep(beta, 0, _offset);
        mean.CopyTo(_mean);
        for (int channel = 0; channel < _channels; channel++)
            SetDeviation(channel, variance[channel]);
        fixed (float* px = x, py = y)
        {
            (_x, _y) = (new(px, x.Length), new(py, y.Length));
            Apply(context);
        }
    }

    /// <summary>
    /// Adds to dGamma and dBeta (or empty); overwrites dx (or empty). x is that of the latest forward pass, from which it knows where the ReLU let y pass.
    /// </summary>
    public void Backward(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dGamma, Span<float> dBeta, Span<float> dx, ComputeContext context)
    {
        _sums = _fromBatch || !dGamma.IsEmpty || !dBeta.IsEmpty;
        fixed (float* px = x, py = dy, pdx = dx)
        {
            (_x, _dy, _dx) = (new(px, x.Length), new(py, dy.Length), new(pdx, dx.Length));
            if (_channelsLast)
                BackwardPixels(context);
            else
                Dispatch.For(context, _channels, shape.Count, this, static (self, _, start, end) => self.BackwardChannels(start, end));
        }

        for (int channel = 0; channel < dGamma.Length; channel++)
            dGamma[channel] += (float)(_second[channel] * _inverseDeviation[channel]);
        for (int channel = 0; channel < dBeta.Length; channel++)
            dBeta[channel] += (float)_first[channel];
    }

    /// <summary>So many floats hold what the backward pass needs to know of a forward pass, besides x.</summary>
    public static int StateLength(int channels) => 4 * channels + 2;

    /// <summary>Copies what the backward pass needs to know of the latest forward pass; <see cref="RestoreState"/> takes it, also of another object for the same shape.</summary>
    public void SaveState(Span<float> state)
    {
        _mean.CopyTo(state);
        _inverseDeviation.CopyTo(state[_channels..]);
        _gamma.CopyTo(state[(2 * _channels)..]);
        _offset.CopyTo(state[(3 * _channels)..]);
        state[4 * _channels] = _fromBatch ? 1 : 0;
        state[4 * _channels + 1] = _relu ?? -1;
    }

    /// <summary>Makes the forward pass that a state was saved after the latest one.</summary>
    public void RestoreState(ReadOnlySpan<float> state)
    {
        state[.._channels].CopyTo(_mean);
        state.Slice(_channels, _channels).CopyTo(_inverseDeviation);
        state.Slice(2 * _channels, _channels).CopyTo(_gamma);
        state.Slice(3 * _channels, _channels).CopyTo(_offset);
        for (int channel = 0; channel < _channels; channel++)
            _scale[channel] = _gamma[channel] * _inverseDeviation[channel];
        _fromBatch = state[4 * _channels] != 0;
        float ceiling = state[4 * _channels + 1];
        _relu = ceiling < 0 ? null : ceiling;
    }

    // Which y are above 0, in terms of x: the same arithmetic as forward gives the same bits, and spares reading y.
    private ReluMask Relu => _relu is { } ceiling ? new ReluMask(_scale, _offset, ceiling) : default;

    private void Apply(ComputeContext context)
    {
        if (_channelsLast)
            Dispatch.For(context, shape[0] * _plane, shape.Count, this, static (self, _, start, end) => self.ApplyToPixels(start, end));
        else
            Dispatch.For(context, _channels, shape.Count, this, static (self, _, start, end) => self.ForwardChannels(start, end));
    }

    private void BackwardPixels(ComputeContext context)
    {
        if (_sums)
        {
            SumPixels(context, static (self, start, end, first, second) => NormalizationSums.AddProducts(
                self.Pixels(self._x, start, end), self.Pixels(self._dy, start, end), self.Relu, self._mean, first, second));
        }

        for (int channel = 0; channel < _channels; channel++)
            SetGradientFactors(channel);
        if (!_dx.IsEmpty)
            Dispatch.For(context, shape[0] * _plane, shape.Count, this, static (self, _, start, end) => self.GradientOfPixels(start, end));
    }

    private void SetStatistics(int channel)
    {
        (double mean, double variance) = Normalization.FromMoments(_first[channel], _second[channel], _shift[channel], _count);
        _mean[channel] = (float)mean;
        SetDeviation(channel, variance);
    }

    private void SetDeviation(int channel, double variance)
    {
        _inverseDeviation[channel] = Normalization.InverseDeviation(variance, epsilon);
        _scale[channel] = _gamma[channel] * _inverseDeviation[channel];
    }

    private void SetGradientFactors(int channel) => (_a[channel], _b[channel], _c[channel]) = Normalization.GradientFactors(
        _gamma[channel], _inverseDeviation[channel], _fromBatch ? _first[channel] : 0, _fromBatch ? _second[channel] : 0, _count);

    private Span<float> Pixels(PinnedSpan tensor, int start, int end) => tensor.Span[(start * _channels)..(end * _channels)];

    private Span<float> Plane(PinnedSpan tensor, int image, int channel) => tensor.Span.Slice((image * _channels + channel) * _plane, _plane);

    private void ForwardChannels(int start, int end)
    {
        for (int channel = start; channel < end; channel++)
        {
            if (_fromBatch)
            {
                (_first[channel], _second[channel]) = (0, 0);
                for (int image = 0; image < shape[0]; image++)
                {
                    (double first, double second) = NormalizationNchw.Moments(Plane(_x, image, channel), _shift[channel]);
                    _first[channel] += first;
                    _second[channel] += second;
                }

                SetStatistics(channel);
            }

            for (int image = shape[0] - 1; image >= 0; image--)
                NormalizationNchw.Apply(Plane(_x, image, channel), _mean[channel], _scale[channel], _offset[channel], _relu, Plane(_y, image, channel));
        }
    }

    private void BackwardChannels(int start, int end)
    {
        for (int channel = start; channel < end; channel++)
        {
            (float Scale, float Offset, float Ceiling)? relu = _relu is { } ceiling ? (_scale[channel], _offset[channel], ceiling) : null;
            (_first[channel], _second[channel]) = (0, 0);
            for (int image = 0; image < shape[0] && _sums; image++)
            {
                (double first, double second) = NormalizationNchw.Products(Plane(_x, image, channel), Plane(_dy, image, channel), relu, _mean[channel]);
                _first[channel] += first;
                _second[channel] += second;
            }

            SetGradientFactors(channel);
            for (int image = shape[0] - 1; image >= 0 && !_dx.IsEmpty; image--)
            {
                NormalizationNchw.Gradient(
                    Plane(_x, image, channel), Plane(_dy, image, channel), relu, _mean[channel], _a[channel], _b[channel], _c[channel],
                    Plane(_dx, image, channel));
            }
        }
    }

    private int BlockPixels => Math.Max(1, BlockFloats / _channels);

    private void ApplyToPixels(int start, int end)
    {
        for (int last = end, first; last > start; last = first)
        {
            first = Math.Max(start, last - BlockPixels);
            NormalizationNhwc.Apply(Pixels(_x, first, last), _mean, _scale, _offset, _relu, Pixels(_y, first, last));
        }
    }

    private void GradientOfPixels(int start, int end)
    {
        for (int last = end, first; last > start; last = first)
        {
            first = Math.Max(start, last - BlockPixels);
            NormalizationNhwc.Gradient(Pixels(_x, first, last), Pixels(_dy, first, last), Relu, _mean, _a, _b, _c, Pixels(_dx, first, last));
        }
    }

    private delegate void Summation(BatchNormalization self, int start, int end, Span<double> first, Span<double> second);

    private Summation? _summation;

    // Fills _first and _second.
    private void SumPixels(ComputeContext context, Summation summation)
    {
        Array.Clear(_first);
        Array.Clear(_second);
        _summation = summation;
        int workers = context.Workers.WorkerCount;
        _workspace = context.Workspace;
        _workspace.Reserve(4 * _channels);
        for (int worker = 0; worker < workers; worker++)
            Partial(worker).Clear();
        Dispatch.For(context, shape[0] * _plane, shape.Count, this, static (self, worker, start, end) =>
        {
            Span<double> sums = self.Partial(worker);
            self._summation!(self, start, end, sums[..self._channels], sums[self._channels..]);
        });
        for (int worker = 0; worker < workers; worker++)
        {
            Span<double> sums = Partial(worker);
            for (int channel = 0; channel < _channels; channel++)
            {
                _first[channel] += sums[channel];
                _second[channel] += sums[_channels + channel];
            }
        }
    }

    private Span<double> Partial(int worker) => MemoryMarshal.Cast<float, double>(_workspace!.Slice(worker, 4 * _channels));
}
