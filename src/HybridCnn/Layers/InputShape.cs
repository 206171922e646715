using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>What a layer asks of the shape it is bound to.</summary>
internal static class InputShape
{
    /// <summary>Throws unless <paramref name="input"/> is [N, C, H, W], in either order.</summary>
    public static void RequireImages(Layer layer, Shape input)
    {
        if (input.Rank != 4)
            throw new ArgumentException($"{layer.GetType().Name} takes images [N, C, H, W]; got {input}.", nameof(input));
    }

    /// <summary>Throws if <paramref name="input"/> is in NHWC order.</summary>
    public static void RequireNchw(Layer layer, Shape input)
    {
        if (input.Layout != Layout.Nchw)
            throw new ArgumentException($"{layer.GetType().Name} takes NCHW order; got {input}.", nameof(input));
    }

    /// <summary>Throws unless <paramref name="input"/> is [N, …].</summary>
    public static void RequireBatch(Layer layer, Shape input)
    {
        if (input.Rank < 2)
            throw new ArgumentException($"{layer.GetType().Name} takes a batch, [N, F] or [N, C, H, W]; got {input}.", nameof(input));
    }
}
