namespace HybridCnn.Kernels;

/// <summary>
/// What an optimizer does to as many elements of a parameter as a register holds, with up to three arrays that it keeps from
/// step to step. <see cref="ParameterUpdate"/> runs it.
/// </summary>
internal interface IUpdateRule
{
    /// <summary>How many of a, b and c the rule keeps.</summary>
    static abstract int States { get; }

    /// <summary>The new value. Changes those of a, b and c that the rule keeps.</summary>
    T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T>;
}
