using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace HybridCnn.Cli.Display;

/// <summary>What <c>--json</c> prints: one object per line, each with an "event".</summary>
internal static class JsonLines
{
    public static void WriteError(TextWriter output, UserErrorException error) => Write(output, json =>
    {
        json.WriteString("event", "error");
        json.WriteNumber("exit_code", error.Code);
        json.WriteString("message", error.Message);
        json.WriteString("try", error.WhatToDo);
    });

    /// <summary>Writes one object as one line.</summary>
    public static void Write(TextWriter output, Action<Utf8JsonWriter> fields)
    {
        using var buffer = new MemoryStream();
        // Relaxed: the lines go to programs and terminals, never into a web page, so quotes and umlauts stay readable.
        using (var json = new Utf8JsonWriter(buffer, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
        output.Flush();
    }
}
