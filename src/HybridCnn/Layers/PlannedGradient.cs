namespace HybridCnn.Layers;

/// <summary>A gradient of a backward pass: the caller's dy or dx, or one in a planned buffer.</summary>
internal sealed class PlannedGradient(PlannedBuffer? buffer)
{
    /// <summary>Read, never written.</summary>
    public static PlannedGradient CallersDy { get; } = new(null);

    /// <summary>Written once.</summary>
    public static PlannedGradient CallersDx { get; } = new(null);

    /// <summary>Null for the caller's.</summary>
    public PlannedBuffer? Buffer => buffer;

    /// <summary>How many values it is a gradient of, or part of one, while the plan is made.</summary>
    public int Holders
    {
        get;
        set => field = buffer is null ? 0 : value;
    }

    /// <summary>Whether its only holder may write over it.</summary>
    public bool IsOurs => buffer is not null && Holders == 1;
}
