using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Batch normalization of one shape in either layout, with a ReLU behind it if asked for; one call at a time. NHWC: threads over pixels, each
/// with sums of its own, which are added in worker order. NCHW: threads over channels. Keeps the mean and the deviation of the
/// latest forward pass, and whether there was a ReLU, for the backward pass.
/// </summary>
internal sealed class BatchNormalization(Shape shape, double epsilon)
{
    private readonly int _channels = shape[1];
    private readonly int _plane = shape.Rank == 4 ? shape[2] * shape[3] : 1;
    private readonly bool _channelsLast = shape.Layout == Layout.Nhwc || shape.Rank == 2;
    private readonly float[] _mean = new float[shape[1]];
    private readonly float[] _inverseDeviation = new float[shape[1]];
    private readonly float[] _a = new float[shape[1]], _b = new float[shape[1]], _c = new float[shape[1]];
    private readonly double[] _first = new double[shape[1]], _second = new double[shape[1]];
    private Tensor? _x, _y, _dy, _dx;
    private Workspace? _workspace;
    private bool _fromBatch, _relu;

    /// <summary>y from the statistics of x itself, which also move the running ones. Overwrites y.</summary>
    public void ForwardTraining(
        Tensor x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Span<float> runningMean, Span<float> runningVariance, double momentum,
        bool relu, Tensor y, ComputeContext context)
    {
        (_x, _y, _fromBatch, _relu) = (x, y, true, relu);
        // An element of the channel is near its mean.
        for (int channel = 0; channel < _channels; channel++)
            _mean[channel] = x.Span[channel * (_channelsLast ? 1 : _plane)];
        Sum(context, static (self, start, end, first, second) => self.Moments(start, end, first, second));

        long count = (long)shape[0] * _plane;
        for (int channel = 0; channel < _channels; channel++)
        {
            (double mean, double variance) = Normalization.FromMoments(_first[channel], _second[channel], _mean[channel], count);
            _mean[channel] = (float)mean;
            _inverseDeviation[channel] = Normalization.InverseDeviation(variance, epsilon);
            if (runningMean.IsEmpty)
                continue;
            runningMean[channel] = Normalization.Update(runningMean[channel], mean, momentum);
            runningVariance[channel] = Normalization.Update(runningVariance[channel], variance * count / Math.Max(1, count - 1), momentum);
        }

        Apply(gamma, beta, context);
    }

    /// <summary>y from given statistics. Overwrites y.</summary>
    public void ForwardFixed(
        Tensor x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, ReadOnlySpan<float> mean, ReadOnlySpan<float> variance,
        bool relu, Tensor y, ComputeContext context)
    {
        (_x, _y, _fromBatch, _relu) = (x, y, false, relu);
        mean.CopyTo(_mean);
        for (int channel = 0; channel < _channels; channel++)
            _inverseDeviation[channel] = Normalization.InverseDeviation(variance[channel], epsilon);
        Apply(gamma, beta, context);
    }

    /// <summary>Adds to dGamma and dBeta (or empty); overwrites dx if given. x and y are those of the latest forward pass.</summary>
    public void Backward(
        Tensor x, Tensor y, Tensor dy, ReadOnlySpan<float> gamma, Span<float> dGamma, Span<float> dBeta, Tensor? dx, ComputeContext context)
    {
        (_x, _y, _dy, _dx) = (x, y, dy, dx);
        if (_fromBatch || !dGamma.IsEmpty)
            Sum(context, static (self, start, end, first, second) => self.Products(start, end, first, second));
        for (int channel = 0; channel < dGamma.Length; channel++)
        {
            dGamma[channel] += (float)(_second[channel] * _inverseDeviation[channel]);
            dBeta[channel] += (float)_first[channel];
        }

        if (dx is null)
            return;
        long count = (long)shape[0] * _plane;
        for (int channel = 0; channel < _channels; channel++)
        {
            (_a[channel], _b[channel], _c[channel]) = Normalization.GradientFactors(
                gamma.IsEmpty ? 1 : gamma[channel], _inverseDeviation[channel], _fromBatch ? _first[channel] : 0, _fromBatch ? _second[channel] : 0, count);
        }

        Dispatch.For(context, Items, shape.Count, this, static (self, _, start, end) => self.Gradient(start, end));
    }

