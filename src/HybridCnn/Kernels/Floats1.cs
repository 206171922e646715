using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>One float.</summary>
internal unsafe struct Floats1(float value) : IFloats<Floats1>
{
    private float _value = value;

    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Load(ref float source, nint offset) => new(Unsafe.Add(ref source, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Load(float* source) => new(*source);

    public static void Transpose(float* source, nint sourceStride, float* target, nint targetStride) => *target = *source;

    public static void TransposeFour(float* source, nint sourceStride, float* target, nint targetStride)
    {
        for (int i = 0; i < 4; i++)
            target[i * targetStride] = source[i];
    }

    public static void SpreadFour(float* source, nint sourceStride, float* target, nint targetStride)
    {
        for (int i = 0; i < 4; i++)
            target[i] = source[i * sourceStride];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Broadcast(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 MultiplyAdd(Floats1 a, Floats1 b, Floats1 c) => new(float.MultiplyAddEstimate(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(Floats1 a, Floats1 b, ref Floats1 sum) => sum._value = float.MultiplyAddEstimate(a._value, b._value, sum._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 operator +(Floats1 a, Floats1 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 operator -(Floats1 a, Floats1 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 operator *(Floats1 a, Floats1 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 operator /(Floats1 a, Floats1 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Max(Floats1 a, Floats1 b) => new(MathF.Max(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Min(Floats1 a, Floats1 b) => new(MathF.Min(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Sqrt(Floats1 value) => new(MathF.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Log(Floats1 value) => new(MathF.Log(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 AtLeast(Floats1 bound, Floats1 value) => value._value < bound._value ? bound : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 AtMost(Floats1 bound, Floats1 value) => value._value > bound._value ? bound : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Abs(Floats1 value) => new(MathF.Abs(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 TwoToThe(Floats1 biased) =>
        new(BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(biased._value) << FloatBits.MantissaBits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Select(Floats1 mask, Floats1 a, Floats1 b) => mask._value > 0 ? a : b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 Rectify(Floats1 value) => new(MathF.Max(value._value, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Floats1 WherePositive(Floats1 mask, Floats1 value) => mask._value <= 0 ? default : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(ref float target, nint offset) => Unsafe.Add(ref target, offset) = _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* target) => *target = _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void AddTo(ref double sums, nint offset) => Unsafe.Add(ref sums, offset) += _value;

    public readonly float Sum() => _value;
}

/// <summary>How a float is made up.</summary>
internal static class FloatBits
{
    /// <summary>Width of the mantissa; the exponent lies above.</summary>
    public const int MantissaBits = 23;

    /// <summary>1.5·2^23 + 127: a whole number from −126 to 127 added to it ends up, with the exponent's bias, in the lowest bits; a fraction added to it is rounded to one.</summary>
    public const float Bias = 12583039;
}
