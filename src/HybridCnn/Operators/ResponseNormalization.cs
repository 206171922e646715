using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Local response normalization of images in either layout; one call at a time. NHWC: threads over pixels. NCHW: threads over strips of pixels of which all channels fit into the
/// cache. Every element is written by one worker: the bits don't depend on their number.
/// </summary>
internal sealed class ResponseNormalization(int size, float alpha, float beta, float k)
{
    // Pixels of a strip: two of them for every channel are scratch of the backward pass.
    private const int Strip = 64;

    private readonly ResponseWindow _window = new(size / 2, (size - 1) / 2, alpha, beta, k);
    private Tensor? _x, _y, _dy, _dx;
    private Workspace? _workspace;
    private int _channels, _plane, _scratch;

    private int Strips => (_plane - 1) / Strip + 1;

    /// <summary>Overwrites y.</summary>
    public void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        using ComputeContext.Claim claim = Prepare(x.Shape, context);
        (_x, _y) = (x, y);
        if (x.Layout == Layout.Nhwc)
        {
            Dispatch.For(context, x.Shape[0] * _plane, x.Shape.Count, this, static (self, worker, start, end) =>
                ResponseNhwc.Forward(self._window, self._channels, self.Pixels(self._x, start, end), self.Scratch(worker), self.Pixels(self._y, start, end)));
        }
        else
        {
            Dispatch.For(context, x.Shape[0] * Strips, x.Shape.Count, this, static (self, _, start, end) =>
            {
                for (int i = start; i < end; i++)
                {
                    int image = i / self.Strips, first = i % self.Strips * Strip;
                    ResponseNchw.Forward(self._window, self._channels, self._plane, first, Math.Min(Strip, self._plane - first), self._x!.Item(image), self._y!.Item(image));
                }
            });
        }
    }

    /// <summary>Overwrites dx.</summary>
    public void Backward(Tensor x, Tensor dy, Tensor dx, ComputeContext context)
    {
        using ComputeContext.Claim claim = Prepare(x.Shape, context);
        (_x, _dy, _dx) = (x, dy, dx);
        if (x.Layout == Layout.Nhwc)
        {
            Dispatch.For(context, x.Shape[0] * _plane, x.Shape.Count, this, static (self, worker, start, end) => ResponseNhwc.Backward(
                self._window, self._channels, self.Pixels(self._x, start, end), self.Pixels(self._dy, start, end), self.Scratch(worker), self.Pixels(self._dx, start, end)));
        }
        else
        {
            Dispatch.For(context, x.Shape[0] * Strips, x.Shape.Count, this, static (self, worker, start, end) =>
            {
                for (int i = start; i < end; i++)
                {
                    int image = i / self.Strips, first = i % self.Strips * Strip;
                    ResponseNchw.Backward(
                        self._window, self._channels, self._plane, first, Math.Min(Strip, self._plane - first), self._x!.Item(image), self._dy!.Item(image), self.Scratch(worker),
                        self._dx!.Item(image));
                }
            });
        }
    }

    private ComputeContext.Claim Prepare(Shape shape, ComputeContext context)
    {
        ComputeContext.Claim claim = context.Enter();
        (_channels, _plane, _workspace) = (shape[1], shape[2] * shape[3], context.Workspace);
        _scratch = shape.Layout == Layout.Nhwc ? ResponseNhwc.Scratch(_window, _channels) : 2 * _channels * Strip;
        _workspace.Reserve(_scratch);
        return claim;
    }

    private Span<float> Scratch(int worker) => _workspace!.Slice(worker, _scratch);

    private Span<float> Pixels(Tensor? tensor, int start, int end) => tensor!.Span[(start * _channels)..(end * _channels)];
}
