using System.Globalization;

namespace HybridCnn.Data;

/// <summary>
/// How people write the digits: several ways for each, as the points that the pen passes. Points are in percent of a box,
/// x to the right, y down. The pen runs smoothly through the points; "|" is a corner without lifting the pen, "/" lifts it.
/// </summary>
internal static class DigitStrokes
{
    private static readonly string[][] Written =
    [
        [
            "56,2 30,12 18,48 30,90 52,99 76,82 82,44 70,10 48,3", // oval, closed with a small overlap
            "64,10 40,4 20,32 20,72 42,98 70,86 80,48 66,12 46,2", // begun inside
            "48,0 30,22 26,60 38,95 58,98 72,66 72,28 54,2", // narrow
            "70,16 52,2 26,16 14,52 28,92 58,98 84,70 84,32 62,6 40,12 34,20", // wide, with a curl at the end
        ],
        [
            "50,0 50,32 50,66 50,100", // a line
            "56,0 52,34 48,68 46,100", // leaning
            "30,24 42,14 54,0 | 54,0 54,50 53,100", // with a flag
            "28,28 42,17 55,0 | 55,0 55,50 54,98 / 28,99 54,98 80,97", // with flag and foot
            "40,8 52,0 | 52,0 53,50 50,100", // with a short flag
        ],
        [
            "18,26 28,7 52,0 76,14 74,38 50,66 14,97 | 14,97 48,95 86,96", // straight foot
            "20,22 34,4 62,2 78,22 66,48 42,78 22,96 12,88 24,79 46,88 66,97 90,90", // looped foot
            "16,14 44,0 74,10 74,36 48,68 18,99 | 18,99 50,98 82,99", // flat head
            "22,30 30,8 54,0 76,16 70,44 44,74 16,94 | 16,94 36,88 60,97 88,88", // wavy foot
        ],
        [
            "20,14 42,0 70,8 72,30 44,46 | 44,46 74,56 80,78 52,99 18,88", // two bows meeting in a point
            "18,4 46,3 76,3 | 76,3 58,22 42,40 | 42,40 72,48 82,72 56,98 18,91", // flat head
            "22,12 46,0 70,14 64,36 42,46 34,49 42,52 70,58 78,80 50,100 16,86", // small loop in the middle
            "16,18 40,1 68,10 66,34 40,47 | 40,47 70,52 76,76 56,97 30,99 12,92", // larger below
        ],
        [
            "32,2 24,28 14,56 | 14,56 50,57 88,53 / 68,22 65,60 62,100", // open, two strokes
            "62,0 38,32 12,64 | 12,64 50,65 90,63 / 63,2 63,50 62,100", // closed
            "20,4 16,32 26,52 52,54 72,42 / 78,0 73,48 68,100", // round, open
            "24,3 20,28 22,50 | 22,50 50,52 78,48 / 76,4 74,50 72,100", // square, open
            "68,2 40,32 10,66 | 10,66 48,68 92,62 / 70,2 68,50 66,100", // closed, slanting bar
        ],
        [
            "78,3 52,3 30,4 | 30,4 28,22 25,43 | 25,43 54,36 80,58 72,88 44,100 15,90", // one stroke
            "34,5 30,24 26,44 | 26,44 56,38 78,60 68,90 40,99 16,88 / 34,6 56,4 84,1", // bar drawn last
            "76,2 46,4 30,14 28,36 50,46 74,60 72,88 46,100 18,92", // like an S
            "80,4 54,6 32,4 | 32,4 26,40 | 26,40 46,42 70,54 70,80 48,97 20,96", // flat bow
        ],
        [
            "70,2 44,16 24,44 20,76 40,98 68,92 78,72 62,54 38,58 22,76", // long stem
            "56,0 36,30 22,64 32,94 58,99 74,80 64,60 40,62 26,80", // straight stem
            "76,12 60,2 36,18 20,54 24,88 50,100 74,86 74,62 52,52 26,68", // hooked head
            "48,0 30,38 24,74 42,98 66,94 72,76 56,66 32,76", // small bow
        ],
        [
            "14,5 46,4 82,3 | 82,3 60,42 42,100", // plain
            "14,6 46,5 82,3 | 82,3 60,44 44,100 / 34,52 54,50 76,47", // crossed
            "15,22 16,5 | 16,5 48,6 80,4 | 80,4 64,36 50,66 46,100", // with a serif
            "12,14 28,2 52,8 82,2 | 82,2 62,34 50,66 48,100", // wavy head
            "16,16 22,3 | 22,3 52,4 80,6 | 80,6 66,40 38,98 / 36,46 58,45 74,48", // serif, crossed
        ],
        [
            "72,16 52,0 28,10 30,32 54,48 76,70 66,95 40,99 22,82 34,58 60,40 74,18", // begun top right, crossing
            "52,48 30,34 28,12 50,0 72,12 70,34 52,48 26,64 22,88 50,100 78,88 74,64 50,48", // two rings
            "76,8 50,2 30,16 40,38 66,58 76,80 54,99 28,92 26,70 48,50 68,30 72,20", // open at the top
            "46,2 28,16 38,38 64,56 74,80 50,99 24,84 34,60 62,40 70,16 52,2", // begun at the top
        ],
        [
            "74,20 54,2 28,12 24,36 44,48 66,36 75,14 | 75,14 72,56 66,100", // straight stem
            "72,22 52,2 28,14 24,36 44,48 66,38 74,16 76,52 64,90 38,99 20,90", // round tail
            "70,26 58,4 32,8 24,32 42,46 66,30 | 66,30 70,8 | 70,8 66,50 56,99", // angular
            "76,8 52,2 28,18 28,42 52,46 74,22 70,54 54,82 40,100", // one stroke, slanting tail
        ],
    ];

    private static readonly DigitForm[][] Parsed = [.. Written.Select(forms => (DigitForm[])[.. forms.Select(Parse)])];

    /// <summary>The ways to write a digit.</summary>
    public static ReadOnlySpan<DigitForm> Of(int digit) => Parsed[digit];

    private static DigitForm Parse(string form)
    {
        var points = new List<(float X, float Y)>();
        var kinds = new List<DigitPoint>();
        DigitPoint kind = DigitPoint.Start;
        foreach (string token in form.Split(' '))
        {
            if (token is "|" or "/")
            {
                kind = token == "|" ? DigitPoint.Corner : DigitPoint.Start;
                continue;
            }

            string[] xy = token.Split(',');
            points.Add((int.Parse(xy[0], CultureInfo.InvariantCulture) / 100f, int.Parse(xy[1], CultureInfo.InvariantCulture) / 100f));
            kinds.Add(kind);
            kind = DigitPoint.Through;
        }

        return new DigitForm([.. points], [.. kinds]);
    }
}

/// <summary>How the pen comes to a point.</summary>
internal enum DigitPoint
{
    /// <summary>Put down here.</summary>
    Start,

    /// <summary>Along the curve.</summary>
    Through,

    /// <summary>The same point as the one before: the direction changes here.</summary>
    Corner,
}

/// <summary>One way to write a digit.</summary>
/// <param name="Points">In a box of 1 by 1, y down.</param>
/// <param name="Kinds">One per point.</param>
internal sealed record DigitForm((float X, float Y)[] Points, DigitPoint[] Kinds);