    // What threads divide: pixels, or channels whose planes lie apart.
    private int Items => _channelsLast ? shape[0] * _plane : _channels;

    private void Apply(ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, ComputeContext context)
    {
        for (int channel = 0; channel < _channels; channel++)
        {
            _a[channel] = (gamma.IsEmpty ? 1 : gamma[channel]) * _inverseDeviation[channel];
            _c[channel] = beta.IsEmpty ? 0 : beta[channel];
        }

        Dispatch.For(context, Items, shape.Count, this, static (self, _, start, end) => self.Apply(start, end));
    }

    private delegate void Summation(BatchNormalization self, int start, int end, Span<double> first, Span<double> second);

    private Summation? _summation;

    // Fills _first and _second.
    private void Sum(ComputeContext context, Summation summation)
    {
        Array.Clear(_first);
        Array.Clear(_second);
        _summation = summation;
        int workers = context.Workers.WorkerCount;
        if (!_channelsLast)
        {
            Dispatch.For(context, _channels, shape.Count, this, static (self, _, start, end) => self._summation!(self, start, end, self._first, self._second));
            return;
        }

        _workspace = context.Workspace;
        _workspace.Reserve(4 * _channels);
        for (int worker = 0; worker < workers; worker++)
            Partial(worker).Clear();
        Dispatch.For(context, Items, shape.Count, this, static (self, worker, start, end) =>
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

    private Span<float> Pixels(Tensor? tensor, int start, int end) => tensor!.Span[(start * _channels)..(end * _channels)];

    private Span<float> Plane(Tensor? tensor, int image, int channel) => tensor!.Span.Slice((image * _channels + channel) * _plane, _plane);

    private void Moments(int start, int end, Span<double> first, Span<double> second)
    {
        if (_channelsLast)
        {
            NormalizationNhwc.AddMoments(Pixels(_x, start, end), _mean, first, second);
            return;
        }

        for (int channel = start; channel < end; channel++)
        {
            for (int image = 0; image < shape[0]; image++)
            {
                (double f, double s) = NormalizationNchw.Moments(Plane(_x, image, channel), _mean[channel]);
                first[channel] += f;
                second[channel] += s;
            }
        }
    }

    private void Products(int start, int end, Span<double> first, Span<double> second)
    {
        if (_channelsLast)
        {
            NormalizationNhwc.AddProducts(Pixels(_x, start, end), Pixels(_dy, start, end), _relu ? Pixels(_y, start, end) : [], _mean, first, second);
            return;
        }

        for (int channel = start; channel < end; channel++)
        {
            for (int image = 0; image < shape[0]; image++)
            {
                (double f, double s) = NormalizationNchw.Products(
                    Plane(_x, image, channel), Plane(_dy, image, channel), _relu ? Plane(_y, image, channel) : [], _mean[channel]);
                first[channel] += f;
                second[channel] += s;
            }
        }
    }

    private void Apply(int start, int end)
    {
        if (_channelsLast)
        {
            NormalizationNhwc.Apply(Pixels(_x, start, end), _mean, _a, _c, _relu, Pixels(_y, start, end));
            return;
        }

        for (int channel = start; channel < end; channel++)
        {
            for (int image = 0; image < shape[0]; image++)
                NormalizationNchw.Apply(Plane(_x, image, channel), _mean[channel], _a[channel], _c[channel], _relu, Plane(_y, image, channel));
        }
    }

    private void Gradient(int start, int end)
    {
        if (_channelsLast)
        {
            NormalizationNhwc.Gradient(
                Pixels(_x, start, end), Pixels(_dy, start, end), _relu ? Pixels(_y, start, end) : [], _mean, _a, _b, _c, Pixels(_dx, start, end));
            return;
        }

        for (int channel = start; channel < end; channel++)
        {
            for (int image = 0; image < shape[0]; image++)
            {
                NormalizationNchw.Gradient(
                    Plane(_x, image, channel), Plane(_dy, image, channel), _relu ? Plane(_y, image, channel) : [],
                    _mean[channel], _a[channel], _b[channel], _c[channel], Plane(_dx, image, channel));
            }
        }
    }
}
