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
        var height = Axis.Height(problem);
        var width = Axis.Width(problem, height);
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
            throw problem.Error(TokenOf(e.ParamName), e.Message);
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
        Axis height = HeightAxis, width = WidthAxis;
        bool square = height == width;
        var text = new StringBuilder();
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

        if (Groups != 1)
            Put("g", Groups);
        Put("mb", N);
        Put("ic", IC);
        PutPair("i", IH, IW, 0);
        Put("oc", OC);
        PutPair("o", OH, OW, 0);
        PutPair("k", KH, KW, 0);
        PutPair("s", StrideH, StrideW, 1);
        if (PadTop != height.EvenPad || PadLeft != width.EvenPad || PadTop != 0 || PadLeft != 0)
            PutPair("p", PadTop, PadLeft, -1);
        PutPair("d", DilationH - 1, DilationW - 1, 0);
        if (PadBottom != height.UsualPadHigh)
            Put("pb", PadBottom);
        if (PadRight != width.UsualPadHigh)
            Put("pr", PadRight);
        return text.Append(Layout == Layout.Nhwc ? "nhwc" : "").ToString();
    }

    private Axis HeightAxis => new(IH, OH, KH, StrideH, DilationH, PadTop, PadBottom);

    private Axis WidthAxis => new(IW, OW, KW, StrideW, DilationW, PadLeft, PadRight);

    private static string TokenOf(string? argument) => argument switch
    {
        "n" => "mb",
        "strideH" => "sh",
        "strideW" => "sw",
        "padTop" => "ph",
        "padLeft" => "pw",
        "padBottom" => "pb",
        "padRight" => "pr",
        "dilationH" => "dh",
        "dilationW" => "dw",
        "groups" => "g",
        _ => argument ?? "",
    };

    /// <summary>One direction. Output is null where the text leaves it to the geometry.</summary>
    private readonly record struct Axis(int Input, int? Output, int Kernel, int Stride, int Dilation, int PadLow, int PadHigh)
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

        public static Axis Height(ProblemString problem)
        {
            var axis = new Axis(
                problem.Get("ih"), problem.Has("oh") ? problem.Get("oh") : null, problem.Get("kh"),
                problem.Get("sh", 1), DilationFrom(problem, "dh", 0), 0, 0);
            return axis.WithPads(problem, "ph", null, "pb");
        }

        public static Axis Width(ProblemString problem, Axis height)
        {
            bool given = problem.Has("iw") || problem.Has("kw") || problem.Has("sw") || problem.Has("pw") || problem.Has("dw") || problem.Has("pr");
            int? output = problem.Has("ow") ? problem.Get("ow") : given ? null : height.Output;
            var axis = new Axis(
                problem.Get("iw", height.Input), output, problem.Get("kw", height.Kernel),
                problem.Get("sw", height.Stride), DilationFrom(problem, "dw", height.Dilation - 1), 0, 0);
            return axis.WithPads(problem, "pw", problem.Has("ph") ? problem.Get("ph") : null, "pr");
        }

        // benchdnn counts the elements left out between two kernel elements: 0 = dense.
        private static int DilationFrom(ProblemString problem, string token, int otherwise)
        {
            int gap = problem.Get(token, otherwise);
            return gap < int.MaxValue ? gap + 1 : throw problem.Error(token, $"expected at most {int.MaxValue - 1} after {token}; found {gap}");
        }

        private Axis WithPads(ProblemString problem, string lowToken, int? low, string highToken)
        {
            var axis = this with { PadLow = problem.Get(lowToken, low ?? EvenPad) };
            return axis with { PadHigh = problem.Get(highToken, axis.UsualPadHigh) };
        }
    }
}
