using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Our three passes of one convolution without bias, on fixed data, in the memory order of the dims.</summary>
internal sealed class OurConvolution
{
    private readonly ConvolutionPlan _plan;
    private readonly ConvData _data;
    private readonly ComputeContext _context;
    private readonly Tensor _x;
    private readonly Tensor _dy;

    /// <param name="dims">The problem, in the memory order that is measured.</param>
    /// <param name="data">In planes; copied where the dims say otherwise.</param>
    /// <param name="context">Threads and options.</param>
    public OurConvolution(Conv2dDims dims, ConvData data, ComputeContext context)
    {
        _plan = new ConvolutionPlan(dims, options: context.Options);
        _data = data;
        _context = context;
        bool nhwc = dims.Layout == Layout.Nhwc;
        _x = nhwc ? ToPixels(data.X) : data.X;
        _dy = nhwc ? ToPixels(data.Dy) : data.Dy;
    }

    public ConvolutionAlgorithm Algorithm(string pass) => _plan.Algorithm(PassOf(pass));

    public long WorkspaceBytes(string pass) => _plan.WorkspaceBytes(PassOf(pass));

    public Action Step(string pass) => pass switch
    {
        "fwd" => () => _plan.Forward(_x.Span, _data.Weights.Span, [], _data.Y.Span, _context),
        "bwdd" => () => _plan.BackwardData(_dy.Span, _data.Weights.Span, _data.Dx.Span, _context),
        _ => () => _plan.BackwardWeights(_x.Span, _dy.Span, _data.DWeights.Span, [], _context),
    };

    /// <summary>The pass's result after one step from nothing, in the order of the shape.</summary>
    public ReadOnlySpan<float> Result(string pass)
    {
        Tensor result = pass == "fwd" ? _data.Y : pass == "bwdd" ? _data.Dx : _data.DWeights;
        result.Span.Fill(pass == "bwdw" ? 0 : float.NaN);
        Step(pass)();
        return pass != "bwdw" && _plan.Dims.Layout == Layout.Nhwc ? ToPlanes(result).Span : result.Span;
    }

    private static ConvolutionPass PassOf(string pass) => pass switch
    {
        "fwd" => ConvolutionPass.Forward,
        "bwdd" => ConvolutionPass.BackwardData,
        "bwdw" => ConvolutionPass.BackwardWeights,
        _ => throw new ArgumentException($"\"{pass}\" is no pass; there are fwd, bwdd and bwdw.", nameof(pass)),
    };

    public static Tensor ToPixels(Tensor planes)
    {
        var pixels = new Tensor(planes.Shape);
        (int channels, int area) = (planes.Shape[1], planes.Shape[2] * planes.Shape[3]);
        for (int image = 0; image < planes.Shape[0]; image++)
            LayoutTransform.ToNhwc(channels, area, planes.Span.Slice(image * channels * area, channels * area), pixels.Span.Slice(image * channels * area, channels * area));
        return pixels;
    }

    public static Tensor ToPlanes(Tensor pixels)
    {
        var planes = new Tensor(pixels.Shape);
        (int channels, int area) = (pixels.Shape[1], pixels.Shape[2] * pixels.Shape[3]);
        for (int image = 0; image < pixels.Shape[0]; image++)
            LayoutTransform.ToNchw(channels, area, pixels.Span.Slice(image * channels * area, channels * area), planes.Span.Slice(image * channels * area, channels * area));
        return planes;
    }
}
