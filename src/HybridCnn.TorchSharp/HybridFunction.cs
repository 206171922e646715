using TorchSharp;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>What a call of a module keeps for its backward pass, besides the tensors that PyTorch saves.</summary>
internal abstract class HybridCall : IDisposable
{
    protected HybridCall(HybridModule module, Tensor? x, Tensor? weight, Tensor? bias)
    {
        Module = module;
        (HasWeight, HasBias) = (weight is not null, bias is not null);
        (NeedsX, NeedsWeight, NeedsBias) = (x is { requires_grad: true }, weight is { requires_grad: true }, bias is { requires_grad: true });
    }

    public HybridModule Module { get; }

    public bool HasWeight { get; }

    public bool HasBias { get; }

    public bool NeedsX { get; }

    public bool NeedsWeight { get; }

    public bool NeedsBias { get; }

    /// <summary>Handles that are of no use once PyTorch has saved and wrapped the tensors behind them.</summary>
    public List<Tensor?> Temporary { get; } = [];

    public void Dispose()
    {
        foreach (Tensor? tensor in Temporary)
            tensor?.Dispose();
        Temporary.Clear();
    }

    /// <summary>Computes y and says what to save: x, weight and bias, then what else the backward pass needs.</summary>
    public abstract Tensor Forward(Tensor x, Tensor? weight, Tensor? bias, List<Tensor?> saved);

    /// <summary>The gradients by x, weight and bias; null for what nobody needs.</summary>
    public abstract Tensor?[] Backward(IReadOnlyList<Tensor?> saved, Tensor dy);

    /// <summary>The function again by operators of PyTorch, which can be differentiated twice; x, weight and bias are the first three that were saved.</summary>
    public abstract Tensor ByTorch(IReadOnlyList<Tensor?> saved);
}

/// <summary>A node of PyTorch's graph: x, weight and bias (either null), and a <see cref="HybridCall"/> in; y out.</summary>
internal sealed class HybridFunction : autograd.SingleTensorFunction<HybridFunction>
{
    // PyTorch copies the gradients' handles after the backward pass has returned them, and leaves ours to us: they are freed by the next pass on the thread.
    [ThreadStatic]
    private static List<Tensor>? t_returned;

    public override string Name => nameof(HybridFunction);

    public static Tensor Run(HybridCall call, Tensor x, Tensor? weight, Tensor? bias)
    {
        using (call)
            return apply(x, weight!, bias!, call);
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        FreeReturned();
        var (x, weight, bias, call) = ((Tensor)vars[0], (Tensor?)vars[1], (Tensor?)vars[2], (HybridCall)vars[3]);
        var saved = new List<Tensor?>();
        Tensor y = call.Forward(x, weight, bias, saved);
        call.Temporary.Add(y);
        ctx.save_for_backward(saved!);
        ctx.save_data("call", call);
        return y;
    }

    // Nothing may be thrown from here: the caller is native.
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        FreeReturned();
        var call = (HybridCall)ctx.get_data("call");
        List<Tensor> saved = [];
        try
        {
            saved = ctx.get_saved_variables();
            Tensor?[] gradients = is_grad_enabled() ? Differentiable(call, saved, grad_output) : call.Backward(saved, grad_output);
            t_returned = [.. gradients.OfType<Tensor>()];
            return [.. gradients.Select(gradient => gradient!), null!];
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            BackwardFailure.Note(e);
            // Of no dimensions, which no parameter and no image has.
            static Tensor Wrong() => tensor(float.NaN);
            t_returned = [Wrong(), Wrong(), Wrong()];
            return [t_returned[0], call.HasWeight ? t_returned[1] : null!, call.HasBias ? t_returned[2] : null!, null!];
        }
        finally
        {
            foreach (Tensor? tensor in saved)
                tensor?.Dispose();
            grad_output.Dispose();
        }
    }

    private static Tensor?[] Differentiable(HybridCall call, List<Tensor> saved, Tensor dy)
    {
        TorchFallbacks.Add($"{call.Module.GetName()}: gradients that are to be differentiated again");
        (bool Needed, Tensor? Input)[] inputs = [(call.NeedsX, saved[0]), (call.NeedsWeight, saved[1]), (call.NeedsBias, saved[2])];
        Tensor[] needed = [.. inputs.Where(input => input.Needed).Select(input => input.Input!)];
        using Tensor y = call.ByTorch(saved);
        var found = new Queue<Tensor>(autograd.grad([y], needed, [dy], retain_graph: true, create_graph: true));
        return [.. inputs.Select(input => input.Needed ? found.Dequeue() : null)];
    }

    private static void FreeReturned()
    {
        foreach (Tensor tensor in t_returned ?? [])
            tensor.Dispose();
        t_returned = null;
    }
}
