namespace HybridCnn.TorchSharp;

/// <summary>
/// Why a backward pass failed. An exception cannot pass through PyTorch's engine, which calls the backward passes: they hand it a gradient of a wrong
/// shape instead, so that it ends with "returned an invalid gradient", and leave the cause here.
/// </summary>
public static class BackwardFailure
{
    private static Exception? s_last;

    /// <summary>The latest cause in this process; null if there was none. Often a tensor that was changed in place between the passes.</summary>
    public static Exception? Last => Volatile.Read(ref s_last);

    internal static void Note(Exception cause) => Volatile.Write(ref s_last, cause);
}
