using System.Text.Json;

namespace HybridCnn.Cli.Runs;

/// <summary>JSON as flat text: {"recipe": {"momentum": 0.9}, "batch": 64} becomes recipe.momentum = 0.9, batch = 64.</summary>
internal static class JsonLeaves
{
    /// <summary>The leaves by name. Null is what a setting is without being set, as is absence: it is left out.</summary>
    public static Dictionary<string, string> Of(JsonElement element)
    {
        var values = new Dictionary<string, string>();
        Add("", element);
        return values;

        void Add(string prefix, JsonElement parent)
        {
            foreach (JsonProperty field in parent.EnumerateObject())
            {
                string name = prefix + field.Name;
                if (field.Value.ValueKind == JsonValueKind.Object)
                    Add(name + ".", field.Value);
                else if (field.Value.ValueKind == JsonValueKind.Array)
                    values[name] = string.Join(", ", field.Value.EnumerateArray().Select(item => item.ToString()));
                else if (field.Value.ValueKind is JsonValueKind.True or JsonValueKind.False)
                    values[name] = field.Value.GetBoolean() ? "yes" : "no";
                else if (field.Value.ValueKind != JsonValueKind.Null)
                    values[name] = field.Value.ToString();
            }
        }
    }
}
