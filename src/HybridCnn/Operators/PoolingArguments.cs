using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>What both pooling plans check.</summary>
internal static class PoolingArguments
{
    public static void CheckDims(Pool2dDims dims)
    {
        if (dims.N == 0)
            throw new ArgumentException("The dims are empty; make them by Pool2dDims.Create or Parse.", nameof(dims));
    }

    public static void CheckLength(int given, string name, Shape expected, Pool2dDims dims)
    {
        if (given != expected.Count)
            throw new ArgumentException($"{name} must be {expected} of {dims}, {expected.Count} elements; got {given}.", name);
    }
}
