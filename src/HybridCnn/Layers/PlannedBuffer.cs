using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>A block of memory that is needed from one moment of a pass to another. Blocks whose times don't meet may lie in one place.</summary>
/// <param name="size">Floats.</param>
/// <param name="first">The moment that writes it first.</param>
internal sealed class PlannedBuffer(int size, int first)
{
    /// <summary>The time after every pass: what is kept for the backward pass stays until the next forward pass.</summary>
    public const int Kept = int.MaxValue;

    private Slot? _slot;

    public int Size => size;

    public int First { get; } = first;

    /// <summary>The moment that needs it last.</summary>
    public int Last { get; private set; } = first;

    /// <summary>Says that it is needed at a moment.</summary>
    public void NeedAt(int time) => Last = Math.Max(Last, time);

    /// <summary>A tensor at its place, whose memory is made on first use.</summary>
    public Tensor In(Shape shape) => _slot!.Memory.Prefix(shape);

    /// <summary>
    /// Gives every buffer a place, the largest first: the smallest place that holds it and is free all the time, else a new one. This is "greedy by
    /// size" for shared objects of Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, 2020.
    /// </summary>
    /// <param name="buffers">What needs places.</param>
    /// <param name="lenders">Buffers that have places, which the new ones may lie in too, whenever those are needed.</param>
    /// <returns>How many places there are, and the floats of all of them.</returns>
    public static (int Places, long Floats) Place(IEnumerable<PlannedBuffer> buffers, IEnumerable<PlannedBuffer>? lenders = null)
    {
        var places = new List<Slot>();
        foreach (PlannedBuffer buffer in buffers.OrderByDescending(buffer => buffer.Size))
        {
            buffer._slot = places.FindLast(place => !place.Tenants.Exists(buffer.Meets));
            if (buffer._slot is null)
                places.Add(buffer._slot = new Slot(buffer.Size));
            buffer._slot.Tenants.Add(buffer);
        }

        Slot[] lent = [.. (lenders ?? []).Select(buffer => buffer._slot!).Distinct().OrderBy(place => place.Size)];
        foreach (Slot place in places)
            place.Lender = lent.FirstOrDefault(lender => lender.Size >= place.Size && !places.Exists(other => other.Lender == lender));

        return (places.Count, places.Sum(place => (long)place.Size));
    }

    private bool Meets(PlannedBuffer other) => First <= other.Last && other.First <= Last;

    private sealed class Slot(int size)
    {
        private Tensor? _memory;

        public int Size => size;

        public List<PlannedBuffer> Tenants { get; } = [];

        /// <summary>Whose memory it lies in, if that is made already; else it has its own.</summary>
        public Slot? Lender { get; set; }

        /// <summary>Made on first use.</summary>
        public Tensor Memory => _memory ??= Lender?._memory ?? new Tensor(new Shape(size));
    }
}
