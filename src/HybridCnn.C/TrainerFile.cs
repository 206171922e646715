using System.Globalization;
using HybridCnn.IO;
using HybridCnn.Tensors;

namespace HybridCnn.C;

/// <summary>Brings together what a caller says of a network and what its file of weights says.</summary>
internal static unsafe class TrainerFile
{
    /// <exception cref="ArgumentException">Neither says it, or they disagree.</exception>
    /// <exception cref="DataFormatException">The file is missing or damaged, or leaves to the caller what he left to it.</exception>
    public static ModelDescription Describe(in TrainerOptions options)
    {
        string? model = Arguments.Text(options.Model), weights = Arguments.Text(options.Weights);
        AtLeast(0, options.Channels, "channels");
        AtLeast(0, options.Height, "height");
        AtLeast(0, options.Width, "width");
        AtLeast(0, options.Classes, "classes");
        bool whole = model is not null && options.Channels > 0 && options.Height > 0 && options.Width > 0 && options.Classes > 0;
        if (weights is not null && FromFile(weights, whole) is { } found)
        {
            Agree("model", model ?? found.Model, found.Model, weights);
            Agree("channels", options.Channels, found.ImageShape[0], weights);
            Agree("height", options.Height, found.ImageShape[1], weights);
            Agree("width", options.Width, found.ImageShape[2], weights);
            Agree("classes", options.Classes, found.ClassNames.Count, weights);
            return found;
        }

        if (model is null)
            throw new ArgumentException("options->model is null, and there is no file of weights that would say it.");
        AtLeast(1, options.Channels, "channels");
        AtLeast(1, options.Height, "height");
        AtLeast(1, options.Width, "width");
        AtLeast(1, options.Classes, "classes");
        float[] zeros = new float[options.Channels], ones = new float[options.Channels];
        ones.AsSpan().Fill(1);
        string[] names = [.. Enumerable.Range(0, options.Classes).Select(k => k.ToString(CultureInfo.InvariantCulture))];
        return new ModelDescription(model, names, new Shape(options.Channels, options.Height, options.Width), zeros, ones);
    }

    // Another tool's file has no description, and is taken where the caller says everything.
    private static ModelDescription? FromFile(string weights, bool whole)
    {
        try
        {
            return Weights.Describe(weights);
        }
        catch (DataFormatException) when (whole && File.Exists(weights))
        {
            return null;
        }
    }

    private static void Agree(string name, string given, string found, string file)
    {
        if (!given.Equals(found, StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"options->{name} is {given}, but {file} holds {found}.");
    }

    private static void Agree(string name, int given, int found, string file)
    {
        if (given != 0 && given != found)
            throw new ArgumentException($"options->{name} is {given}, but {file} holds {found}.");
    }

    private static void AtLeast(int minimum, int value, string name)
    {
        if (value < minimum)
            throw new ArgumentException($"options->{name} is {value}; it must be at least {minimum}.");
    }
}
