using System.CommandLine;
using HybridCnn.Cli;
using HybridCnn.Cli.Commands;

var root = new RootCommand("Trains convolutional networks on CPUs. Without further words, 'hybridcnn train' trains LeNet on digits that it draws itself.")
{
    TrainCommand.Create(),
    EvalCommand.Create(),
    PredictCommand.Create(),
    ReportCommand.Create(),
    ExportCommand.Create(),
    SummaryCommand.Create(),
    TimeCommand.Create(),
    DataCommand.Create(),
    DoctorCommand.Create(),
    // "hybridcnn [diagram] train --epochs 3" says how the words are understood, and runs nothing.
    new DiagramDirective(),
};
HelpText.Extend(root);
return ErrorReport.Run(root, args is [] ? ["--help"] : args);
