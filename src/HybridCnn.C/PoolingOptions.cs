using System.Runtime.InteropServices;
using HybridCnn.Tensors;

namespace HybridCnn.C;

/// <summary>hybridcnn_pooling_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PoolingOptions
{
    public int StructSize, Kind, Layout;
    public int N, C, IH, IW, KH, KW;
    public int StrideH, StrideW;
    public int PadTop, PadLeft, PadBottom, PadRight;
    public int DilationH, DilationW;
    public int CeilMode, ExcludePad, Divisor;

    public readonly Pool2dDims Dims() => Pool2dDims.Create(
        N, C, IH, IW, KH, KW, StrideH == 0 ? KH : StrideH, StrideW == 0 ? KW : StrideW, PadTop, PadLeft, PadBottom, PadRight,
        Arguments.OneIfZero(DilationH), Arguments.OneIfZero(DilationW), CeilMode != 0, Arguments.Layout(Layout));
}

/// <summary>hybridcnn_pooling_sizes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PoolingSizes
{
    public int StructSize, OH, OW, Reserved;
    public long XCount, YCount, IndexCount;
}
