using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// A ReLU with learned slopes below 0, of one shape in either layout; one call at a time. NHWC: threads over images, NCHW: over planes. The sums of each image are
/// kept apart and added in their order, so that the bits don't depend on the number of threads.
/// </summary>
internal sealed class ParametricRelu(Shape shape)
{
    private readonly int _channels = shape[1];
    private readonly int _plane = shape.CountPerItem / shape[1];
    private readonly bool _isRows = shape.Layout == Layout.Nhwc || shape.Rank == 2;
    private readonly float[] _slopes = new float[shape[1]];
    private readonly double[] _sums = new double[shape[0] * shape[1]];
    private Tensor? _x, _y, _dy, _dx;

    /// <summary>Overwrites y, which may be x. One slope for all channels, or one for each.</summary>
    public void Forward(Tensor x, ReadOnlySpan<float> slopes, Tensor y, ComputeContext context)
    {
        (_x, _y) = (x, y);
        Keep(slopes);
        Dispatch.For(context, _isRows ? shape[0] : shape[0] * _channels, shape.Count, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                if (self._isRows)
                    ParametricReluRows.Forward(self._x!.Item(i), self._slopes, self._y!.Item(i));
                else
                    ParametricReluRows.Forward(self.Plane(self._x, i), self._slopes[i % self._channels], self.Plane(self._y, i));
            }
        });
    }

    /// <summary>Adds to dSlopes; overwrites dx if given, which may be dy.</summary>
    public void Backward(Tensor x, Tensor dy, ReadOnlySpan<float> slopes, Span<float> dSlopes, Tensor? dx, ComputeContext context)
    {
        (_x, _dy, _dx) = (x, dy, dx);
        Keep(slopes);
        Array.Clear(_sums);
        Dispatch.For(context, _isRows ? shape[0] : shape[0] * _channels, shape.Count, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                if (self._isRows)
                {
                    ParametricReluRows.Backward(
                        self._x!.Item(i), self._dy!.Item(i), self._slopes, self._dx is null ? [] : self._dx.Item(i), self._sums.AsSpan(i * self._channels, self._channels));
                }
                else
                {
                    self._sums[i] = ParametricReluRows.Backward(
                        self.Plane(self._x, i), self.Plane(self._dy, i), self._slopes[i % self._channels], self._dx is null ? [] : self.Plane(self._dx, i));
                }
            }
        });
        for (int channel = 0; channel < _channels; channel++)
        {
            double sum = 0;
            for (int image = 0; image < shape[0]; image++)
                sum += _sums[image * _channels + channel];
            dSlopes[dSlopes.Length == 1 ? 0 : channel] += (float)sum;
        }
    }

    private void Keep(ReadOnlySpan<float> slopes)
    {
        if (slopes.Length == 1)
            Array.Fill(_slopes, slopes[0]);
        else
            slopes.CopyTo(_slopes);
    }

    private Span<float> Plane(Tensor? tensor, int plane) => tensor!.Span.Slice(plane * _plane, _plane);
}
