using System.Text;

namespace HybridCnn.TorchSharp;

/// <summary>What became of one module.</summary>
/// <param name="Name">Its path in the model, as PyTorch names it: "layer1.0.conv1".</param>
/// <param name="Type">Its type, "Conv2d".</param>
/// <param name="Swapped">Whether the engine computes it now.</param>
/// <param name="Remark">Why it was left, or what else happened; empty if there is nothing to say.</param>
public sealed record SwapEntry(string Name, string Type, bool Swapped, string Remark);

/// <summary>What <see cref="ModelExtensions.UseHybridCnn"/> did, module by module. As a text, a line for each.</summary>
/// <param name="Entries">All modules without others inside them, in the model's order.</param>
/// <param name="Threads">What the engine computes on: "2 threads, PyTorch's", or why it has its own.</param>
public sealed record SwapReport(IReadOnlyList<SwapEntry> Entries, string Threads)
{
    /// <summary>How many modules the engine computes now.</summary>
    public int Swapped => Entries.Count(entry => entry.Swapped);

    /// <summary>Convolutions, max poolings and batch normalizations that it does not, each with the reason.</summary>
    public IEnumerable<SwapEntry> Refused => Entries.Where(entry => !entry.Swapped && ModuleSwap.Names.Contains(entry.Type));

    /// <summary>"layer1.0.conv1  Conv2d  swapped", a line for each, and a last one that counts.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        int name = Entries.Select(entry => entry.Name.Length).DefaultIfEmpty(0).Max(), type = Entries.Select(entry => entry.Type.Length).DefaultIfEmpty(0).Max();
        foreach (SwapEntry entry in Entries)
            text.AppendLine($"{entry.Name.PadRight(name)}  {entry.Type.PadRight(type)}  {(entry.Swapped ? "swapped" : "left")}{(entry.Remark.Length > 0 ? ": " : "")}{entry.Remark}");
        return text.Append($"{Swapped} of {Entries.Count} modules swapped, {Refused.Count()} could not be; on {Threads}").ToString();
    }
}
