using System.Runtime.InteropServices;
using HybridCnn.Tensors;
using TorchSharp;

namespace HybridCnn.TorchSharp;

/// <summary>
/// The memory of a float32 tensor [N, C, H, W] on the CPU as the engine reads it: dense, in one of two orders. PyTorch's contiguous is NCHW, its channels_last
/// NHWC; a tensor of either kind is taken as it lies. Valid until disposed of, and as long as the tensor lives.
/// </summary>
internal readonly ref struct Images
{
    private readonly torch.Tensor? _own;

    private Images(torch.Tensor dense, bool owned, Layout layout, bool converted)
    {
        _own = owned ? dense : null;
        (Layout, Converted) = (layout, converted);
        Floats = FloatsOf(dense);
    }

    public Layout Layout { get; }

    /// <summary>Whether they are a copy, as the tensor lies in another way.</summary>
    public bool Converted { get; }

    public Span<float> Floats { get; }

    /// <summary>The order in which a tensor lies; contiguous if it is both, and null for any other strides.</summary>
    public static Layout? LayoutOf(torch.Tensor x)
    {
        if (x.is_contiguous())
            return Layout.Nchw;
        using torch.Tensor pixels = x.permute(0, 2, 3, 1);
        return pixels.is_contiguous() ? Layout.Nhwc : null;
    }

    /// <summary>In the order asked for; a copy only where the tensor doesn't lie so.</summary>
    public static Images In(Layout layout, torch.Tensor x)
    {
        if (layout == Layout.Nchw)
            return x.is_contiguous() ? new(x, owned: false, layout, converted: false) : new(x.contiguous(), owned: true, layout, converted: true);
        torch.Tensor pixels = x.permute(0, 2, 3, 1);
        if (pixels.is_contiguous())
            return new(pixels, owned: true, layout, converted: false);
        using (pixels)
            return new(pixels.contiguous(), owned: true, layout, converted: true);
    }

    /// <summary>A tensor of undefined contents.</summary>
    public static torch.Tensor Empty(Shape shape)
    {
        (long n, long c, long h, long w) = (shape[0], shape[1], shape[2], shape[3]);
        return shape.Layout == Layout.Nchw
            ? torch.empty(n, c, h, w)
            : torch.empty_strided([n, c, h, w], [h * w * c, 1, w * c, c]);
    }

    /// <summary>Zeros, by the calling thread: PyTorch would wake its own threads, which then spin where ours are to run.</summary>
    public static torch.Tensor Zeros(params long[] extents)
    {
        torch.Tensor made = torch.empty(extents);
        FloatsOf(made).Clear();
        return made;
    }

    /// <summary>The elements of a contiguous tensor.</summary>
    public static Span<float> FloatsOf(torch.Tensor? tensor) => tensor is null ? [] : MemoryMarshal.Cast<byte, float>(tensor.bytes);

    /// <summary>The copy as a tensor [N, C, H, W], if it is one.</summary>
    public torch.Tensor? Copy() => !Converted ? null : Layout == Layout.Nhwc ? _own!.permute(0, 3, 1, 2) : _own!.alias();

    public void Dispose() => _own?.Dispose();
}
