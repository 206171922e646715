using System.CommandLine;
using HybridCnn.Cli;

var root = new RootCommand("Trains convolutional networks on CPUs. Without further words, 'hybridcnn train' trains LeNet on digits that it draws itself.");
HelpText.Extend(root);
return ErrorReport.Run(root, args is [] ? ["--help"] : args);
