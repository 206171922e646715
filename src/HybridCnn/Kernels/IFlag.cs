namespace HybridCnn.Kernels;

/// <summary>A yes or no that the compiler knows, so that it makes a loop of its own for each.</summary>
internal interface IFlag
{
    static abstract bool IsSet { get; }
}

internal readonly struct Yes : IFlag
{
    public static bool IsSet => true;
}

internal readonly struct No : IFlag
{
    public static bool IsSet => false;
}
