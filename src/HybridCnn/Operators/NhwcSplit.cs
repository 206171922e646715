using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// How a gradient is divided among workers: into slices of the input channels of a group, which share nothing, or into parts of the images
/// and pixels.
/// </summary>
/// <param name="Channels">Input channels of a group.</param>
/// <param name="Slices">Into how many slices they are cut.</param>
internal readonly record struct NhwcSplit(int Channels, int Slices)
{
    // Narrower slices would leave vectors and the GEMM's panels half empty.
    private const int NarrowestSlice = 16;

    // Slices begin at a multiple of this.
    private const int Unit = 4;

    /// <summary>The widest slice.</summary>
    public int Widest
    {
        get
        {
            int widest = 0;
            for (int slice = 0; slice < Slices; slice++)
                widest = Math.Max(widest, this[slice].Channels);
            return widest;
        }
    }

    /// <summary>First channel of a slice within the group, and how many it has.</summary>
    public (int First, int Channels) this[int slice]
    {
        get
        {
            int units = (Channels + Unit - 1) / Unit;
            int first = (int)((long)units * slice / Slices) * Unit, end = (int)((long)units * (slice + 1) / Slices) * Unit;
            return (first, Math.Min(end, Channels) - first);
        }
    }

    /// <summary>For dWeights: one slice per worker, or all channels in one where the pixels are to be divided.</summary>
    public static NhwcSplit ForWeights(in Conv2dDims dims, int workers)
    {
        // A slice per worker reads dY as often as there are workers; a part of the pixels writes and adds dWeights once more.
        bool slices = dims.ICPerGroup >= workers * NarrowestSlice && dims.WeightsCount * 4 > dims.YCount;
        return new(dims.ICPerGroup, slices ? workers : 1);
    }

    /// <summary>The fewest slices with which images · slices keep the workers about evenly busy.</summary>
    public static NhwcSplit WithImages(int channels, int images, int workers)
    {
        int best = 1;
        double bestTime = double.MaxValue;
        for (int slices = 1; slices <= workers && slices * NarrowestSlice <= Math.Max(channels, NarrowestSlice); slices++)
        {
            long items = (long)images * slices;
            double time = (double)((items + workers - 1) / workers) / slices;
            if (time < bestTime * 0.95)
                (best, bestTime) = (slices, time);
        }

        return new(channels, best);
    }
}
