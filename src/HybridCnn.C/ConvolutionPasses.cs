using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.C;

/// <summary>hybridcnn_convolution_*: the three passes.</summary>
internal static unsafe class ConvolutionPasses
{
    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_convolution_forward", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Forward(
        nint convolution, nint context, float* x, long x_count, float* weights, long weights_count, float* bias, long bias_count,
        float* y, long y_count, int relu, void* workspace, long workspace_bytes)
    {
        try
        {
            (ConvolutionPlan plan, ComputeContext own) = Objects(convolution, context);
            Conv2dDims dims = plan.Dims;
            ReadOnlySpan<float> images = Arguments.Array(x, x_count, dims.XCount, dims);
            ReadOnlySpan<float> filters = Arguments.Array(weights, weights_count, dims.WeightsCount, dims);
            ReadOnlySpan<float> shift = Arguments.Optional(bias, bias_count, dims.OC, dims);
            Span<float> result = Arguments.Array(y, y_count, dims.YCount, dims);
            using CallersWorkspace scratch = new(own, workspace, workspace_bytes);
            plan.Forward(images, filters, shift, result, own, relu != 0);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_convolution_backward_data", CallConvs = [typeof(CallConvCdecl)])]
    public static Status BackwardData(
        nint convolution, nint context, float* dy, long dy_count, float* weights, long weights_count, float* dx, long dx_count,
        void* workspace, long workspace_bytes)
    {
        try
        {
            (ConvolutionPlan plan, ComputeContext own) = Objects(convolution, context);
            Conv2dDims dims = plan.Dims;
            ReadOnlySpan<float> gradient = Arguments.Array(dy, dy_count, dims.YCount, dims);
            ReadOnlySpan<float> filters = Arguments.Array(weights, weights_count, dims.WeightsCount, dims);
            Span<float> result = Arguments.Array(dx, dx_count, dims.XCount, dims);
            using CallersWorkspace scratch = new(own, workspace, workspace_bytes);
            plan.BackwardData(gradient, filters, result, own);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_convolution_backward_weights", CallConvs = [typeof(CallConvCdecl)])]
    public static Status BackwardWeights(
        nint convolution, nint context, float* x, long x_count, float* dy, long dy_count, float* dweights, long dweights_count,
        float* dbias, long dbias_count, void* workspace, long workspace_bytes)
    {
        try
        {
            (ConvolutionPlan plan, ComputeContext own) = Objects(convolution, context);
            Conv2dDims dims = plan.Dims;
            ReadOnlySpan<float> images = Arguments.Array(x, x_count, dims.XCount, dims);
            ReadOnlySpan<float> gradient = Arguments.Array(dy, dy_count, dims.YCount, dims);
            Span<float> filters = Arguments.Array(dweights, dweights_count, dims.WeightsCount, dims);
            Span<float> shift = Arguments.Optional(dbias, dbias_count, dims.OC, dims);
            using CallersWorkspace scratch = new(own, workspace, workspace_bytes);
            plan.BackwardWeights(images, gradient, filters, shift, own);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    private static (ConvolutionPlan Plan, ComputeContext Context) Objects(nint convolution, nint context) =>
        (Handles.Get<ConvolutionPlan>(convolution, nameof(convolution)), Handles.Get<ComputeContext>(context, nameof(context)));
}
