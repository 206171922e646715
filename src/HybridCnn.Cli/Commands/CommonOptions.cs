using System.CommandLine;

namespace HybridCnn.Cli.Commands;

/// <summary>Options that several commands share, each with its check.</summary>
internal static class CommonOptions
{
    public static Option<string> DataDirectory() => new("--data-dir")
    {
        Description = "Folder with the data set's files: the originals, packed or not; a folder per class for image-folder; train.npz and test.npz (or .safetensors) for arrays.",
        HelpName = "dir",
    };

    public static Option<int> Threads() => WholeNumber("--threads", "Number of threads; 0 = as many processors as this process may use.", 0, 0, 64);

    public static Option<string> BlasCore() => new("--blas-core")
    {
        Description = "OpenBLAS kernels: auto = those of this processor, even where OPENBLAS_CORETYPE says otherwise; "
            + "or a name that OpenBLAS knows, such as Haswell or SkylakeX.",
        HelpName = "auto|name",
    };

    public static Option<bool> Recompute() => new("--recompute") { Description = "Compute the activations inside blocks again in the backward pass instead of keeping them: less memory, more time, the same bits." };

    public static Option<bool> Json() => new("--json") { Description = "One JSON object per line on standard output, nothing else." };

    public static Option<int> Limit() => WholeNumber("--limit", "Use at most this many training and this many test images; 0 = all.", 0, 0, int.MaxValue);

    public static Option<int> WholeNumber(string name, string description, int value, int lowest, int highest)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value, HelpName = "n" };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, out int number) && number >= lowest && number <= highest)
                return number;
            result.AddError($"{name} {text}: expected a whole number {(highest == int.MaxValue ? $"of at least {lowest}" : $"from {lowest} to {highest}")}.");
            return value;
        };
        return option;
    }

    public static Option<ulong> Seed()
    {
        var option = new Option<ulong>("--seed") { Description = "Seed of initial weights and order of images. Same seed and threads, same bits.", DefaultValueFactory = _ => 1, HelpName = "n" };
        option.CustomParser = result =>
        {
            if (ulong.TryParse(result.Tokens[0].Value, out ulong seed))
                return seed;
            result.AddError($"--seed {result.Tokens[0].Value}: expected a whole number from 0 to {ulong.MaxValue}.");
            return 0;
        };
        return option;
    }

    public static Option<float> Number(string name, string description, float value, float lowest, float below)
    {
        var option = new Option<float>(name) { Description = description, DefaultValueFactory = _ => value, HelpName = "x" };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (float.TryParse(text, out float number) && number >= lowest && number < below)
                return number;
            result.AddError($"{name} {text}: expected a number {(float.IsPositiveInfinity(below) ? $"of at least {lowest}" : $"from {lowest} to below {below}")}.");
            return value;
        };
        return option;
    }

    public static Option<string> Choice(string name, string description, string value, params string[] choices)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => value, HelpName = string.Join('|', choices) };
        option.CompletionSources.Add(choices);
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (choices.Contains(text))
                return text;
            result.AddError($"{name} {text}: expected {string.Join(", ", choices[..^1])} or {choices[^1]}.");
            return value;
        };
        return option;
    }
}
