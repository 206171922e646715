using System.CommandLine;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Runs;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn summary</c>.</summary>
internal static class SummaryCommand
{
    public static Command Create()
    {
        var model = new ModelOptions();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("summary", "Describes a network: shapes, parameters, operations, memory and algorithm of every layer.");
        model.AddTo(command);
        command.Add(json);
        command.SetAction(parsed =>
        {
            (string name, Network network, Shape input, _) = model.Read(parsed, batch: 1);
            try
            {
                network.Bind(input);
            }
            catch (Exception e) when (e is ArgumentException or OverflowException)
            {
                throw UserErrorException.BadUsage($"--input {SummaryText.Extents(input)}: {(e is ArgumentException refused ? Networks.InOneLine(refused) : e.Message)}", "Choose fewer or smaller images.");
            }

            NetworkSummary summary = network.Summarize();
            if (parsed.GetValue(json))
                SummaryText.WriteJson(name, summary);
            else
                SummaryText.Write(name, summary);
            return ExitCode.Ok;
        });
        return command;
    }
}
