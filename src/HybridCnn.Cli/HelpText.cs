using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace HybridCnn.Cli;

/// <summary>What <c>--help</c> says after the options: examples, exit codes, environment variables.</summary>
internal static class HelpText
{
    public static void Extend(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new TeachingHelp(new HelpAction { MaxWidth = 110 });
    }

    private sealed class TeachingHelp(HelpAction options) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            options.Invoke(parseResult);
            if (After(parseResult.CommandResult.Command) is { } text)
                parseResult.InvocationConfiguration.Output.WriteLine(text);
            return ExitCode.Ok;
        }
    }

    private static string? After(Command command) => command switch
    {
        RootCommand => $"{RootExamples}\n\n{Json}\n\n{ExitCodes}\n\n{Environment}",
        { Name: "train" } => $"{TrainExamples}\n\n{ExitCodes}\n\n{Environment}",
        { Name: "eval" } => EvalExamples,
        { Name: "predict" } => PredictExamples,
        { Name: "report" } => ReportExamples,
        { Name: "export" } => ExportExamples,
        { Name: "data" or "download" or "verify" or "stats" } => DataExamples,
        _ => null,
    };

    private const string RootExamples = """
        Examples:
          hybridcnn train                                    LeNet on drawn digits; report and weights under runs/
          hybridcnn eval runs/NAME/weights.safetensors       accuracy and confusion matrix of saved weights
          hybridcnn predict runs/NAME/weights.safetensors photo.png
          hybridcnn report runs/*                            compares runs on one page
          hybridcnn export runs/NAME --out w.npz             weights for other tools
          hybridcnn data download mnist                      fetches a data set and checks it
          hybridcnn summary resnet18                         shapes, parameters, operations and memory of every layer
          hybridcnn time resnet18 --batch 8                  where a training step spends its time
          hybridcnn doctor                                   which BLAS, how fast, how many threads, and why
        """;

    private const string TrainExamples = """
        Examples:
          hybridcnn train
              Everything at its default: LeNet on 12,000 drawn digits.
          hybridcnn train --data mnist --data-dir ~/mnist --epochs 10
              The four original MNIST files (train-images-idx3-ubyte and so on), .gz or not.
          hybridcnn train --data cifar10 --data-dir ~/cifar --model vgg-cifar --epochs 20 --augment crop,flip,cutout
              The binary version of CIFAR-10: its files, .gz or not, or cifar-10-binary.tar.gz. 'hybridcnn data download cifar10' gets it.
              Every epoch shows each image cut out at another place, mirrored or not, with a grey square in it.
          hybridcnn train --data image-folder --data-dir ~/pets --image-size 64 --augment flip,rotate=10 --skip-bad
              PNG, JPEG and others in a folder per class: ~/pets/cat/1.jpg. With folders train and test the classes lie in those;
              else a fifth of each class is kept for testing (--test-share). All pictures are decoded once, into memory.
          hybridcnn train --data arrays --data-dir ~/mine
              train.npz and test.npz (or .safetensors) with images [N, C, H, W] and labels [N]; or one file: --data-dir all.npz
              with train_images, train_labels, test_images and test_labels, or x_train and so on.
          hybridcnn train --model lenet5 --lr 0.01 --schedule constant --out runs/first
              Another network, another learning rate, a run folder by name.
          hybridcnn train --model vgg-cifar --epochs 20 --weight-decay 5e-4 --nesterov --warmup 1 --label-smoothing 0.1
              What image classifiers are usually trained with: the learning rate rises for one epoch, then falls along a cosine.
          hybridcnn train --optimizer adamw --weight-decay 0.05 --clip-norm 1 --ema 0.999
              AdamW, gradients kept at norm 1, and the average of the weights tested and saved.
          hybridcnn train --epochs 30 --schedule multistep --milestones 15,25 --gamma 0.1
              The learning rate falls to a tenth after epochs 15 and 25.
          hybridcnn train --epochs 20 --tensorboard
              'tensorboard --logdir runs' draws loss, accuracy, learning rate, images/s and data wait while it runs.
          hybridcnn train --epochs 100 --checkpoint-every 500 --out runs/long --resume auto
              For a script that is started again after a crash or at night: begins the run, or goes on from its latest checkpoint.
          hybridcnn train --resume runs/long
              Goes on where it was broken off. What is not given is as the run was begun.
          hybridcnn train --resume runs/long/checkpoints/step-00001500.safetensors
              Goes on from that step in a new folder.
          hybridcnn train --data cifar10 --data-dir ~/cifar --model resnet20 --recompute
              Keeps no activations inside the blocks, and computes them again in the backward pass: less memory, the same bits.
          hybridcnn train --epochs 100 --early-stop 10
              Ends when 10 epochs in a row were no better; checkpoints/best.safetensors is the best one.
          hybridcnn train --data image-folder --data-dir ~/pets --image-size 32 --model resnet9 --init runs/cifar/weights.safetensors
              Starts from other weights; those of the last layer don't fit other classes, and are drawn anew.
          hybridcnn train --json | jq -c 'select(.event == "epoch")'
              One JSON object per line on standard output, for programs.

        Files in the run folder:
          run.json             settings, machine and result
          metrics.csv, .jsonl  one row per epoch, written as each epoch ends
          weights.safetensors  the weights, and all that eval and predict need beside them
          checkpoints/         step-*.safetensors, the latest few, and best.safetensors; each serves as weights too
          report.html          curves, confusion matrix, worst mistakes, learned filters, speed, memory; one file, opens anywhere
          events.out.tfevents* with --tensorboard, for TensorBoard

        Ctrl-C ends the training after the batch at hand and saves weights, report and a checkpoint to go on from; a second
        Ctrl-C ends it at once. After any end, --resume goes on from the latest checkpoint, bit for bit.
        """;

    private const string EvalExamples = """
        Examples:
          hybridcnn eval runs/NAME/weights.safetensors
              Tests on the data set that the weights were trained on (mnist and fashion-mnist need --data-dir).
          hybridcnn eval weights.safetensors --data mnist --data-dir ~/mnist
        """;

    private const string ReportExamples = """
        Examples:
          hybridcnn report runs/first runs/second
              Curves over epochs and over time, results, and the settings that differ, in comparison.html; a table here.
          hybridcnn report runs/* --out all.html --json | jq '.runs[] | {name, best_test_accuracy}'
        """;

    private const string ExportExamples = """
        Examples:
          hybridcnn export runs/NAME --out weights.npz
              The weights of a run for NumPy; of its latest checkpoint where the run has not ended.
          hybridcnn export runs/NAME/checkpoints/best.safetensors --out best.safetensors
              The weights alone: half a checkpoint or less. With --ema they are the averages, unless --average no asks for the others.
        """;

    private const string Json = """
        For programs:
          --json makes every command print one JSON object per line on standard output, and nothing else. Each has an "event":
          train: start, epoch, end     eval: evaluation     predict: prediction     report: report     export: export     doctor: doctor
          data download, data verify: file     data stats: stats     summary: summary     time: time
          any command that fails: error, with exit_code, message, try
        """;

    private const string DataExamples = """
        Examples:
          hybridcnn data download cifar10 --data-dir ~/cifar
              Into NAME.part first; run again after a break, it goes on where it was. The name comes when the SHA-256 is right.
          hybridcnn data download mnist --mirror http://files.example/mnist
              From another place: the URL before the files' names.
          hybridcnn data verify cifar10 --data-dir ~/cifar
              right, wrong or missing for each file, packed or not; exit code 2 unless all are right.
          hybridcnn data stats image-folder --data-dir ~/pets --image-size 64 --sheet pets.png
              Images per class, mean and deviation per channel, and a picture with the first images of every class.
        """;

    private const string PredictExamples = """
        Examples:
          hybridcnn predict weights.safetensors seven.png
          hybridcnn predict weights.safetensors *.png --invert yes --json

        Images may have any size and colour; they are made grey and scaled to the network's input. The networks learn
        bright strokes on a dark ground, so a dark drawing on a bright ground is inverted, with a note (--invert auto).
        """;

    private const string ExitCodes = """
        Exit codes:
          0  done
          1  the command line, or a setting in the environment, cannot be carried out
          2  a file is missing, damaged, or not what the command needs
          3  training diverged: the loss is no longer a number
          4  interrupted by Ctrl-C or SIGTERM; weights, report and a checkpoint are saved
        """;

    private const string Environment = """
        Environment:
          HYBRIDCNN_NUM_THREADS    threads, where --threads does not say
          HYBRIDCNN_BLAS           openblas, portable (our own, slow), or the path of an OpenBLAS library
          HYBRIDCNN_BLAS_CORETYPE  as --blas-core, which overrides it
          OPENBLAS_CORETYPE        OpenBLAS's own pin to a processor's kernels; --blas-core overrides it
          HYBRIDCNN_TUNE_CACHE     file with what --tune measured; unset: hybridcnn/tuning.json in your folder for caches
          NO_COLOR                 no colours
          CI                       plain lines instead of a moving progress display
          HYBRIDCNN_DEBUG=1        errors with their stack trace
        """;
}
