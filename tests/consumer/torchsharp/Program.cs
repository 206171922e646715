using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.TorchSharp;
using static TorchSharp.torch.nn;

// libtorch is over half a gigabyte, and the program's to add: where it is, a model is swapped; elsewhere all but that is tried.
using var context = new ComputeContext(new ComputeOptions { Threads = 1 });
Console.WriteLine($"core={Blas.Current.Core}");
Console.WriteLine($"path={Blas.Current.Path}");
Console.WriteLine($"fallbacks={TorchFallbacks.Count}");
if (args is ["swap"])
    Console.WriteLine($"swapped={Sequential(Conv2d(3, 16, 3), BatchNorm2d(16), ReLU(), MaxPool2d(2)).UseHybridCnn().Swapped}");
