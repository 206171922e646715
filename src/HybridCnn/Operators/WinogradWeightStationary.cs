using HybridCnn.Compute;
using HybridCnn.Kernels;

namespace HybridCnn.Operators;

/// <summary>
/// The form for few tiles and many channels, where the transformed weights are larger than everything else: the inputs of many
/// tiles are transformed first; then workers take panels of output channels, and transform a part of a panel's weights
/// in their cache just before it is multiplied, unless they were transformed before the pass.
/// </summary>
internal static class WinogradWeightStationary<TForm>
    where TForm : struct, IWinogradForm
{
    // From more tiles on, inputs come from the last-level cache, and fetching the next rows between multiplications is worth up to 1.15 times the speed of
    // OpenBLAS on two threads, 1.08 times on one. With fewer they don't, and it costs up to 5 %.
    private const int FewTiles = 64;

    private static int Products => TForm.Inputs * TForm.Inputs;

    public static void Run(WinogradJob job, WorkerPool workers)
    {
        job.Blocks = (job.Tiles.Count + job.Blocking.Tiles - 1) / job.Blocking.Tiles;
        for (int block = 0; block < job.Blocks; block++)
        {
            job.Take(block);
            workers.For(job.Count, job, static (job, worker, start, end) => TransformInput(job, worker, start, end - start));
            // Panel by panel, in each tile by tile: every worker gets an equal run of this.
            workers.For(checked(WinogradBlocking.Panels(job.Roles.OutputChannels) * job.Count), job, static (job, worker, start, end) =>
            {
                for (int next; start < end; start = next)
                {
                    int panel = start / job.Count;
                    next = Math.Min(end, (panel + 1) * job.Count);
                    RunPanel(job, worker, panel, start - panel * job.Count, next - start);
                }
            });
        }
    }

    private static void TransformInput(WinogradJob job, int worker, int first, int count)
    {
        WinogradRoles roles = job.Roles;
        Span<float> zeros = job.Slice(worker)[..roles.InputChannels];
        zeros.Clear();
        WinogradTransforms<TForm>.Input(
            job.Tiles, roles.InputHeight, roles.InputWidth, roles.InputChannels, roles.PadTop, roles.PadLeft,
            job.Input.Span, job.First + first, count, zeros, job.Shared[(first * job.Blocking.InputRow)..], job.Blocking.InputRow, job.Blocking.InputStride);
    }

    private static void RunPanel(WinogradJob job, int worker, int panel, int first, int count)
    {
        WinogradRoles roles = job.Roles;
        WinogradBlocking blocking = job.Blocking;
        int column = panel * WinogradBlocking.Panel, columns = Math.Min(WinogradBlocking.Panel, roles.OutputChannels - column);
        (int oc, int ic) = roles.Backward ? (roles.InputChannels, roles.OutputChannels) : (roles.OutputChannels, roles.InputChannels);
        ReadOnlySpan<float> v = job.Shared[(first * job.Blocking.InputRow)..];
        Span<float> slice = job.Slice(worker);
        Span<float> u = slice[..(Products * blocking.WeightStride)];
        Span<float> p = slice.Slice(u.Length, Products * blocking.OutputStride);
        for (int c = 0; c < roles.InputChannels; c += blocking.Part)
        {
            int channels = Math.Min(blocking.Part, roles.InputChannels - c);
            ReadOnlySpan<float> part = u;
            int stride = blocking.WeightStride;
            if (job.Prepared.IsEmpty)
            {
                WinogradWeights<TForm>.Transform(oc, ic, roles.Backward, job.Weights.Span, c, channels, column, columns, u, stride);
            }
            else
            {
                stride = WinogradBlocking.PreparedStride(roles.InputChannels);
                part = job.Prepared.Span[(panel * Products * stride + c * columns)..];
            }

            for (int product = 0; product < Products; product++)
            {
                //                N = columns
                //              ┌───────┐
                //   K = channels   U   │      P [tiles, columns] (+)= V [tiles, channels] · U [channels, columns]
                // ┌───────────┐├───────┤
                // │     V     ││   P   │ M = tiles
                // └───────────┘└───────┘
                ReadOnlySpan<float> inputs = v[(product * blocking.InputStride + c)..], weights = part[(product * stride)..];
                Span<float> outputs = p[(product * blocking.OutputStride)..];
                if (count > FewTiles && PatchProducts.FillsRegisters(columns))
                {
                    PanelProducts.Rows(
                        inputs, blocking.InputRow, count, channels, weights, c != 0, outputs, product + 1 < Products ? inputs[blocking.InputStride..] : []);
                }
                else
                {
                    job.Multiply(Transpose.No, count, columns, channels, inputs, blocking.InputRow, weights, columns, c == 0 ? 0 : 1, outputs, columns);
                }
            }
        }

        WinogradTransforms<TForm>.Output(
            job.Tiles, roles.OutputHeight, roles.OutputWidth, roles.OutputChannels, column, columns, p, blocking.OutputStride,
            job.First + first, count, job.Bias.Span, job.Relu, slice[(u.Length + p.Length)..], job.Output.Span);
    }
}
