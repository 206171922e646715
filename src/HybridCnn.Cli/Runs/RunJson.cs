using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace HybridCnn.Cli.Runs;

/// <summary>Source-generated serializers, so that trimming and ahead-of-time compilation keep working.</summary>
[JsonSerializable(typeof(RunRecord))]
[JsonSerializable(typeof(EpochMetrics))]
[JsonSerializable(typeof(RunProgress))]
[JsonSerializable(typeof(IReadOnlyList<RunResume>))]
internal sealed partial class RunJson : JsonSerializerContext
{
    /// <summary>For files that people read.</summary>
    public static RunJson Readable { get; } = new(With(indented: true));

    /// <summary>For one object per line.</summary>
    public static RunJson Lines { get; } = new(With(indented: false));

    // Relaxed: neither the files nor the lines go into a web page, so quotes and umlauts stay readable.
    private static JsonSerializerOptions With(bool indented) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = indented,
        // A test loss may be no number although the training loss still is one.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };
}
