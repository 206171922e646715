using System.CommandLine;
using HybridCnn.Cli.Diagnosis;
using HybridCnn.Cli.Display;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn doctor</c>.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        Option<int> threads = CommonOptions.Threads();
        Option<string> blasCore = CommonOptions.BlasCore();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("doctor", "Which BLAS serves and why, how fast it is, whether it is right when threads call it at once.") { threads, blasCore, json };
        command.SetAction(parsed =>
        {
            Examination examination = Examination.Run(parsed.GetValue(threads), parsed.GetValue(blasCore));
            if (parsed.GetValue(json))
                ExaminationText.WriteJson(examination);
            else
                ExaminationText.Write(examination);
            return examination.Findings.Any(finding => finding.IsFailure) ? ExitCode.Usage : ExitCode.Ok;
        });
        return command;
    }
}
