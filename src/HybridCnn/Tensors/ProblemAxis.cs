using System.Globalization;
using System.Text;

namespace HybridCnn.Tensors;

/// <summary>One direction of a problem string. Output is null where the text leaves it to the geometry.</summary>
internal readonly record struct ProblemAxis(int Input, int? Output, int Kernel, int Stride, int Dilation, int PadLow, int PadHigh)
{
    /// <summary>Zeros that Output needs, both sides together; negative where the input has a border to spare.</summary>
    private long PadsNeeded => Output is { } output
        ? (output - 1L) * Stride + (Kernel - 1L) * Dilation + 1 - Input
        : 0;

    /// <summary>The first pad where the text gives none.</summary>
    public int EvenPad => (int)Math.Clamp(PadsNeeded / 2, 0, int.MaxValue);

    /// <summary>The second pad where the text gives none.</summary>
    public int UsualPadHigh
    {
        get
        {
            if (Output is null)
                return PadLow;
            long least = PadsNeeded - PadLow;
            return PadLow >= least && PadLow < least + Stride ? PadLow : (int)Math.Clamp(least, 0, int.MaxValue);
        }
    }

    public static ProblemAxis Height(ProblemString problem)
    {
        var axis = new ProblemAxis(
            problem.Get("ih"), problem.Has("oh") ? problem.Get("oh") : null, problem.Get("kh"),
            problem.Get("sh", 1), DilationFrom(problem, "dh", 0), 0, 0);
        return axis.WithPads(problem, "ph", null, "pb");
    }

    public static ProblemAxis Width(ProblemString problem, ProblemAxis height)
    {
        bool given = problem.Has("iw") || problem.Has("kw") || problem.Has("sw") || problem.Has("pw") || problem.Has("dw") || problem.Has("pr");
        int? output = problem.Has("ow") ? problem.Get("ow") : given ? null : height.Output;
        var axis = new ProblemAxis(
            problem.Get("iw", height.Input), output, problem.Get("kw", height.Kernel),
            problem.Get("sw", height.Stride), DilationFrom(problem, "dw", height.Dilation - 1), 0, 0);
        return axis.WithPads(problem, "pw", problem.Has("ph") ? problem.Get("ph") : null, "pr");
    }

    /// <summary>Writes both directions as short as they can be read back; <paramref name="middle"/> stands between inputs and outputs.</summary>
    public static void Print(StringBuilder text, ProblemAxis height, ProblemAxis width, string middle)
    {
        bool square = height == width;
        void Put(string token, int value) => text.Append(CultureInfo.InvariantCulture, $"{token}{value}");
        void PutPair(string token, int h, int w, int standard)
        {
            if (h != standard || w != standard)
            {
                Put(token + "h", h);
                if (!square)
                    Put(token + "w", w);
            }
        }

        PutPair("i", height.Input, width.Input, 0);
        text.Append(middle);
        PutPair("o", height.Output ?? 0, width.Output ?? 0, 0);
        PutPair("k", height.Kernel, width.Kernel, 0);
        PutPair("s", height.Stride, width.Stride, 1);
        if (height.PadLow != height.EvenPad || width.PadLow != width.EvenPad || height.PadLow != 0 || width.PadLow != 0)
            PutPair("p", height.PadLow, width.PadLow, -1);
        PutPair("d", height.Dilation - 1, width.Dilation - 1, 0);
        if (height.PadHigh != height.UsualPadHigh)
            Put("pb", height.PadHigh);
        if (width.PadHigh != width.UsualPadHigh)
            Put("pr", width.PadHigh);
    }

    // benchdnn counts the elements left out between two kernel elements: 0 = dense.
    private static int DilationFrom(ProblemString problem, string token, int otherwise)
    {
        int gap = problem.Get(token, otherwise);
        return gap < int.MaxValue ? gap + 1 : throw problem.Error(token, $"expected at most {int.MaxValue - 1} after {token}; found {gap}");
    }

    private ProblemAxis WithPads(ProblemString problem, string lowToken, int? low, string highToken)
    {
        var axis = this with { PadLow = problem.Get(lowToken, low ?? EvenPad) };
        return axis with { PadHigh = problem.Get(highToken, axis.UsualPadHigh) };
    }
}
