using HybridCnn.Tensors;

namespace HybridCnn.Compute;

/// <summary>
/// Scratch memory, one slice per worker and one slice that all of them share, which grow to the largest request and are then
/// reused: after the first step nothing is allocated. What a slice holds is garbage to the next operator.
/// </summary>
internal sealed class Workspace(int workerCount)
{
    private const int FloatsPerLine = 16;

    // 1 MB. A processor that sees a kernel write every so many KB asks for lines two or three dozen such steps ahead, to write them, also behind the end of a
    // slice. If that is where another worker's begins, it takes away the lines that the other one is writing: Winograd's transforms of weights took
    // three times as long on two cores without a common cache, and a fifth longer on cores that have one. What lies between is never touched.
    private const int LeastApart = 256 * 1024;

    private readonly Tensor?[] _slices = new Tensor?[workerCount];
    private Tensor? _shared;
    private bool _isLent;
    private PinnedSpan _lent;
    private long _lentShared, _lentPerWorker;

    private int Apart => workerCount > 1 ? LeastApart : 0;

    /// <summary>Takes everything from a caller's block, which starts on a line, until <see cref="GiveBack"/>; what doesn't fit there is an error.</summary>
    public void Lend(PinnedSpan block) => (_isLent, _lent, _lentShared, _lentPerWorker) = (true, block, 0, 0);

    /// <summary>Ends what <see cref="Lend"/> began.</summary>
    public void GiveBack() => (_isLent, _lent) = (false, default);

    /// <summary>Makes every worker's slice at least this long. Call it before the parallel part, never inside.</summary>
    public void Reserve(int floatsPerWorker)
    {
        if (floatsPerWorker == 0)
            return;
        if (_isLent)
        {
            _lentPerWorker = Math.Max(_lentPerWorker, Lines(floatsPerWorker));
            CheckLent();
            return;
        }

        for (int worker = 0; worker < _slices.Length; worker++)
        {
            if (_slices[worker] is null || _slices[worker]!.Shape.Count - Apart < floatsPerWorker)
                _slices[worker] = new Tensor(new Shape(checked(floatsPerWorker + Apart)));
        }
    }

    /// <summary>Makes the slice that all workers share at least this long. Call it before the parallel part, never inside.</summary>
    public void ReserveShared(int floats)
    {
        if (_isLent)
        {
            _lentShared = Math.Max(_lentShared, Lines(floats));
            CheckLent();
        }
        else if (floats > 0 && (_shared is null || _shared.Shape.Count - Apart < floats))
        {
            _shared = new Tensor(new Shape(checked(floats + Apart)));
        }
    }

    /// <summary>The first <paramref name="length"/> floats of the shared slice, reserved before; contents undefined.</summary>
    public Span<float> Shared(int length) => length == 0 ? [] : _isLent ? _lent.Span[..length] : _shared!.Span[..length];

    /// <summary>The first <paramref name="length"/> floats of a worker's slice, reserved before; contents undefined.</summary>
    public Span<float> Slice(int worker, int length) => length == 0 ? []
        : _isLent ? _lent.Span.Slice((int)(_lentShared + worker * _lentPerWorker), length)
        : _slices[worker]!.Span[..length];

    private static long Lines(long floats) => (floats + FloatsPerLine - 1) / FloatsPerLine * FloatsPerLine;

    private void CheckLent()
    {
        long needed = sizeof(float) * (_lentShared + workerCount * _lentPerWorker), given = sizeof(float) * (long)_lent.Span.Length;
        if (needed > given)
            throw new ArgumentException($"workspace has {given} bytes from its first line of 64 on; this call needs {needed}.");
    }
}
