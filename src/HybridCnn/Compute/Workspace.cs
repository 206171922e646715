using HybridCnn.Tensors;

namespace HybridCnn.Compute;

/// <summary>
/// Scratch memory, one slice per worker, that grows to the largest request and is then reused: after the first step it
/// allocates nothing. What a slice holds is garbage to the next operator.
/// </summary>
internal sealed class Workspace(int workerCount)
{
    private readonly Tensor?[] _slices = new Tensor?[workerCount];

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

    /// <summary>The first <paramref name="length"/> floats of a worker's slice, reserved before; contents undefined.</summary>
    public Span<float> Slice(int worker, int length) => length == 0 ? [] : _slices[worker]!.Span[..length];
}
