namespace HybridCnn.Tensors;

/// <summary>The order in which the elements of a rank-4 tensor lie in memory. The shape is always written [N, C, H, W].</summary>
public enum Layout
{
    /// <summary>Image, channel, row, column: every channel is a plane. What files and other libraries hand over.</summary>
    Nchw,

    /// <summary>Image, row, column, channel: the channels of one pixel are neighbours.</summary>
    Nhwc,
}
