using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Normalization over groups of channels of every image, of one shape in either layout; one call at a time. Threads over images; the bits don't depend on their number.
/// Keeps the mean and deviation of every group of the latest forward pass. With γ per channel, m elements in a group and x̂ = (x − μ)/√(σ² + ε):
/// dx = (γ·dy − Σ γ·dy / m − x̂·Σ γ·dy·x̂ / m)/√(σ² + ε), sums over the group (as in <see cref="Normalization"/>, with γ inside the sums).
/// </summary>
internal sealed class GroupNormalization(Shape shape, int groups, double epsilon)
{
    private readonly int _channels = shape[1], _perGroup = shape[1] / groups;
    private readonly int _plane = shape.CountPerItem / shape[1];
    private readonly long _count = shape.CountPerItem / groups;
    private readonly bool _isRows = shape.Layout == Layout.Nhwc || shape.Rank == 2;
    private readonly float[] _gamma = new float[shape[1]], _beta = new float[shape[1]];

    // Per image and channel.
    private readonly float[] _mean = new float[shape[0] * shape[1]], _inverseDeviation = new float[shape[0] * shape[1]];
    private readonly float[] _a = new float[shape[0] * shape[1]], _b = new float[shape[0] * shape[1]], _c = new float[shape[0] * shape[1]];
    private readonly double[] _first = new double[shape[0] * shape[1]], _second = new double[shape[0] * shape[1]];
    private Tensor? _x, _y, _dy, _dx;

    /// <summary>Overwrites y, which may be x. γ and β may be empty.</summary>
    public void Forward(Tensor x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Tensor y, ComputeContext context)
    {
        (_x, _y) = (x, y);
        Normalization.Keep(gamma, 1, _gamma);
        Normalization.Keep(beta, 0, _beta);
        Dispatch.For(context, shape[0], shape.Count, this, static (self, _, start, end) =>
        {
            for (int image = start; image < end; image++)
                self.ForwardImage(image);
        });
    }

    /// <summary>Adds to dγ and dβ (or empty); overwrites dx if given, which may be dy. x is that of the latest forward pass.</summary>
    public void Backward(Tensor x, Tensor dy, ReadOnlySpan<float> gamma, Span<float> dGamma, Span<float> dBeta, Tensor? dx, ComputeContext context)
    {
        (_x, _dy, _dx) = (x, dy, dx);
        Normalization.Keep(gamma, 1, _gamma);
        Dispatch.For(context, shape[0], shape.Count, this, static (self, _, start, end) =>
        {
            for (int image = start; image < end; image++)
                self.BackwardImage(image);
        });
        for (int channel = 0; channel < dGamma.Length; channel++)
        {
            double scale = 0, shift = 0;
            for (int at = channel; at < _first.Length; at += _channels)
            {
                shift += _first[at];
                scale += _second[at] * _inverseDeviation[at];
            }

            dGamma[channel] += (float)scale;
            dBeta[channel] += (float)shift;
        }
    }

    private void ForwardImage(int image)
    {
        int offset = image * _channels;
        Span<float> means = _mean.AsSpan(offset, _channels), inverses = _inverseDeviation.AsSpan(offset, _channels), scales = _a.AsSpan(offset, _channels);
        Span<double> first = _first.AsSpan(offset, _channels), second = _second.AsSpan(offset, _channels);
        ReadOnlySpan<float> x = _x!.Item(image);

        // An element of the group is near its mean.
        for (int channel = 0; channel < _channels; channel++)
            means[channel] = x[channel / _perGroup * _perGroup * (_isRows ? 1 : _plane)];
        first.Clear();
        second.Clear();
        if (_isRows)
        {
            NormalizationSums.AddMoments(x, means, first, second);
        }
        else
        {
            for (int channel = 0; channel < _channels; channel++)
                (first[channel], second[channel]) = NormalizationNchw.Moments(x.Slice(channel * _plane, _plane), means[channel]);
        }

        for (int start = 0; start < _channels; start += _perGroup)
        {
            (double mean, double variance) = Normalization.FromMoments(Sum(first, start), Sum(second, start), means[start], _count);
            float inverse = Normalization.InverseDeviation(variance, epsilon);
            for (int channel = start; channel < start + _perGroup; channel++)
                (means[channel], inverses[channel], scales[channel]) = ((float)mean, inverse, _gamma[channel] * inverse);
        }

        Span<float> y = _y!.Item(image);
        if (_isRows)
        {
            NormalizationNhwc.Apply(x, means, scales, _beta, null, y);
            return;
        }

        for (int channel = 0; channel < _channels; channel++)
            NormalizationNchw.Apply(x.Slice(channel * _plane, _plane), means[channel], scales[channel], _beta[channel], null, y.Slice(channel * _plane, _plane));
    }

    private void BackwardImage(int image)
    {
        int offset = image * _channels;
        Span<float> means = _mean.AsSpan(offset, _channels), inverses = _inverseDeviation.AsSpan(offset, _channels);
        Span<float> a = _a.AsSpan(offset, _channels), b = _b.AsSpan(offset, _channels), c = _c.AsSpan(offset, _channels);
        Span<double> first = _first.AsSpan(offset, _channels), second = _second.AsSpan(offset, _channels);
        ReadOnlySpan<float> x = _x!.Item(image), dy = _dy!.Item(image);
        first.Clear();
        second.Clear();
        if (_isRows)
        {
            NormalizationSums.AddProducts(x, dy, default, means, first, second);
        }
        else
        {
            for (int channel = 0; channel < _channels; channel++)
                (first[channel], second[channel]) = NormalizationNchw.Products(x.Slice(channel * _plane, _plane), dy.Slice(channel * _plane, _plane), null, means[channel]);
        }

        if (_dx is null)
            return;
        for (int start = 0; start < _channels; start += _perGroup)
        {
            double sumDy = 0, sumDyX = 0;
            for (int channel = start; channel < start + _perGroup; channel++)
            {
                sumDy += _gamma[channel] * first[channel];
                sumDyX += _gamma[channel] * second[channel];
            }

            (_, float slope, float constant) = Normalization.GradientFactors(1, inverses[start], sumDy, sumDyX, _count);
            for (int channel = start; channel < start + _perGroup; channel++)
                (a[channel], b[channel], c[channel]) = (_gamma[channel] * inverses[start], slope, constant);
        }

        Span<float> dx = _dx.Item(image);
        if (_isRows)
        {
            NormalizationNhwc.Gradient(x, dy, default, means, a, b, c, dx);
            return;
        }

        for (int channel = 0; channel < _channels; channel++)
        {
            NormalizationNchw.Gradient(
                x.Slice(channel * _plane, _plane), dy.Slice(channel * _plane, _plane), null, means[channel], a[channel], b[channel], c[channel], dx.Slice(channel * _plane, _plane));
        }
    }

    private double Sum(Span<double> values, int start)
    {
        double sum = 0;
        for (int channel = start; channel < start + _perGroup; channel++)
            sum += values[channel];
        return sum;
    }
}
