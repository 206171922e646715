using HybridCnn.Compute;
using HybridCnn.Kernels;

namespace HybridCnn.Operators;

/// <summary>
/// The form for many tiles: all weights are transformed first; then every worker takes blocks of tiles through all three
/// steps, input transform, products and output transform, in its own caches.
/// </summary>
internal static class WinogradTileBlocked<TForm>
    where TForm : struct, IWinogradForm
{
    // Rows of transformed weights that are the unit of work.
    private const int RowGroup = 16;

    private static int Products => TForm.Inputs * TForm.Inputs;

    public static void Run(WinogradJob job, WorkerPool workers)
    {
        if (job.Prepared.IsEmpty)
            Prepare(job, workers);
        int parts = (job.Tiles.Count + job.Blocking.Tiles - 1) / job.Blocking.Tiles;
        // A multiple of the number of workers, so that their shares are equal.
        job.Blocks = (parts + workers.WorkerCount - 1) / workers.WorkerCount * workers.WorkerCount;
        workers.ForChunks(job.Blocks, 1, job, static (job, worker, start, end) =>
        {
            for (int block = start; block < end; block++)
                RunBlock(job, worker, (int)((long)job.Tiles.Count * block / job.Blocks), (int)((long)job.Tiles.Count * (block + 1) / job.Blocks));
        });
    }

    /// <summary>Transforms all weights, panel by panel.</summary>
    public static void Prepare(WinogradJob job, WorkerPool workers)
    {
        int groups = (job.Roles.InputChannels + RowGroup - 1) / RowGroup;
        workers.For(WinogradBlocking.Panels(job.Roles.OutputChannels) * groups, job, static (job, _, start, end) => TransformWeights(job, start, end));
    }

    private static Span<float> Weights(WinogradJob job) => job.Prepared.IsEmpty ? job.Shared : job.Prepared.Span;

    private static int PanelStride(WinogradJob job) => Products * job.Blocking.WeightStride;

    private static void TransformWeights(WinogradJob job, int start, int end)
    {
        WinogradRoles roles = job.Roles;
        int groups = (roles.InputChannels + RowGroup - 1) / RowGroup;
        (int oc, int ic) = roles.Backward ? (roles.InputChannels, roles.OutputChannels) : (roles.OutputChannels, roles.InputChannels);
        for (int item = start; item < end; item++)
        {
            int panel = item / groups, row = item % groups * RowGroup, column = panel * WinogradBlocking.Panel;
            int columns = Math.Min(WinogradBlocking.Panel, roles.OutputChannels - column);
            WinogradWeights<TForm>.Transform(
                oc, ic, roles.Backward, job.Weights.Span, row, Math.Min(RowGroup, roles.InputChannels - row), column, columns,
                Weights(job)[(panel * PanelStride(job) + row * columns)..], job.Blocking.WeightStride);
        }
    }

    private static void RunBlock(WinogradJob job, int worker, int first, int end)
    {
        WinogradRoles roles = job.Roles;
        WinogradBlocking blocking = job.Blocking;
        int count = end - first;
        if (count == 0)
            return;
        Span<float> rest = job.Slice(worker);
        Span<float> inputs = Take(ref rest, (Products + 1) * blocking.InputStride), v = inputs[blocking.InputStride..];
        Span<float> zeros = Take(ref rest, roles.InputChannels), discard = Take(ref rest, WinogradBlocking.Panel);
        zeros.Clear();
        WinogradTransforms<TForm>.Input(
            job.Tiles, roles.InputHeight, roles.InputWidth, roles.InputChannels, roles.PadTop, roles.PadLeft,
            job.Input.Span, first, count, zeros, v, blocking.InputRow, blocking.InputStride);
        for (int column = 0, panel = 0; column < roles.OutputChannels; column += WinogradBlocking.Panel, panel++)
        {
            int columns = Math.Min(WinogradBlocking.Panel, roles.OutputChannels - column);
            // The last panel's products take the place of inputs already used, one matrix further down: that saves the second-level
            // cache as much again.
            bool last = column + columns == roles.OutputChannels && columns <= roles.InputChannels;
            Span<float> p = last ? inputs : rest;
            int stride = last ? blocking.InputStride : blocking.OutputStride;
            ReadOnlySpan<float> u = Weights(job)[(panel * PanelStride(job))..];
            for (int product = 0; product < Products; product++)
            {
                for (int c = 0; c < roles.InputChannels; c += WinogradBlocking.ChannelPart)
                {
                    //                N = columns
                    //              ┌───────┐
                    //   K = channels   U   │      P [tiles, columns] (+)= V [tiles, channels] · U [channels, columns]
                    // ┌───────────┐├───────┤
                    // │     V     ││   P   │ M = tiles
                    // └───────────┘└───────┘
                    job.Multiply(
                        Transpose.No, count, columns, Math.Min(WinogradBlocking.ChannelPart, roles.InputChannels - c),
                        v[(product * blocking.InputStride + c)..], blocking.InputRow,
                        u[(product * blocking.WeightStride + c * columns)..], columns,
                        c == 0 ? 0 : 1, p[(product * stride)..], columns);
                }
            }

            WinogradTransforms<TForm>.Output(
                job.Tiles, roles.OutputHeight, roles.OutputWidth, roles.OutputChannels, column, columns, p, stride,
                first, count, job.Bias.Span, job.Relu, discard, job.Output.Span);
        }
    }

    private static Span<float> Take(ref Span<float> rest, int length)
    {
        Span<float> taken = rest[..length];
        rest = rest[length..];
        return taken;
    }
}
