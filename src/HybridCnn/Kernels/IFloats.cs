using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// So many floats in a register, so that one loop serves every width: a kernel runs with the widest that the machine has, and
/// again with narrower ones for what is left over. The compiler makes a loop of its own for each.
/// </summary>
internal interface IFloats<TSelf>
    where TSelf : struct, IFloats<TSelf>
{
    static abstract int Count { get; }

    static abstract TSelf Load(ref float source, nint offset);

    static abstract TSelf Broadcast(float value);

    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

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

    /// <summary>Adds each to a double.</summary>
    void AddTo(ref double sums, nint offset);

    float Sum();
}

/// <summary>16 floats.</summary>
internal readonly struct Floats16(Vector512<float> value) : IFloats<Floats16>
{
    private readonly Vector512<float> _value = value;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Load(ref float source, nint offset) => new(Vector512.LoadUnsafe(ref source, (nuint)offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 MultiplyAdd(Floats16 a, Floats16 b, Floats16 c) => new(Vector512.MultiplyAddEstimate(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 operator +(Floats16 a, Floats16 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 operator -(Floats16 a, Floats16 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 operator *(Floats16 a, Floats16 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 operator /(Floats16 a, Floats16 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Max(Floats16 a, Floats16 b) => new(Vector512.Max(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Min(Floats16 a, Floats16 b) => new(Vector512.Min(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Sqrt(Floats16 value) => new(Vector512.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Log(Floats16 value) => new(Vector512.Log(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 AtLeast(Floats16 bound, Floats16 value) => new(Vector512.MaxNative(bound._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 AtMost(Floats16 bound, Floats16 value) => new(Vector512.MinNative(bound._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Abs(Floats16 value) => new(Vector512.Abs(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 TwoToThe(Floats16 biased) => new((biased._value.AsInt32() << FloatBits.MantissaBits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Select(Floats16 mask, Floats16 a, Floats16 b) =>
        new(Vector512.ConditionalSelect(Vector512.GreaterThan(mask._value, Vector512<float>.Zero), a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 Rectify(Floats16 value) => new(Vector512.Max(value._value, Vector512<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats16 WherePositive(Floats16 mask, Floats16 value) =>
        new(Vector512.AndNot(value._value, Vector512.LessThanOrEqual(mask._value, Vector512<float>.Zero)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref float target, nint offset) => _value.StoreUnsafe(ref target, (nuint)offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddTo(ref double sums, nint offset)
    {
        (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(_value);
        (Vector512.LoadUnsafe(ref sums, (nuint)offset) + lower).StoreUnsafe(ref sums, (nuint)offset);
        (Vector512.LoadUnsafe(ref sums, (nuint)offset + 8) + upper).StoreUnsafe(ref sums, (nuint)offset + 8);
    }

    public float Sum() => Vector512.Sum(_value);
}

/// <summary>Eight floats.</summary>
internal readonly struct Floats8(Vector256<float> value) : IFloats<Floats8>
{
    private readonly Vector256<float> _value = value;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Load(ref float source, nint offset) => new(Vector256.LoadUnsafe(ref source, (nuint)offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 MultiplyAdd(Floats8 a, Floats8 b, Floats8 c) => new(Vector256.MultiplyAddEstimate(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 operator +(Floats8 a, Floats8 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 operator -(Floats8 a, Floats8 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 operator *(Floats8 a, Floats8 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 operator /(Floats8 a, Floats8 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Max(Floats8 a, Floats8 b) => new(Vector256.Max(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Min(Floats8 a, Floats8 b) => new(Vector256.Min(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Sqrt(Floats8 value) => new(Vector256.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Log(Floats8 value) => new(Vector256.Log(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 AtLeast(Floats8 bound, Floats8 value) => new(Vector256.MaxNative(bound._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 AtMost(Floats8 bound, Floats8 value) => new(Vector256.MinNative(bound._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Abs(Floats8 value) => new(Vector256.Abs(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 TwoToThe(Floats8 biased) => new((biased._value.AsInt32() << FloatBits.MantissaBits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Select(Floats8 mask, Floats8 a, Floats8 b) =>
        new(Vector256.ConditionalSelect(Vector256.GreaterThan(mask._value, Vector256<float>.Zero), a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 Rectify(Floats8 value) => new(Vector256.Max(value._value, Vector256<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats8 WherePositive(Floats8 mask, Floats8 value) =>
        new(Vector256.AndNot(value._value, Vector256.LessThanOrEqual(mask._value, Vector256<float>.Zero)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref float target, nint offset) => _value.StoreUnsafe(ref target, (nuint)offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddTo(ref double sums, nint offset)
    {
        (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(_value);
        (Vector256.LoadUnsafe(ref sums, (nuint)offset) + lower).StoreUnsafe(ref sums, (nuint)offset);
        (Vector256.LoadUnsafe(ref sums, (nuint)offset + 4) + upper).StoreUnsafe(ref sums, (nuint)offset + 4);
    }

    public float Sum() => Vector256.Sum(_value);
}

/// <summary>Four floats.</summary>
internal readonly struct Floats4(Vector128<float> value) : IFloats<Floats4>
{
    private readonly Vector128<float> _value = value;

    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Load(ref float source, nint offset) => new(Vector128.LoadUnsafe(ref source, (nuint)offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Broadcast(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 MultiplyAdd(Floats4 a, Floats4 b, Floats4 c) => new(Vector128.MultiplyAddEstimate(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 operator +(Floats4 a, Floats4 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 operator -(Floats4 a, Floats4 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 operator *(Floats4 a, Floats4 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 operator /(Floats4 a, Floats4 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Max(Floats4 a, Floats4 b) => new(Vector128.Max(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Min(Floats4 a, Floats4 b) => new(Vector128.Min(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Sqrt(Floats4 value) => new(Vector128.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Log(Floats4 value) => new(Vector128.Log(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 AtLeast(Floats4 bound, Floats4 value) => new(Vector128.MaxNative(bound._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 AtMost(Floats4 bound, Floats4 value) => new(Vector128.MinNative(bound._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Abs(Floats4 value) => new(Vector128.Abs(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 TwoToThe(Floats4 biased) => new((biased._value.AsInt32() << FloatBits.MantissaBits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Select(Floats4 mask, Floats4 a, Floats4 b) =>
        new(Vector128.ConditionalSelect(Vector128.GreaterThan(mask._value, Vector128<float>.Zero), a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 Rectify(Floats4 value) => new(Vector128.Max(value._value, Vector128<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats4 WherePositive(Floats4 mask, Floats4 value) =>
        new(Vector128.AndNot(value._value, Vector128.LessThanOrEqual(mask._value, Vector128<float>.Zero)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref float target, nint offset) => _value.StoreUnsafe(ref target, (nuint)offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddTo(ref double sums, nint offset)
    {
        (Vector128<double> lower, Vector128<double> upper) = Vector128.Widen(_value);
        (Vector128.LoadUnsafe(ref sums, (nuint)offset) + lower).StoreUnsafe(ref sums, (nuint)offset);
        (Vector128.LoadUnsafe(ref sums, (nuint)offset + 2) + upper).StoreUnsafe(ref sums, (nuint)offset + 2);
    }

    public float Sum() => Vector128.Sum(_value);
}
