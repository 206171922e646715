using System.Globalization;

namespace HybridCnn.Tensors;

/// <summary>
/// Takes apart a problem string as oneDNN's benchdnn writes it: <c>ic64ih56oc64oh56kh3ph1n"res2a"</c>, each token letters and a
/// whole number, <c>_</c> between them allowed, a name in quotes last. One extension: the flag <c>nhwc</c>.
/// </summary>
internal sealed class ProblemString
{
    private readonly Dictionary<string, (int Value, int Position)> _values = [];

    private ProblemString(string text) => Text = text;

    public string Text { get; }

    /// <summary>What stood in quotes after <c>n</c>, or null.</summary>
    public string? Name { get; private set; }

    public Layout Layout { get; private set; }

    /// <exception cref="FormatException">Not a sequence of the given tokens, each at most once; the message points at the place.</exception>
    public static ProblemString Read(string text, ReadOnlySpan<string> tokens)
    {
        var problem = new ProblemString(text);
        int at = 0;
        while (at < text.Length)
        {
            if (text[at] == '_')
                at++;
            else if (text.AsSpan(at).StartsWith("n\"", StringComparison.Ordinal))
                at = problem.ReadName(at);
            else if (text.AsSpan(at).StartsWith("nhwc", StringComparison.Ordinal))
                at = problem.ReadLayout(at);
            else
                at = problem.ReadValue(at, tokens);
        }

        return problem;
    }

    public bool Has(string token) => _values.ContainsKey(token);

    public int Get(string token) =>
        _values.TryGetValue(token, out var found) ? found.Value : throw Error(Text.Length, $"expected {token} and a number somewhere before the end");

    public int Get(string token, int otherwise) => _values.TryGetValue(token, out var found) ? found.Value : otherwise;

    /// <summary>An exception that points at a token, or at the end where the token is missing.</summary>
    public FormatException Error(string token, string message) =>
        Error(_values.TryGetValue(token, out var found) ? found.Position : Text.Length, message);

    /// <summary>The token that sets an argument of a Create method.</summary>
    public static string TokenOf(string? argument) => argument switch
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
        "c" => "ic",
        "ceilMode" => "ceil",
        _ => argument ?? "",
    };

    private FormatException Error(int position, string message) => new($"\"{Text}\" at position {position}: {message}.");

    private int ReadName(int start)
    {
        int close = Text.IndexOf('"', start + 2);
        if (close < 0)
            throw Error(start, "expected a closing quote after the name");
        if (close != Text.Length - 1)
            throw Error(close + 1, $"expected the end after the name; found '{Text[close + 1]}'");
        Name = Text[(start + 2)..close];
        return Text.Length;
    }

    private int ReadLayout(int start)
    {
        if (Layout == Layout.Nhwc)
            throw Error(start, "nhwc stands here twice");
        Layout = Layout.Nhwc;
        return start + 4;
    }

    private int ReadValue(int start, ReadOnlySpan<string> tokens)
    {
        int digits = start;
        while (digits < Text.Length && char.IsAsciiLetterLower(Text[digits]))
            digits++;
        string token = Text[start..digits];
        if (!tokens.Contains(token))
            throw Error(start, $"expected one of {string.Join(' ', tokens.ToArray())}; found {(token.Length > 0 ? $"\"{token}\"" : $"'{Text[start]}'")}");

        int end = digits;
        while (end < Text.Length && char.IsAsciiDigit(Text[end]))
            end++;
        if (end == digits)
            throw Error(digits, $"expected a whole number after {token}; found {(end < Text.Length ? $"'{Text[end]}'" : "the end")}");
        if (!int.TryParse(Text.AsSpan(digits, end - digits), NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            throw Error(digits, $"expected at most {int.MaxValue} after {token}; found {Text[digits..end]}");
        if (!_values.TryAdd(token, (value, start)))
            throw Error(start, $"{token} stands here twice, first at position {_values[token].Position}");
        return end;
    }
}
