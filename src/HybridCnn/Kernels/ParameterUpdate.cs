using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>Runs an optimizer's rule over spans; the compiler makes a loop for each rule and register width.</summary>
internal static class ParameterUpdate
{
    /// <summary>One step of so many elements, in place.</summary>
    /// <param name="rule">What to do.</param>
    /// <param name="gradient">g, as long as the value.</param>
    /// <param name="value">p, updated.</param>
    /// <param name="a">The rule's first array, as long as the value; empty where it keeps none.</param>
    /// <param name="b">Its second one.</param>
    /// <param name="c">Its third one.</param>
    public static void Run<TRule>(TRule rule, ReadOnlySpan<float> gradient, Span<float> value, Span<float> a = default, Span<float> b = default, Span<float> c = default)
        where TRule : struct, IUpdateRule
    {
        CheckLength(gradient.Length, nameof(gradient), value.Length);
        CheckLength(a.Length, nameof(a), TRule.States > 0 ? value.Length : 0);
        CheckLength(b.Length, nameof(b), TRule.States > 1 ? value.Length : 0);
        CheckLength(c.Length, nameof(c), TRule.States > 2 ? value.Length : 0);
        int done = Vector512.IsHardwareAccelerated
            ? Run<TRule, Floats16>(rule, gradient, value, a, b, c, 0)
            : Run<TRule, Floats8>(rule, gradient, value, a, b, c, 0);
        _ = Run<TRule, Floats1>(rule, gradient, value, a, b, c, done);
    }

    private static int Run<TRule, T>(TRule rule, ReadOnlySpan<float> gradient, Span<float> value, Span<float> a, Span<float> b, Span<float> c, int i)
        where TRule : struct, IUpdateRule
        where T : struct, IFloats<T>
    {
        ref float g = ref MemoryMarshal.GetReference(gradient), p = ref MemoryMarshal.GetReference(value);
        ref float first = ref MemoryMarshal.GetReference(a), second = ref MemoryMarshal.GetReference(b), third = ref MemoryMarshal.GetReference(c);
        for (; i + T.Count <= value.Length; i += T.Count)
        {
            T keptA = TRule.States > 0 ? T.Load(ref first, i) : default;
            T keptB = TRule.States > 1 ? T.Load(ref second, i) : default;
            T keptC = TRule.States > 2 ? T.Load(ref third, i) : default;
            rule.Next(T.Load(ref g, i), T.Load(ref p, i), ref keptA, ref keptB, ref keptC).Store(ref p, i);
            if (TRule.States > 0)
                keptA.Store(ref first, i);
            if (TRule.States > 1)
                keptB.Store(ref second, i);
            if (TRule.States > 2)
                keptC.Store(ref third, i);
        }

        return i;
    }

    private static void CheckLength(int given, string name, int expected)
    {
        if (given != expected)
            throw new ArgumentException($"{name} has {given} elements, expected {expected}.", name);
    }
}
