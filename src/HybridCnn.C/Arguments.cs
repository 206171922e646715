using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using HybridCnn.Tensors;

namespace HybridCnn.C;

/// <summary>Checks what C passed, before anything reads it. Every message names the argument, what was expected and what was given.</summary>
internal static unsafe class Arguments
{
    /// <summary>An array that must be there.</summary>
    /// <param name="pointer">Its first element.</param>
    /// <param name="count">How many elements the caller says it has.</param>
    /// <param name="expected">How many it must have.</param>
    /// <param name="what">Whose array it is: a problem string.</param>
    /// <param name="name">Of the argument.</param>
    public static Span<T> Array<T>(T* pointer, long count, long expected, object what, [CallerArgumentExpression(nameof(pointer))] string name = "")
        where T : unmanaged
    {
        if (pointer == null)
            throw new ArgumentException($"{name} is null; {what} needs {expected} elements there.");
        if ((nuint)pointer % (nuint)sizeof(T) != 0)
            throw new ArgumentException($"{name} is at 0x{(nuint)pointer:x}, which no multiple of {sizeof(T)} bytes is.");
        if (count != expected)
            throw new ArgumentException($"{name} has {count} elements; {what} needs {expected}.");
        return new Span<T>(pointer, checked((int)count));
    }

    /// <summary>An array that may be null, with a count of 0.</summary>
    public static Span<T> Optional<T>(T* pointer, long count, long expected, object what, [CallerArgumentExpression(nameof(pointer))] string name = "")
        where T : unmanaged
    {
        if (pointer == null && count == 0)
            return [];
        return Array(pointer, count, expected, what, name);
    }

    public static void NotNull(void* pointer, [CallerArgumentExpression(nameof(pointer))] string name = "")
    {
        if (pointer == null)
            throw new ArgumentException($"{name} is null.");
    }

    /// <summary>A structure that begins with its own size.</summary>
    public static void Structure<T>(T* pointer, [CallerArgumentExpression(nameof(pointer))] string name = "")
        where T : unmanaged
    {
        NotNull(pointer, name);
        if (*(int*)pointer != sizeof(T))
            throw new ArgumentException($"{name}->struct_size is {*(int*)pointer}; it must be sizeof(*{name}), {sizeof(T)}.");
    }

    /// <summary>One of some numbers from 0 on.</summary>
    public static int Choice(int value, int choices, string name) => (uint)value < (uint)choices
        ? value
        : throw new ArgumentException($"{name} is {value}; it must be from 0 to {choices - 1}.");

    public static Layout Layout(int value) => (Layout)Choice(value, 2, "layout");

    public static int OneIfZero(int value) => value == 0 ? 1 : value;

    public static string? Text(byte* utf8) => Marshal.PtrToStringUTF8((nint)utf8);

    /// <summary>Copies as many whole characters as there is room for, closed by a zero.</summary>
    public static void CopyText(string from, byte* text, long capacity, long* length)
    {
        if (capacity < 0)
            throw new ArgumentException($"capacity is {capacity}; it must be at least 0.");
        if (text == null && capacity > 0)
            throw new ArgumentException($"text is null, but capacity is {capacity}.");
        if (length != null)
            *length = Encoding.UTF8.GetByteCount(from);
        if (capacity == 0)
            return;
        _ = System.Text.Unicode.Utf8.FromUtf16(from, new Span<byte>(text, (int)Math.Min(capacity - 1, int.MaxValue)), out _, out int written);
        text[written] = 0;
    }
}
