using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>`peak-memory`, which `versus --memory` starts once for everybody: makes some training steps and prints the most memory that was resident, in bytes.</summary>
internal static class PeakMemoryCommand
{
    public const string Name = "peak-memory", Ours = "ours";

    // By the second step both sides have all their memory; the peer's allocator needs a few more to settle.
    private const int Steps = 5;

    public static Command Create()
    {
        var who = new Argument<string>("who") { Description = $"\"{Ours}\" or the name of a peer." };
        var network = new Argument<string>("network") { Description = "As of --net." };
        var batch = new Argument<int>("batch") { Description = "Images." };
        var threads = new Argument<int>("threads") { Description = "As many." };
        var command = new Command(Name, "Prints the peak of resident memory of a training step, in bytes.") { who, network, batch, threads };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            string name = parsed.GetRequiredValue(network);
            int images = parsed.GetRequiredValue(batch), count = parsed.GetRequiredValue(threads);
            if (parsed.GetRequiredValue(who) == Ours)
                TrainOurs(name, images, count);
            else
                TrainPeer(name, images, count, Torch.Variants.Single(variant => variant.Name == parsed.GetRequiredValue(who)).ChannelsLast);
            Console.WriteLine(Process.GetCurrentProcess().PeakWorkingSet64.ToString(CultureInfo.InvariantCulture));
            return 0;
        });
        return command;
    }

    private static void TrainOurs(string network, int batch, int threads)
    {
        using var context = new ComputeContext(threads);
        var ours = new OurTraining(network, batch, context);
        for (int step = 0; step < Steps; step++)
            ours.Step();
    }

    // Nothing of ours but the random images and the rule.
    private static void TrainPeer(string network, int batch, int threads, bool channelsLast)
    {
        Torch.SetThreads(threads);
        (Tensors.Shape image, int classes) = Models.ModelCatalog.UsualImages(network);
        var random = new Tensors.SeededRandom(1);
        Tensors.Tensor images = ConvData.Filled(random, new Tensors.Shape(batch, image[0], image[1], image[2]));
        int[] labels = [.. Enumerable.Range(0, batch).Select(_ => random.NextInt(classes))];
        using var peer = new TorchTraining(network, images, labels, null, new SgdSettings(classes, 0.005f, 0.9f), channelsLast);
        for (int step = 0; step < Steps; step++)
            peer.Step();
    }
}
