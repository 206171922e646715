namespace HybridCnn.Kernels;

/// <summary>A loss of single elements, and its slope, for registers of any width.</summary>
internal interface ILossFunction
{
    /// <summary>The loss of x against t, and its derivative by x.</summary>
    (T Loss, T Slope) At<T>(T x, T t)
        where T : struct, IFloats<T>;
}
