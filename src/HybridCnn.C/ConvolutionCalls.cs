using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.C;

/// <summary>hybridcnn_convolution_*: planning.</summary>
internal static unsafe class ConvolutionCalls
{
    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_convolution_create", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Create(nint context, ConvolutionOptions* options, nint* convolution)
    {
        try
        {
            Arguments.NotNull(convolution);
            *convolution = 0;
            ComputeOptions chosen = Handles.Get<ComputeContext>(context, nameof(context)).Options;
            Arguments.Structure(options);
            *convolution = Handles.Add(new ConvolutionPlan(options->Dims(), options: chosen));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_convolution_describe", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Describe(nint convolution, ConvolutionSizes* sizes)
    {
        try
        {
            var plan = Handles.Get<ConvolutionPlan>(convolution, nameof(convolution));
            Arguments.Structure(sizes);
            Conv2dDims dims = plan.Dims;
            *sizes = new ConvolutionSizes
            {
                StructSize = sizes->StructSize,
                OH = dims.OH,
                OW = dims.OW,
                XCount = dims.XCount,
                WeightsCount = dims.WeightsCount,
                YCount = dims.YCount,
                ForwardWorkspace = CallersWorkspace.Bytes(plan, ConvolutionPass.Forward),
                BackwardDataWorkspace = CallersWorkspace.Bytes(plan, ConvolutionPass.BackwardData),
                BackwardWeightsWorkspace = CallersWorkspace.Bytes(plan, ConvolutionPass.BackwardWeights),
            };
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_convolution_explain", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Explain(nint convolution, byte* text, long capacity, long* length)
    {
        try
        {
            Arguments.CopyText(Handles.Get<ConvolutionPlan>(convolution, nameof(convolution)).Explain(), text, capacity, length);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }
}
