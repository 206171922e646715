using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace HybridCnn.Tensors;

public readonly partial record struct Conv2dDims
{
    private const int BenchdnnBatch = 2;

    private static readonly string[] Tokens =
        ["g", "mb", "ic", "ih", "iw", "oc", "oh", "ow", "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw", "pb", "pr"];

    /// <summary>
    /// Reads a problem string of oneDNN's benchdnn. <c>ic ih oc kh</c> must be there; <c>mb</c> is 2 unless given, as in benchdnn;
    /// <c>g</c> and the strides are 1, <c>dh</c> and <c>dw</c> 0 (no dilation). A width token that is missing takes its height
    /// twin's value, except that <c>ow</c> follows from the geometry as soon as another width token is given.
    /// Without <c>oh</c>, both pads are <c>ph</c> (0 unless given). With <c>oh</c> and without <c>ph</c>, the pads share equally what
    /// <c>oh</c> needs. The bottom pad is <c>ph</c> where that gives <c>oh</c>, else the least that does. Extensions:
    /// <c>pb</c> and <c>pr</c> set bottom and right pads, <c>nhwc</c> the layout. A name (<c>n"conv1"</c>) is read over.
    /// </summary>
    /// <exception cref="FormatException">The message points at the position and says what was expected.</exception>
    public static Conv2dDims Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var problem = ProblemString.Read(text, Tokens);
        var height = ProblemAxis.Height(problem);
        var width = ProblemAxis.Width(problem, height);
        Conv2dDims dims;
        try
        {
            dims = Create(
                problem.Get("mb", BenchdnnBatch), problem.Get("ic"), height.Input, width.Input, problem.Get("oc"), height.Kernel, width.Kernel,
                height.Stride, width.Stride, height.PadLow, width.PadLow, height.PadHigh, width.PadHigh,
                height.Dilation, width.Dilation, problem.Get("g", 1), problem.Layout);
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
    public static bool TryParse([NotNullWhen(true)] string? text, out Conv2dDims dims)
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
        if (Groups != 1)
            text.Append(CultureInfo.InvariantCulture, $"g{Groups}");
        text.Append(CultureInfo.InvariantCulture, $"mb{N}ic{IC}");
        ProblemAxis.Print(
            text, new(IH, OH, KH, StrideH, DilationH, PadTop, PadBottom), new(IW, OW, KW, StrideW, DilationW, PadLeft, PadRight),
            string.Create(CultureInfo.InvariantCulture, $"oc{OC}"));
        return text.Append(Layout == Layout.Nhwc ? "nhwc" : "").ToString();
    }
}
