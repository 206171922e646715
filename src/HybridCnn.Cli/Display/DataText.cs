using System.Security.Cryptography;
using HybridCnn.Data;

namespace HybridCnn.Cli.Display;

/// <summary>A data set in figures.</summary>
internal static class DataText
{
    public static void Write(TextWriter output, ImageDataset train, ImageDataset test)
    {
        output.WriteLine($"{train.Name}: {train.Count:#,0} training and {test.Count:#,0} test images, {train.Channels}x{train.Height}x{train.Width}, {train.ClassNames.Count} classes");
        output.WriteLine();
        output.WriteLine("channel       mean  deviation   (of pixel / 255, over the training images)");
        for (int c = 0; c < train.Channels; c++)
            output.WriteLine($"{ChannelName(train.Channels, c),-7}{train.Mean[c],11:0.0000}{train.Deviation[c],11:0.0000}");
        output.WriteLine();
        int widest = Math.Max(5, train.ClassNames.Max(n => n.Length));
        output.WriteLine($"{"class".PadRight(widest)}{"training",11}{"test",9}");
        (int[] inTrain, int[] inTest) = (Counts(train), Counts(test));
        for (int k = 0; k < inTrain.Length; k++)
            output.WriteLine($"{train.ClassNames[k].PadRight(widest)}{inTrain[k],11:#,0}{inTest[k],9:#,0}");
    }

    public static void WriteJson(TextWriter output, ImageDataset train, ImageDataset test) => JsonLines.Write(output, json =>
    {
        json.WriteString("event", "stats");
        json.WriteString("name", train.Name);
        json.WriteNumber("channels", train.Channels);
        json.WriteNumber("height", train.Height);
        json.WriteNumber("width", train.Width);
        json.WriteStartArray("mean");
        foreach (float mean in train.Mean)
            json.WriteNumberValue(mean);
        json.WriteEndArray();
        json.WriteStartArray("deviation");
        foreach (float deviation in train.Deviation)
            json.WriteNumberValue(deviation);
        json.WriteEndArray();
        (int[] inTrain, int[] inTest) = (Counts(train), Counts(test));
        json.WriteStartArray("classes");
        for (int k = 0; k < inTrain.Length; k++)
        {
            json.WriteStartObject();
            json.WriteString("name", train.ClassNames[k]);
            json.WriteNumber("train", inTrain[k]);
            json.WriteNumber("test", inTest[k]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("train_sha256", Hash(train));
        json.WriteString("test_sha256", Hash(test));
    });

    private static string ChannelName(int channels, int channel) => channels switch
    {
        1 => "grey",
        3 => ((string[])["red", "green", "blue"])[channel],
        _ => $"{channel}",
    };

    private static int[] Counts(ImageDataset data)
    {
        var counts = new int[data.ClassNames.Count];
        for (int i = 0; i < data.Count; i++)
            counts[data.Label(i)]++;
        return counts;
    }

    // Of every image's pixels [C, H, W] in order, as training sees them before normalization: what a set is, however it was stored.
    private static string Hash(ImageDataset data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < data.Count; i++)
            hash.AppendData(data.Image(i));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
