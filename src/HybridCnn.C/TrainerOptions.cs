using System.Runtime.InteropServices;

namespace HybridCnn.C;

/// <summary>hybridcnn_trainer_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TrainerOptions
{
    public int StructSize;
    public int N, Channels, Height, Width, Classes;
    public byte* Model;
    public byte* Weights;
    public ulong Seed;
    public float Momentum, WeightDecay;
}
