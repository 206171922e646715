#region using
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
#endregion
using System.Numerics.Tensors;
using HybridCnn.Data;
using HybridCnn.Models;
using HybridCnn.Training;

namespace HybridCnn.Tests.Meta;

/// <summary>The examples of src/HybridCnn/README.md: each region is one block of the page, in its order.</summary>
public class PackageExamples
{
    [Fact]
    public void The_examples_compute_what_they_say()
    {
        #region convolution
        var dims = Conv2dDims.Create(n: 8, ic: 16, ih: 28, iw: 28, oc: 32, kh: 3, kw: 3, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1);
        var plan = new ConvolutionPlan(dims);
        using var context = new ComputeContext();
        float[] x = new float[dims.XCount], weights = new float[dims.WeightsCount], bias = new float[dims.OC], y = new float[dims.YCount];
        plan.Forward(x, weights, bias, y, context, relu: true);
        #endregion
        #region gradients
        float[] dy = new float[dims.YCount], dx = new float[dims.XCount], dWeights = new float[dims.WeightsCount], dBias = new float[dims.OC];
        plan.BackwardData(dy, weights, dx, context);           // overwrites dx
        plan.BackwardWeights(x, dy, dWeights, dBias, context); // adds to dWeights and dBias
        #endregion
        #region problem string
        var depthwise = new ConvolutionPlan(Conv2dDims.Parse("g32mb1ic32ih112oc32oh112kh3ph1nhwc"));
        #endregion
        Assert.Equal(ConvolutionAlgorithm.Depthwise, depthwise.Algorithm(ConvolutionPass.Forward));

        Array.Fill(x, 1);
        Array.Fill(weights, 1);
        Array.Fill(bias, -100);
        #region pooling
        var pooled = Pool2dDims.Create(n: 8, c: 32, ih: 28, iw: 28, kh: 2, kw: 2, strideH: 2, strideW: 2);
        var pooling = new MaxPoolingPlan(pooled);
        float[] maxima = new float[pooled.Output.Count];
        int[] indices = new int[pooling.IndexLength];
        pooling.Forward(y, maxima, indices, context);
        pooling.Backward(maxima, indices, dy, context);
        #endregion
        #region tensors
        var images = new ReadOnlyTensorSpan<float>(x, [8, 16, 28, 28]);
        var filters = new ReadOnlyTensorSpan<float>(weights, [32, 16, 3, 3]);
        var output = new TensorSpan<float>(y, [8, 32, 28, 28]);
        plan.Forward(images, filters, bias, output, context);
        #endregion
        Assert.Equal((16 * 4 - 100, 16 * 9 - 100), (y[0], y[29]));
        #region threads
        Parallel.For(0, 4, () => new ComputeContext(threads: 1), (_, _, own) =>
        {
            plan.Forward(x, weights, bias, new float[dims.YCount], own);
            return own;
        }, own => own.Dispose());
        #endregion
        #region threads of one's own
        var lent = new ComputeOptions { Threads = 4, ParallelFor = (count, body) => Parallel.For(0, count, body) };
        using var onTheirs = new ComputeContext(lent);
        new ConvolutionPlan(dims, options: lent).Forward(x, weights, bias, y, onTheirs);
        #endregion
        pooling.Forward(y, maxima, indices, context);
        pooling.Backward(maxima, indices, dy, context);
        Assert.Equal((44, 29, 44), (maxima[0], indices[0], dy[29]));
    }

    [Fact]
    public void The_page_shows_these_examples_and_no_others()
    {
        string[] page = [.. Blocks(Path.Combine(Repository.Root, "src", "HybridCnn", "README.md"), "```csharp", "```")];
        string[] here = [.. Blocks(Path.Combine(Repository.Root, "tests", "HybridCnn.Tests", "Meta", "PackageExamples.cs"), "#region ", "#endregion")];
        Assert.Equal(here, page);
    }

    [Fact]
    public void The_example_of_training_learns()
    {
        using var context = new ComputeContext();
        #region training
        var (train, test) = SyntheticDigits.Generate(train: 2000, test: 500);
        var network = ModelCatalog.Create("lenet", channels: 1, height: 28, width: 28, classes: 10, seed: 1);
        var loader = new BatchLoader(train, batchSize: 64, new SeededRandom(2));
        var optimizer = new Sgd(network.Parameters, learningRate: 0.02f, momentum: 0.9f);
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(), optimizer, context, loader.BatchShape);
        Console.WriteLine($"train {trainer.TrainEpoch(loader).Accuracy:P2}, test {trainer.Evaluate(test).Accuracy:P2}");
        #endregion
        Assert.InRange(trainer.Evaluate(test).Accuracy, 0.3, 1);
    }

    // The lines between a line that begins so and one that begins so, less the indent of the first.
    private static IEnumerable<string> Blocks(string file, string begin, string end)
    {
        List<string>? block = null;
        foreach (string line in File.ReadLines(file))
        {
            string text = line.TrimStart();
            if (block is null)
            {
                block = text.StartsWith(begin, StringComparison.Ordinal) ? [] : null;
                continue;
            }

            if (!text.StartsWith(end, StringComparison.Ordinal))
            {
                block.Add(line);
                continue;
            }

            int indent = block[0].Length - block[0].TrimStart().Length;
            yield return string.Join('\n', block.Select(l => l[Math.Min(indent, l.Length)..]));
            block = null;
        }
    }
}
