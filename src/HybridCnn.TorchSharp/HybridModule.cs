using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using HybridCnn.Compute;
using HybridCnn.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>
/// A module of TorchSharp that the engine computes, forward and backward, on the memory of PyTorch's tensors. Takes images [N, C, H, W] of float32 on the CPU,
/// contiguous or channels_last, without a copy; other strides are made contiguous, as by PyTorch. Everything else goes to PyTorch's own operator,
/// and counts in <see cref="TorchFallbacks"/>; so do gradients that are to be differentiated again.
/// </summary>
public abstract class HybridModule : nn.Module<Tensor, Tensor>
{
    // Image sizes of one module that are planned for at the same time; above it, the plans are made anew.
    private const int MostPlans = 64;

    private protected HybridModule(string name, ComputeOptions? options)
        : base(name) => Context = SharedContexts.For(options);

    /// <summary>How many calls the engine served.</summary>
    public long Calls { get; private protected set; }

    /// <summary>How many times an input or a gradient had to be copied into another memory order.</summary>
    public long Conversions { get; private set; }

    internal ComputeContext Context { get; }

    /// <summary>The problems seen so far with the algorithms that compute them, and how often a copy was needed.</summary>
    public abstract string Explain();

    internal void NoteConversion(bool converted)
    {
        if (converted)
            Conversions++;
    }

    /// <summary>Keeps a module whose place this one takes from freeing what both share.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "The finalizer of the other module is meant.")]
    private protected static void Retire(nn.Module original) => GC.SuppressFinalize(original);

    /// <summary>Null where the engine takes the tensor.</summary>
    private protected static string? Refusal(Tensor x) =>
        x.ndim != 4 ? $"x has {x.ndim} dimensions, not 4"
        : x.dtype != ScalarType.Float32 ? $"x is {x.dtype}"
        : x.device_type != DeviceType.CPU ? $"x is on {x.device}"
        : x.is_sparse ? "x is sparse"
        : x.numel() == 0 ? "x is empty"
        : x.numel() > int.MaxValue / sizeof(float) ? $"x has {x.numel()} elements"
        : null;

    private protected static string? ParameterRefusal(Tensor? parameter, string name) =>
        parameter is null ? null
        : parameter.dtype != ScalarType.Float32 ? $"{name} is {parameter.dtype}"
        : parameter.device_type != DeviceType.CPU ? $"{name} is on {parameter.device}"
        : null;

    private protected void CountFallback(string reason) => TorchFallbacks.Add($"{GetName()}: {reason}");

    /// <summary>Whether a graph has to remember the call.</summary>
    private protected static bool NeedsGraph(Tensor x, Tensor? weight, Tensor? bias) =>
        is_grad_enabled() && (x.requires_grad || weight is { requires_grad: true } || bias is { requires_grad: true });

    private protected static TPlan PlanFor<TKey, TPlan>(ConcurrentDictionary<TKey, TPlan> plans, TKey key, Func<TKey, TPlan> make)
        where TKey : notnull
    {
        if (plans.TryGetValue(key, out TPlan? plan))
            return plan;
        if (plans.Count >= MostPlans)
            plans.Clear();
        return plans.GetOrAdd(key, make);
    }

    private protected string Counts => $"{Calls} calls, {Conversions} copies into another memory order, {SharedContexts.Describe(Context)}";

    private protected static Shape ShapeOf(Tensor x, Layout layout)
    {
        long[] extents = x.shape;
        return new Shape((int)extents[0], (int)extents[1], (int)extents[2], (int)extents[3]).In(layout);
    }
}
