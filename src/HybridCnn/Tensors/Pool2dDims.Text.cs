using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace HybridCnn.Tensors;

public readonly partial record struct Pool2dDims
{
    private const int BenchdnnBatch = 2;

    private static readonly string[] s_tokens =
        ["mb", "ic", "ih", "iw", "oh", "ow", "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw", "pb", "pr", "ceil"];

    /// <summary>
    /// Reads a problem string of oneDNN's benchdnn: <c>mb2ic3ih8oh4kh2sh2ph0</c>. <c>ic ih kh</c> must be there; what is left
    /// out follows as in <see cref="Conv2dDims.Parse"/>. Extensions: <c>pb</c> and <c>pr</c> set bottom and right pads,
    /// <c>ceil1</c> rounds the output up (then the pads are even unless given), <c>nhwc</c> is the layout.
    /// </summary>
    /// <exception cref="FormatException">The message points at the position and says what was expected.</exception>
    public static Pool2dDims Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var problem = ProblemString.Read(text, s_tokens);
        var height = ProblemAxis.Height(problem);
        var width = ProblemAxis.Width(problem, height);
        bool ceilMode = problem.Get("ceil", 0) switch
        {
            0 => false,
            1 => true,
            int other => throw problem.Error("ceil", $"expected ceil0 or ceil1; found ceil{other}"),
        };
        Pool2dDims dims;
        try
        {
            dims = Create(
                problem.Get("mb", BenchdnnBatch), problem.Get("ic"), height.Input, width.Input, height.Kernel, width.Kernel,
                height.Stride, width.Stride, height.PadLow, width.PadLow,
                ceilMode ? problem.Get("pb", height.PadLow) : height.PadHigh, ceilMode ? problem.Get("pr", width.PadLow) : width.PadHigh,
                height.Dilation, width.Dilation, ceilMode, problem.Layout);
        }
        catch (ArgumentException e)
        {
            throw problem.Error(ProblemString.TokenOf(e.ParamName), e.Message);
        }

        if (height.Output is { } oh && oh != dims.OH)
            throw problem.Error("oh", $"expected oh{dims.OH}, which follows from the other values; found oh{oh}");
        if (width.Output is { } ow && ow != dims.OW)
            throw problem.Error(problem.Has("ow") ? "ow" : "oh", $"expected ow{dims.OW}, which follows from the other values; found ow{ow}");
        return dims;
    }

    /// <summary>Like <see cref="Parse"/>, without the exception.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Pool2dDims dims)
    {
        dims = default;
        if (text is null)
            return false;
        try
        {
            dims = Parse(text);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>The problem string, as short as <see cref="Parse"/> can read back to an equal value.</summary>
    public override string ToString()
    {
        if (N == 0)
            return "(no dims)";
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"mb{N}ic{C}");
        // In ceil mode the output doesn't tell the pads, so it is left out, and the second pad is the first unless written.
        ProblemAxis.Print(
            text,
            new(IH, CeilMode ? null : OH, KH, StrideH, DilationH, PadTop, PadBottom),
            new(IW, CeilMode ? null : OW, KW, StrideW, DilationW, PadLeft, PadRight), "");
        return text.Append(CeilMode ? "ceil1" : "").Append(Layout == Layout.Nhwc ? "nhwc" : "").ToString();
    }
}
