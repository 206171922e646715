namespace HybridCnn.Kernels;

/// <summary>The two inputs that an output is between along one side, and their shares; the same input twice where it isn't between any.</summary>
internal readonly record struct Interpolation(int First, int Second, float FirstShare, float SecondShare)
{
    /// <summary>
    /// For every output. Pixels are squares: output o lies at (o + ½)·inputs/outputs − ½, but not before input 0 or behind the last (PyTorch, align_corners = false). Without
    /// <paramref name="isBilinear"/> input ⌊o·inputs/outputs⌋ alone.
    /// </summary>
    public static Interpolation[] Along(int inputs, int outputs, bool isBilinear)
    {
        var result = new Interpolation[outputs];
        for (int output = 0; output < outputs; output++)
        {
            double place = isBilinear ? Math.Max(0, (output + 0.5) * inputs / outputs - 0.5) : (int)((long)output * inputs / outputs);
            int first = Math.Min(inputs - 1, (int)place), second = Math.Min(inputs - 1, first + 1);
            float share = second == first ? 0 : (float)(place - first);
            result[output] = new(first, share == 0 ? first : second, 1 - share, share);
        }

        return result;
    }
}
