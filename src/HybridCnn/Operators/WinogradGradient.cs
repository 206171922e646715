using HybridCnn.Compute;
using HybridCnn.Kernels;

namespace HybridCnn.Operators;

/// <summary>
/// The gradient of the weights, by the adjoint of the forward pass: with V = Bᵀ d B and Z = A dY Aᵀ of every tile,
/// dU = Σ over tiles of Vᵀ Z, one product of matrices for each of the Inputs² products, and dW += Gᵀ dU G. All workers
/// transform a block of tiles; then each takes rows (input channels) and panels (output channels) of dU, so that no two
/// write to the same weights and nothing is left to be summed.
/// </summary>
internal static class WinogradGradient<TForm>
    where TForm : struct, IWinogradForm
{
    // Rows that are the unit of work.
    private const int RowGroup = 16;

    private static int Products => TForm.Inputs * TForm.Inputs;

    public static void Run(WinogradJob job, WorkerPool workers)
    {
        int groups = (job.Roles.InputChannels + RowGroup - 1) / RowGroup, panels = WinogradBlocking.Panels(job.Roles.OutputChannels);
        job.Blocks = (job.Tiles.Count + job.Blocking.Tiles - 1) / job.Blocking.Tiles;
        for (int block = 0; block < job.Blocks; block++)
        {
            job.Take(block);
            // Not every worker need get tiles.
            for (int worker = 0; worker < workers.WorkerCount; worker++)
                Sums(job, worker).Clear();
            workers.For(job.Count, job, static (job, worker, start, end) => Transform(job, worker, start, end - start));
            for (int worker = 0; worker < workers.WorkerCount && !job.Bias.IsEmpty; worker++)
                Kernels.Sums.Add(Sums(job, worker), job.Bias.Span);
            workers.For(panels * groups, job, static (job, worker, start, end) =>
            {
                int groups = (job.Roles.InputChannels + RowGroup - 1) / RowGroup;
                for (int next; start < end; start = next)
                {
                    int panel = start / groups, row = (start - panel * groups) * RowGroup;
                    next = Math.Min(Math.Min(end, (panel + 1) * groups), start + WinogradBlocking.GradientRows / RowGroup);
                    int rows = Math.Min((next - start) * RowGroup, job.Roles.InputChannels - row);
                    RunPanel(job, worker, panel, row, rows);
                }
            });
        }
    }

    private static Span<float> Sums(WinogradJob job, int worker) => job.Slice(worker)[^job.Roles.OutputChannels..];

    private static Span<float> PanelOf(WinogradJob job, int panel) =>
        job.Shared.Slice(Products * (job.Blocking.InputStride + panel * job.Blocking.OutputStride), Products * job.Blocking.OutputStride);

    private static void Transform(WinogradJob job, int worker, int first, int count)
    {
        WinogradRoles roles = job.Roles;
        Span<float> zeros = job.Slice(worker)[..Math.Max(roles.InputChannels, WinogradBlocking.Panel)];
        zeros.Clear();
        WinogradTransforms<TForm>.Input(
            job.Tiles, roles.InputHeight, roles.InputWidth, roles.InputChannels, roles.PadTop, roles.PadLeft,
            job.Input.Span, job.First + first, count, zeros, job.Shared[(first * job.Blocking.InputRow)..], job.Blocking.InputRow, job.Blocking.InputStride);
        for (int column = 0, panel = 0; column < roles.OutputChannels; column += WinogradBlocking.Panel, panel++)
        {
            int columns = Math.Min(WinogradBlocking.Panel, roles.OutputChannels - column);
            WinogradTransforms<TForm>.OutputAdjoint(
                job.Tiles, roles.OutputHeight, roles.OutputWidth, roles.OutputChannels, column, columns,
                job.Output.Span, job.First + first, count, zeros, PanelOf(job, panel)[(first * columns)..], job.Blocking.OutputStride,
                Sums(job, worker).Slice(column, columns));
        }
    }

    private static void RunPanel(WinogradJob job, int worker, int panel, int row, int rows)
    {
        WinogradRoles roles = job.Roles;
        WinogradBlocking blocking = job.Blocking;
        int column = panel * WinogradBlocking.Panel, columns = Math.Min(WinogradBlocking.Panel, roles.OutputChannels - column);
        ReadOnlySpan<float> v = job.Shared[row..], z = PanelOf(job, panel);
        Span<float> du = job.Slice(worker)[..(Products * blocking.WeightStride)];
        for (int product = 0; product < Products; product++)
        {
            //            N = columns
            //          ┌───────┐
            // K = tiles│   Z   │      dU [rows, columns] = Vᵀ [rows, tiles] · Z [tiles, columns]
            // ┌───────┐├───────┤
            // │  Vᵀ   ││  dU   │ M = rows
            // └───────┘└───────┘
            job.Multiply(
                Transpose.Yes, rows, columns, job.Count, v[(product * blocking.InputStride)..], blocking.InputRow,
                z[(product * blocking.OutputStride)..], columns, 0, du[(product * blocking.WeightStride)..], columns);
        }

        WinogradWeights<TForm>.AddAdjoint(
            roles.OutputChannels, roles.InputChannels, row, rows, column, columns, du, blocking.WeightStride, job.Weights.Span);
    }
}
