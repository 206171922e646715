using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HybridCnn.Compute;

namespace HybridCnn.C;

/// <summary>hybridcnn_pooling_*.</summary>
internal static unsafe class PoolingCalls
{
    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_pooling_create", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Create(PoolingOptions* options, nint* pooling)
    {
        try
        {
            Arguments.NotNull(pooling);
            *pooling = 0;
            Home.Announce();
            Arguments.Structure(options);
            *pooling = Handles.Add(new Pooling(in *options));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_pooling_describe", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Describe(nint pooling, PoolingSizes* sizes)
    {
        try
        {
            var plan = Handles.Get<Pooling>(pooling, nameof(pooling));
            Arguments.Structure(sizes);
            *sizes = new PoolingSizes
            {
                StructSize = sizes->StructSize,
                OH = plan.Dims.OH,
                OW = plan.Dims.OW,
                XCount = plan.Dims.Input.Count,
                YCount = plan.Dims.Output.Count,
                IndexCount = plan.IndexCount,
            };
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_pooling_forward", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Forward(nint pooling, nint context, float* x, long x_count, float* y, long y_count, int* indices, long index_count)
    {
        try
        {
            (Pooling plan, ComputeContext own) = Objects(pooling, context);
            plan.Forward(
                Arguments.Array(x, x_count, plan.Dims.Input.Count, plan.Dims),
                Arguments.Array(y, y_count, plan.Dims.Output.Count, plan.Dims),
                Indices(plan, indices, index_count), own);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_pooling_backward", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Backward(nint pooling, nint context, float* dy, long dy_count, int* indices, long index_count, float* dx, long dx_count)
    {
        try
        {
            (Pooling plan, ComputeContext own) = Objects(pooling, context);
            plan.Backward(
                Arguments.Array(dy, dy_count, plan.Dims.Output.Count, plan.Dims),
                Indices(plan, indices, index_count),
                Arguments.Array(dx, dx_count, plan.Dims.Input.Count, plan.Dims), own);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    private static Span<int> Indices(Pooling plan, int* indices, long index_count)
    {
        if (plan.IndexCount == 0 && index_count != 0)
            throw new ArgumentException($"indices has {index_count} elements; average pooling has none.");
        return plan.IndexCount == 0 ? [] : Arguments.Array(indices, index_count, plan.IndexCount, plan.Dims);
    }

    private static (Pooling Plan, ComputeContext Context) Objects(nint pooling, nint context) =>
        (Handles.Get<Pooling>(pooling, nameof(pooling)), Handles.Get<ComputeContext>(context, nameof(context)));
}
