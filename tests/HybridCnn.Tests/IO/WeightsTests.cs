using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.IO;

public sealed class WeightsTests : IDisposable
{
    private static readonly ModelDescription LeNet = new("lenet", ["T-shirt/top", "a, \"b\""], new Shape(1, 28, 28), [0.1307f], [0.3081f]);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Parameters_and_description_come_back()
    {
        NamedParameter[] saved = Network();
        foreach ((_, Parameter parameter) in saved)
            Fill(parameter, seed: 1);
        Weights.Save(_folder["w"], saved, LeNet);
        NamedParameter[] loaded = Network();
        Weights.Load(_folder["w"], loaded);
        for (int i = 0; i < saved.Length; i++)
            Assert.Equal(saved[i].Parameter.Value.Span, loaded[i].Parameter.Value.Span);
        ModelDescription description = Weights.Describe(_folder["w"]);
        Assert.Equal("lenet", description.Model);
        Assert.Equal(LeNet.ClassNames, description.ClassNames);
        Assert.Equal(LeNet.ImageShape, description.ImageShape);
        Assert.Equal(LeNet.Mean, description.Mean);
        Assert.Equal(LeNet.Deviation, description.Deviation);
    }

    [Fact]
    public void All_differences_are_in_one_message_and_nothing_is_changed()
    {
        Weights.Save(_folder["w"], Network(), LeNet);
        NamedParameter[] other =
        [
            new("0.weight", new Parameter("weight", new Shape(2, 3, 5, 5))), new("0.bias", new Parameter("bias", new Shape(2))),
            new("3.weight", new Parameter("weight", new Shape(4))),
        ];
        Fill(other[1].Parameter, seed: 2);
        float[] before = other[1].Parameter.Value.Span.ToArray();
        Assert.Equal(
            $"{_folder["w"]} holds the weights of another network: 0.weight is F32 [2, 1, 5, 5], the network has F32 [2, 3, 5, 5]; "
            + "3.weight [4] is missing; 2.weight is not in the network.",
            Assert.Throws<DataFormatException>(() => Weights.Load(_folder["w"], other)).Message);
        Assert.Equal(before, other[1].Parameter.Value.Span.ToArray());
    }

    [Fact]
    public void A_description_that_is_missing_or_malformed_is_named()
    {
        var tensor = new Tensor(new Shape(1));
        Assert.Equal(
            $"{_folder["w"]} has no metadata \"format\", so it isn't a file of weights that this library saved.", Refusal(new()));
        Dictionary<string, string> good = LeNet.ToMetadata();
        Assert.Equal($"{_folder["w"]}: expected CxHxW as metadata \"image\", found \"1x28\".", Refusal(new(good) { ["image"] = "1x28" }));
        Assert.Contains("expected CxHxW", Refusal(new(good) { ["image"] = "1x28x0" }));
        Assert.Contains("expected CxHxW", Refusal(new(good) { ["image"] = "1x2147483648x9" }));
        Assert.Contains("expected a JSON list of names", Refusal(new(good) { ["classes"] = "[1]" }));
        Assert.Contains("expected a JSON list of names", Refusal(new(good) { ["classes"] = "a,b" }));
        Assert.Contains("at least one class", Refusal(new(good) { ["classes"] = "[]" }));
        Assert.Contains("expected numbers as metadata \"mean\", found \"x\"", Refusal(new(good) { ["mean"] = "x" }));
        Assert.Contains("1 channels need as many means and deviations; got 1 and 2.", Refusal(new(good) { ["deviation"] = "1 2" }));
        Assert.Contains("deviations are above 0; got 0.1307 and 0.", Refusal(new(good) { ["deviation"] = "0" }));
        Assert.Contains("expected \"hybridcnn 1\" as metadata \"format\", found \"pt\"", Refusal(new(good) { ["format"] = "pt" }));

        string Refusal(Dictionary<string, string> metadata)
        {
            SafeTensors.Write(_folder["w"], [("a", tensor)], metadata);
            return Assert.Throws<DataFormatException>(() => Weights.Describe(_folder["w"])).Message;
        }
    }

    [Fact]
    public void Step_counts_in_files_of_PyTorch_are_passed_over_and_other_integers_are_not()
    {
        NamedParameter[] network = [new("bn1.weight", new Parameter("weight", new Shape(1)))];
        Write("bn1.num_batches_tracked");
        Weights.Load(_folder["w"], network);
        Assert.Equal(1.5f, network[0].Parameter.Value.Span[0]);
        Write("bn1.steps");
        Assert.Contains("bn1.steps is not in the network", Assert.Throws<DataFormatException>(() => Weights.Load(_folder["w"], network)).Message, StringComparison.Ordinal);

        void Write(string count)
        {
            byte[] header = System.Text.Encoding.UTF8.GetBytes(
                $$$"""{"bn1.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"{{{count}}}":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}""");
            File.WriteAllBytes(_folder["w"], [.. BitConverter.GetBytes((long)header.Length), .. header, .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(7L)]);
        }
    }

    [Fact]
    public void A_description_whose_parts_disagree_is_not_saved()
    {
        Assert.StartsWith(
            "An image has the shape [C, H, W]; got [28, 28].",
            Assert.Throws<ArgumentException>(() => Weights.Save(_folder["w"], Network(), LeNet with { ImageShape = new Shape(28, 28) })).Message);
        Assert.Throws<ArgumentException>(() => Weights.Save(_folder["w"], Network(), LeNet with { Mean = [] }));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static NamedParameter[] Network() =>
    [
        new("0.weight", new Parameter("weight", new Shape(2, 1, 5, 5))), new("0.bias", new Parameter("bias", new Shape(2))),
        new("2.weight", new Parameter("weight", new Shape(10, 8))),
    ];

    private static void Fill(Parameter parameter, ulong seed)
    {
        var random = new SeededRandom(seed);
        foreach (ref float value in parameter.Value.Span)
            value = random.NextNormal();
    }
}
