using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using HybridCnn.IO;

namespace HybridCnn.Cli;

/// <summary>Turns everything that can go wrong into two lines on standard error and an exit code.</summary>
internal static class ErrorReport
{
    /// <summary>Set to 1, errors come with their stack trace.</summary>
    public const string DebugVariable = "HYBRIDCNN_DEBUG";

    public static int Run(RootCommand root, string[] arguments)
    {
        ParseResult parsed = root.Parse(arguments);
        bool json = arguments.Contains("--json");
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction)
        {
            Print(new(ExitCode.Usage, parsed.Errors[0].Message, $"{Suggestion(parsed)}Run '{CommandPath(parsed)} --help' for what it takes."), json);
            return ExitCode.Usage;
        }

        try
        {
            return parsed.Invoke(new() { EnableDefaultExceptionHandler = false });
        }
        catch (UserErrorException error)
        {
            Print(error, json);
            return error.Code;
        }
        catch (DataFormatException error)
        {
            Print(UserErrorException.BadData(error.Message, "Check the path, or get the file again.", error), json);
            return ExitCode.Data;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Print(UserErrorException.BadData(error.Message, "Check that there is room on the disk and that the folder may be written to.", error), json);
            return ExitCode.Data;
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // The catch-all of the process: whatever the library did not foresee still ends as a message, not as a stack trace.
            Print(new(ExitCode.Internal, $"{fault.GetType().Name}: {FirstLine(fault.Message)}",
                $"This is a fault of hybridcnn. {DebugVariable}=1 shows where it happened; please report that.", fault), json);
            return ExitCode.Internal;
        }
    }

    private static void Print(UserErrorException error, bool json)
    {
        if (json)
            Display.JsonLines.WriteError(Console.Out, error);
        Console.Error.WriteLine($"error: {FirstLine(error.Message)}");
        Console.Error.WriteLine($"  try: {error.WhatToDo}");
        if (Environment.GetEnvironmentVariable(DebugVariable) == "1")
            Console.Error.WriteLine(error.InnerException ?? error);
    }

    private static string FirstLine(string text) => text.ReplaceLineEndings(" ");

    /// <summary>"Did you mean --epochs? " when an unknown word is close to a known one.</summary>
    private static string Suggestion(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        IEnumerable<string> known = command.Options.Concat(parsed.RootCommandResult.Command.Options).Select(o => o.Name)
            .Concat(command.Subcommands.Select(c => c.Name));
        foreach (string word in parsed.UnmatchedTokens)
        {
            var nearest = known.Select(name => (name, distance: Distance(word, name))).MinBy(pair => pair.distance);
            if (nearest.name is not null && nearest.distance <= Math.Max(1, nearest.name.Length / 3))
                return $"Did you mean {nearest.name}? ";
        }

        return "";
    }

    private static string CommandPath(ParseResult parsed) =>
        string.Join(' ', Ancestry(parsed.CommandResult).Reverse());

    private static IEnumerable<string> Ancestry(CommandResult? command)
    {
        for (; command is not null; command = command.Parent as CommandResult)
            yield return command.Command is RootCommand ? "hybridcnn" : command.Command.Name;
    }

    /// <summary>Edits from one word to the other (Levenshtein, 1965).</summary>
    private static int Distance(string from, string to)
    {
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (from[i - 1] == to[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
