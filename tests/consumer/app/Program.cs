using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Interop;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

// The README's example, small: a user's first program.
var (train, test) = SyntheticDigits.Generate(train: 3000, test: 500);
using var context = new ComputeContext();
var network = ModelCatalog.Create("lenet5", channels: 1, height: 28, width: 28, classes: 10, seed: 1);
var loader = new BatchLoader(train, batchSize: 32, new SeededRandom(2));
var optimizer = new Sgd(network.Parameters, learningRate: 0.05f, momentum: 0.9f);
var trainer = new Trainer(network, new SoftmaxCrossEntropy(), optimizer, context, loader.BatchShape);
double first = trainer.TrainEpoch(loader).Loss;
double last = trainer.TrainEpoch(loader).Loss;
double accuracy = trainer.Evaluate(test).Accuracy;

BlasInfo blas = Blas.Current;
Console.WriteLine($"blas={blas.Kind}");
Console.WriteLine($"core={blas.Core}");
Console.WriteLine($"path={blas.Path}");
Console.WriteLine($"loss={first:0.000} to {last:0.000}");
Console.WriteLine($"accuracy={accuracy:0.000}");
return last < first && accuracy > 0.5 ? 0 : 1;
