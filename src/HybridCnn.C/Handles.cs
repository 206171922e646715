namespace HybridCnn.C;

/// <summary>
/// The objects that C holds handles of. A handle is a slot of this table and the number of its use, never an address: whatever a caller
/// passes is looked up, and what isn't there is an error.
/// </summary>
internal static class Handles
{
    private const int SlotBits = 24;

    // The highest bit of every handle, which no address of a process has.
    private const ulong Mark = 1UL << 63;

    private static readonly Lock s_lock = new();
    private static readonly List<(object? Target, ulong Use)> s_slots = [];
    private static readonly Stack<int> s_free = [];
    private static ulong s_uses;

    public static nint Add(object target)
    {
        lock (s_lock)
        {
            if (!s_free.TryPop(out int slot))
            {
                slot = s_slots.Count;
                if (slot >> SlotBits != 0)
                    throw new InsufficientMemoryException($"There are {slot} objects already; destroy some.");
                s_slots.Add(default);
            }

            ulong use = Mark | ++s_uses << SlotBits;
            s_slots[slot] = (target, use);
            return (nint)(use | (uint)slot);
        }
    }

    /// <summary>The object that a handle names.</summary>
    /// <param name="handle">What C passed.</param>
    /// <param name="name">Of the argument.</param>
    public static T Get<T>(nint handle, string name)
        where T : class
    {
        object target = Find(handle, name, out _);
        return target as T ?? throw new HandleException($"{name} must be {Kind(typeof(T))}; got {Kind(target.GetType())}.");
    }

    /// <summary>Ends what a handle names; the handle is void from here on.</summary>
    public static void Remove(nint handle, string name)
    {
        object target;
        lock (s_lock)
        {
            target = Find(handle, name, out int slot);
            s_slots[slot] = default;
            s_free.Push(slot);
        }

        (target as IDisposable)?.Dispose();
    }

    private static object Find(nint handle, string name, out int slot)
    {
        if (handle == 0)
            throw new HandleException($"{name} is null; it must be a handle.");
        slot = (int)((ulong)handle & ((1UL << SlotBits) - 1));
        ulong use = (ulong)handle - (uint)slot;
        lock (s_lock)
        {
            if ((use & Mark) == 0 || slot >= s_slots.Count || use - Mark > s_uses << SlotBits)
                throw new HandleException($"{name} is 0x{handle:x}, which never was a handle of this library.");
            return s_slots[slot] is { Target: { } target, Use: var current } && current == use
                ? target
                : throw new HandleException($"{name} is a handle whose object was destroyed.");
        }
    }

    private static string Kind(Type type) => type.Name switch
    {
        nameof(Compute.ComputeContext) => "a context",
        nameof(Operators.ConvolutionPlan) => "a convolution",
        nameof(Pooling) => "a pooling",
        _ => "a trainer",
    };
}
