using HybridCnn.IO;

namespace HybridCnn.Data;

/// <summary>What loading a data set has to say: parts that are missing, images that are bad. One per data set.</summary>
public sealed class LoadReport
{
    private readonly List<string> _notes = [];
    private readonly List<DataFormatException> _bad = [];

    /// <summary>Whether bad images are left out and listed; otherwise the first is an error.</summary>
    public bool SkipBad { get; init; }

    /// <summary>What the user should know although the data set can be used: "data_batch_3 to 5 are missing".</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>An error for every image that was left out, naming its file.</summary>
    public IReadOnlyList<DataFormatException> Bad => _bad;

    internal void Note(string note) => _notes.Add(note);

    /// <exception cref="DataFormatException">The given one, unless bad images are left out.</exception>
    internal void AddBad(DataFormatException error)
    {
        if (!SkipBad)
            throw error;
        _bad.Add(error);
    }
}
