global using HybridCnn.TorchSharp.Tests.Support;
global using TorchSharp;
global using Xunit;
global using Tensor = TorchSharp.torch.Tensor;

// PyTorch has one generator of random numbers, and the counters are the process's.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
