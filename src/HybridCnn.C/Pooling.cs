using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.C;

/// <summary>What a handle of a pooling names: maxima or means of one geometry.</summary>
internal sealed class Pooling
{
    private readonly MaxPoolingPlan? _max;
    private readonly AveragePoolingPlan? _average;

    public Pooling(in PoolingOptions options)
    {
        Dims = options.Dims();
        if (Arguments.Choice(options.Kind, 2, "options->kind") == 0)
            _max = new MaxPoolingPlan(Dims);
        else if (options.Divisor >= 0)
            _average = new AveragePoolingPlan(Dims, options.ExcludePad == 0, options.Divisor == 0 ? null : options.Divisor);
        else
            throw new ArgumentException($"options->divisor is {options.Divisor}; it must be at least 0.");
    }

    public Pool2dDims Dims { get; }

    public int IndexCount => _max?.IndexLength ?? 0;

    public void Forward(ReadOnlySpan<float> x, Span<float> y, Span<int> indices, ComputeContext context)
    {
        _max?.Forward(x, y, indices, context);
        _average?.Forward(x, y, context);
    }

    public void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<int> indices, Span<float> dx, ComputeContext context)
    {
        _max?.Backward(dy, indices, dx, context);
        _average?.Backward(dy, dx, context);
    }
}
