using HybridCnn.Tensors;

namespace HybridCnn.Compute;

/// <summary>
/// Scratch memory, one slice per worker and one slice that all of them share, which grow to the largest request and are then
/// reused: after the first step nothing is allocated. What a slice holds is garbage to the next operator.
/// </summary>
internal sealed class Workspace(int workerCount)
{
    private readonly Tensor?[] _slices = new Tensor?[workerCount];
    private Tensor? _shared;

    /// <summary>Makes every worker's slice at least this long. Call it before the parallel part, never inside.</summary>
    public void Reserve(int floatsPerWorker)
    {
        if (floatsPerWorker == 0)
            return;
        for (int worker = 0; worker < _slices.Length; worker++)
        {
            if (_slices[worker] is null || _slices[worker]!.Shape.Count < floatsPerWorker)
                _slices[worker] = new Tensor(new Shape(floatsPerWorker));
        }
    }

    /// <summary>Makes the slice that all workers share at least this long. Call it before the parallel part, never inside.</summary>
    public void ReserveShared(int floats)
    {
        if (floats > 0 && (_shared is null || _shared.Shape.Count < floats))
            _shared = new Tensor(new Shape(floats));
    }

    /// <summary>The first <paramref name="length"/> floats of the shared slice, reserved before; contents undefined.</summary>
    public Span<float> Shared(int length) => length == 0 ? [] : _shared!.Span[..length];

    /// <summary>The first <paramref name="length"/> floats of a worker's slice, reserved before; contents undefined.</summary>
    public Span<float> Slice(int worker, int length) => length == 0 ? [] : _slices[worker]!.Span[..length];
}
