using System.Runtime.InteropServices;
using HybridCnn.Tensors;

namespace HybridCnn.C;

/// <summary>hybridcnn_convolution_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ConvolutionOptions
{
    public int StructSize, Layout;
    public int N, IC, IH, IW, OC, KH, KW;
    public int StrideH, StrideW;
    public int PadTop, PadLeft, PadBottom, PadRight;
    public int DilationH, DilationW;
    public int Groups;

    public readonly Conv2dDims Dims() => Conv2dDims.Create(
        N, IC, IH, IW, OC, KH, KW, Arguments.OneIfZero(StrideH), Arguments.OneIfZero(StrideW), PadTop, PadLeft, PadBottom, PadRight,
        Arguments.OneIfZero(DilationH), Arguments.OneIfZero(DilationW), Arguments.OneIfZero(Groups), Arguments.Layout(Layout));
}

/// <summary>hybridcnn_convolution_sizes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ConvolutionSizes
{
    public int StructSize, OH, OW, Reserved;
    public long XCount, WeightsCount, YCount;
    public long ForwardWorkspace, BackwardDataWorkspace, BackwardWeightsWorkspace;
}
