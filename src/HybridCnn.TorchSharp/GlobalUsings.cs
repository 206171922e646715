// Beside those of HybridCnn.Tensors.
global using Tensor = TorchSharp.torch.Tensor;
global using Parameter = TorchSharp.Modules.Parameter;
