using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HybridCnn.Kernels;

/// <summary>dx = dy·a + (x − mean)·b + c of a vector of elements; dy counts only where the ReLU, if there is one, let y pass.</summary>
internal readonly struct ChannelGradient<T, TRelu>
    where T : struct, IFloats<T>
    where TRelu : struct, IFlag
{
    private readonly T _mean, _scale, _offset, _ceiling, _a, _b, _c;

    /// <summary>With the numbers of every element's channel; scale, offset and ceiling are the ReLU's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ChannelGradient(T mean, T scale, T offset, T ceiling, T a, T b, T c) =>
        (_mean, _scale, _offset, _ceiling, _a, _b, _c) = (mean, scale, offset, ceiling, a, b, c);

    /// <summary>Of as many channels as a vector holds, from <paramref name="channel"/> on. Nothing is checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ChannelGradient(ReluMask relu, ReadOnlySpan<float> mean, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, int channel)
        : this(
            Load(mean, channel), TRelu.IsSet ? Load(relu.Scale, channel) : default, TRelu.IsSet ? Load(relu.Offset, channel) : default,
            T.Broadcast(relu.Ceiling), Load(a, channel), Load(b, channel), Load(c, channel))
    {
    }

    /// <summary>The ReLU's condition is what the forward pass has computed, in the same way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Of(T x, T dy)
    {
        T difference = x - _mean;
        T passed = TRelu.IsSet ? ReluMask.Passed(T.MultiplyAdd(difference, _scale, _offset), _ceiling, dy) : dy;
        return T.MultiplyAdd(passed, _a, T.MultiplyAdd(difference, _b, _c));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Load(ReadOnlySpan<float> numbers, int channel) => T.Load(ref MemoryMarshal.GetReference(numbers), channel);
}
