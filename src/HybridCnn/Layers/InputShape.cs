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

    /// <summary>Throws unless <paramref name="input"/> is [N, C, L].</summary>
    public static void RequireSequences(Layer layer, Shape input)
    {
        if (input.Rank != 3)
            throw new ArgumentException($"{layer.GetType().Name} takes sequences [N, C, L]; got {input}.", nameof(input));
    }

    /// <summary>Throws unless the second extent of <paramref name="input"/> is <paramref name="channels"/>.</summary>
    public static void RequireChannels(Layer layer, Shape input, int channels)
    {
        if (input[1] != channels)
            throw new ArgumentException($"{layer.GetType().Name} was made for {channels} input channels; got {input[1]} in {input}.", nameof(input));
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
