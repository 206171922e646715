using HybridCnn.Compute;
using HybridCnn.Kernels;

namespace HybridCnn.Operators;

/// <summary>
/// The gradient of the weights as <see cref="WinogradGradient{TForm}"/> has it, for few weights and many tiles: every worker sums
/// a dU of its own over its tiles, and no transformed tile crosses from one core to another. The sums of the workers are
/// added in their order at the end.
/// </summary>
internal static class WinogradPrivateGradient<TForm>
    where TForm : struct, IWinogradForm
{
    private static int Products => TForm.Inputs * TForm.Inputs;

    public static void Run(WinogradJob job, WorkerPool workers)
    {
        int parts = (job.Tiles.Count + job.Blocking.Tiles - 1) / job.Blocking.Tiles;
        // A multiple of the number of workers: equal shares, and none without a block.
        job.Blocks = (parts + workers.WorkerCount - 1) / workers.WorkerCount * workers.WorkerCount;
        workers.For(job.Blocks, job, static (job, worker, start, end) =>
        {
            for (int block = start; block < end; block++)
            {
                int first = (int)((long)job.Tiles.Count * block / job.Blocks);
                RunBlock(job, worker, first, (int)((long)job.Tiles.Count * (block + 1) / job.Blocks) - first, block == start);
            }
        });
        for (int worker = 0; worker < workers.WorkerCount && !job.Bias.IsEmpty; worker++)
            Sums.Add(new Parts(job, worker).TotalSums, job.Bias.Span);
        job.Count = workers.WorkerCount;
        int groups = (job.Roles.InputChannels + WinogradBlocking.GradientRows - 1) / WinogradBlocking.GradientRows;
        workers.For(WinogradBlocking.Panels(job.Roles.OutputChannels) * groups, job, static (job, _, start, end) =>
        {
            int groups = (job.Roles.InputChannels + WinogradBlocking.GradientRows - 1) / WinogradBlocking.GradientRows;
            for (int item = start; item < end; item++)
                Finish(job, item / groups, item % groups * WinogradBlocking.GradientRows);
        });
    }

    private static void RunBlock(WinogradJob job, int worker, int first, int count, bool isFirst)
    {
        WinogradRoles roles = job.Roles;
        WinogradBlocking blocking = job.Blocking;
        var parts = new Parts(job, worker);
        parts.Zeros.Clear();
        if (isFirst)
            parts.TotalSums.Clear();
        WinogradTransforms<TForm>.Input(
            job.Tiles, roles.InputHeight, roles.InputWidth, roles.InputChannels, roles.PadTop, roles.PadLeft,
            job.Input.Span, first, count, parts.Zeros, parts.V, blocking.InputRow, blocking.InputStride);
        for (int column = 0, panel = 0; column < roles.OutputChannels; column += WinogradBlocking.Panel, panel++)
        {
            int columns = Math.Min(WinogradBlocking.Panel, roles.OutputChannels - column);
            WinogradTransforms<TForm>.OutputAdjoint(
                job.Tiles, roles.OutputHeight, roles.OutputWidth, roles.OutputChannels, column, columns,
                job.Output.Span, first, count, parts.Zeros, parts.Z, blocking.OutputStride, parts.BlockSums.Slice(column, columns));
            Span<float> du = parts.Gradient[(panel * Products * blocking.WeightStride)..];
            for (int product = 0; product < Products; product++)
            {
                //            N = columns
                //          ┌───────┐
                // K = tiles│   Z   │      dU [IC, columns] (+)= Vᵀ [IC, tiles] · Z [tiles, columns]
                // ┌───────┐├───────┤
                // │  Vᵀ   ││  dU   │ M = IC
                // └───────┘└───────┘
                job.Multiply(
                    Transpose.Yes, roles.InputChannels, columns, count, parts.V[(product * blocking.InputStride)..], blocking.InputRow,
                    parts.Z[(product * blocking.OutputStride)..], columns, isFirst ? 0 : 1, du[(product * blocking.WeightStride)..], columns);
            }
        }

        Sums.Add(parts.BlockSums, parts.TotalSums);
    }

    private static void Finish(WinogradJob job, int panel, int row)
    {
        WinogradRoles roles = job.Roles;
        int stride = job.Blocking.WeightStride, column = panel * WinogradBlocking.Panel;
        int rows = Math.Min(WinogradBlocking.GradientRows, roles.InputChannels - row), columns = Math.Min(WinogradBlocking.Panel, roles.OutputChannels - column);
        int first = panel * Products * stride + row * columns;
        Span<float> total = new Parts(job, 0).Gradient[first..];
        for (int worker = 1; worker < job.Count; worker++)
        {
            ReadOnlySpan<float> part = new Parts(job, worker).Gradient[first..];
            for (int product = 0; product < Products; product++)
                Sums.Add(part.Slice(product * stride, rows * columns), total.Slice(product * stride, rows * columns));
        }

        WinogradWeights<TForm>.AddAdjoint(roles.OutputChannels, roles.InputChannels, row, rows, column, columns, total, stride, job.Weights.Span);
    }

    // A worker's slice: dU | sums of dY in all blocks | in one block | transformed x | transformed dY of a panel | zeros.
    private readonly ref struct Parts
    {
        public Parts(WinogradJob job, int worker)
        {
            int channels = job.Roles.OutputChannels;
            int gradient = WinogradBlocking.Panels(channels) * Products * job.Blocking.WeightStride;
            int v = Products * job.Blocking.InputStride, z = Products * job.Blocking.OutputStride;
            Span<float> rest = job.Slice(worker);
            Gradient = Take(ref rest, gradient);
            TotalSums = Take(ref rest, channels);
            BlockSums = Take(ref rest, channels);
            V = Take(ref rest, v);
            Z = Take(ref rest, z);
            Zeros = rest[..Math.Max(job.Roles.InputChannels, WinogradBlocking.Panel)];
        }

        public Span<float> Gradient { get; }

        public Span<float> TotalSums { get; }

        public Span<float> BlockSums { get; }

        public Span<float> V { get; }

        public Span<float> Z { get; }

        public Span<float> Zeros { get; }

        private static Span<float> Take(scoped ref Span<float> rest, int length)
        {
            Span<float> taken = rest[..length];
            rest = rest[length..];
            return taken;
        }
    }
}
