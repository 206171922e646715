using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Display;

/// <summary>An evaluation as tables of text, or as one line of JSON.</summary>
internal static class EvaluationText
{
    public static void Write(TextWriter output, string weights, Evaluation e)
    {
        int correct = Enumerable.Range(0, e.Classes).Sum(k => e.Confusion[k, k]);
        output.WriteLine($"{weights} on {e.Data.Name}: accuracy {e.Accuracy * 100:0.00} % ({correct:#,0} of {e.Data.Count:#,0} test images), loss {RunText.Loss(e.Loss)}");
        output.WriteLine();
        int name = Math.Max(5, e.Data.ClassNames.Max(n => n.Length));
        output.WriteLine($"{"class".PadRight(name)}   images     found     right");
        for (int k = 0; k < e.Classes; k++)
            output.WriteLine($"{e.Data.ClassNames[k].PadRight(name)}{e.CountOf(k),9}{Percent(e.Confusion[k, k], e.CountOf(k))}{Percent(e.Confusion[k, k], e.AnswersOf(k))}");
        output.WriteLine();
        output.WriteLine("found = share of a class that was recognised; right = share of an answer that was correct");
        output.WriteLine();

        int cell = Math.Max(5, e.Data.Count.ToString().Length + 1);
        output.WriteLine($"{"true".PadRight(name)} | predicted");
        output.WriteLine($"{"".PadRight(name)} |{string.Concat(e.Data.ClassNames.Select(n => Short(n, cell - 1).PadLeft(cell)))}");
        output.WriteLine($"{new string('-', name)}-+{new string('-', e.Classes * cell)}");
        for (int k = 0; k < e.Classes; k++)
        {
            string row = string.Concat(Enumerable.Range(0, e.Classes).Select(j => (e.Confusion[k, j] is > 0 and var n ? $"{n}" : ".").PadLeft(cell)));
            output.WriteLine($"{e.Data.ClassNames[k].PadRight(name)} |{row}");
        }
    }

    public static void WriteJson(TextWriter output, string weights, Evaluation e) => JsonLines.Write(output, json =>
    {
        json.WriteString("event", "evaluation");
        json.WriteString("weights", weights);
        json.WriteString("data", e.Data.Name);
        json.WriteNumber("images", e.Data.Count);
        json.WriteNumber("accuracy", e.Accuracy);
        json.WriteNumber("loss", e.Loss);
        json.WriteStartArray("classes");
        foreach (string name in e.Data.ClassNames)
            json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteStartArray("confusion");
        for (int k = 0; k < e.Classes; k++)
        {
            json.WriteStartArray();
            for (int j = 0; j < e.Classes; j++)
                json.WriteNumberValue(e.Confusion[k, j]);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    });

    private static string Percent(int part, int whole) => whole == 0 ? "         –" : $"{100.0 * part / whole,8:0.0} %";

    private static string Short(string text, int length) => text.Length <= length ? text : text[..length];
}
