namespace HybridCnn.Kernels;

/// <summary>
/// Buffers on the stack that begin on a line of the cache. The stack itself is aligned to 16 bytes: where a buffer begins then depends on the thread and on how deep
/// its calls are, and in three of four cases every second access of 64 bytes, or each, meets two lines. Winograd's transforms took up to twice as long there.
/// </summary>
internal static unsafe class CacheLine
{
    /// <summary>Floats of a line, and how many a buffer needs to be longer.</summary>
    public const int Floats = 16;

    /// <summary>The first line that begins in a buffer.</summary>
    public static float* First(float* buffer) => (float*)(((nint)buffer + Floats * sizeof(float) - 1) & -(Floats * sizeof(float)));
}
