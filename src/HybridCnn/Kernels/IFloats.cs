namespace HybridCnn.Kernels;

/// <summary>
/// So many floats in a register, so that one loop serves every width: a kernel runs with the widest that the machine has, and
/// again with narrower ones for what is left over. The compiler makes a loop of its own for each.
/// </summary>
internal unsafe interface IFloats<TSelf>
    where TSelf : struct, IFloats<TSelf>
{
    static abstract int Count { get; }

    static abstract TSelf Load(ref float source, nint offset);

    static abstract TSelf Load(float* source);

    static abstract TSelf Broadcast(float value);

    /// <summary>target[j][i] = source[i][j] for a square of Count x Count; strides are those of rows.</summary>
    static abstract void Transpose(float* source, nint sourceStride, float* target, nint targetStride);

    /// <summary>The same for four columns of Count rows, which become four rows.</summary>
    static abstract void TransposeFour(float* source, nint sourceStride, float* target, nint targetStride);

    /// <summary>The same for four rows of Count columns, which become four columns.</summary>
    static abstract void SpreadFour(float* source, nint sourceStride, float* target, nint targetStride);

    /// <summary>a·b + c, in one rounding where the processor can.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>sum += a·b, likewise. The product is added where the sum lies: of sums that are assigned, the compiler (.NET 10) computes many elsewhere and moves them back.</summary>
    static abstract void AddProduct(TSelf a, TSelf b, ref TSelf sum);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, TSelf b);

    static abstract TSelf operator /(TSelf a, TSelf b);

    /// <summary>NaN wins.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>NaN wins.</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    /// <summary>The value, or a bound that is a number where it is below; NaN stays. One instruction, where NaN on either side takes three.</summary>
    static abstract TSelf AtLeast(TSelf bound, TSelf value);

    /// <summary>The value, or a bound that is a number where it is above; NaN stays.</summary>
    static abstract TSelf AtMost(TSelf bound, TSelf value);

    static abstract TSelf Abs(TSelf value);

    /// <summary>NaN of a negative number.</summary>
    static abstract TSelf Sqrt(TSelf value);

    /// <summary>The natural logarithm.</summary>
    static abstract TSelf Log(TSelf value);

    /// <summary>2^n of n + <see cref="FloatBits.Bias"/>, for whole n from −126 to 127.</summary>
    static abstract TSelf TwoToThe(TSelf biased);

    /// <summary>A where the mask is above 0, else B.</summary>
    static abstract TSelf Select(TSelf mask, TSelf a, TSelf b);

    /// <summary>max(value, 0); NaN stays.</summary>
    static abstract TSelf Rectify(TSelf value);

    /// <summary>0 where <paramref name="mask"/> is 0 or below, else the value, also where the mask is NaN.</summary>
    static abstract TSelf WherePositive(TSelf mask, TSelf value);

    void Store(ref float target, nint offset);

    void Store(float* target);

    /// <summary>Adds each to a double.</summary>
    void AddTo(ref double sums, nint offset);

    float Sum();
}
