using System.Runtime.ExceptionServices;
using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>
/// Runs a loader on a thread of its own, some batches ahead, so that training finds the next one ready. The batches are the
/// loader's, in its order, in memory that is allocated once. What the loader throws reaches the caller of <see cref="NextBatch"/>,
/// behind the batches before it. The thread goes on into the next epoch, and ends with <see cref="Dispose"/>.
/// </summary>
public sealed class PrefetchedBatches : BatchSource, IDisposable
{
    private readonly BatchLoader _loader;
    private readonly Thread _thread;

    // All below is guarded by _gate. Slots [_read, _read + _ready) are filled; one more before them may be in the caller's hands.
    private readonly object _gate = new();
    private readonly Slot[] _slots;
    private int _read, _ready, _held;
    private ExceptionDispatchInfo? _failure;
    private bool _stop;
    private LoaderPosition _position;

    /// <summary>Starts the thread. Until the end of this object the loader is its alone.</summary>
    /// <param name="loader">Where to begin: at its position.</param>
    /// <param name="depth">Batches of memory, at least 2: one in the caller's hands, the others ahead of it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A depth below 2.</exception>
    public PrefetchedBatches(BatchLoader loader, int depth = 4)
    {
        ArgumentNullException.ThrowIfNull(loader);
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 2);
        _loader = loader;
        BatchShape = loader.BatchShape;
        BatchesPerEpoch = loader.BatchesPerEpoch;
        _position = loader.Position;
        _slots = new Slot[depth];
        for (int i = 0; i < depth; i++)
            _slots[i] = new Slot(new Batch(loader.BatchShape));
        _thread = new Thread(FillSlots) { IsBackground = true, Name = "HybridCnn data" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public override Shape BatchShape { get; }

    /// <inheritdoc/>
    public override int BatchesPerEpoch { get; }

    /// <summary>Behind the batch that was given last, however far ahead the thread is: what to save with the weights that it led to.</summary>
    public override LoaderPosition Position => _position;

    /// <summary>Waits for the next batch; returns null at the end of the epoch.</summary>
    /// <exception cref="ObjectDisposedException">After <see cref="Dispose"/>.</exception>
    public override Batch? NextBatch()
    {
        lock (_gate)
        {
            // The batch that the caller had is free again.
            if (_held > 0)
            {
                _held = 0;
                Monitor.PulseAll(_gate);
            }

            while (_ready == 0 && _failure is null && !_stop)
                Monitor.Wait(_gate);
            ObjectDisposedException.ThrowIf(_stop, this);
            if (_ready == 0)
                _failure!.Throw();
            Slot slot = _slots[_read];
            _read = (_read + 1) % _slots.Length;
            _ready--;
            _position = slot.Position;
            if (slot.IsEnd)
            {
                Monitor.PulseAll(_gate);
                return null;
            }

            _held = 1;
            return slot.Batch;
        }
    }

    /// <summary>Ends the thread and waits for it; the batch in the caller's hands is no longer good. A caller that waits for a batch gets an exception.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stop = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
    }

    private void FillSlots()
    {
        while (true)
        {
            Slot slot;
            lock (_gate)
            {
                while (!_stop && _ready + _held == _slots.Length)
                    Monitor.Wait(_gate);
                if (_stop)
                    return;
                slot = _slots[(_read + _ready) % _slots.Length];
            }

            try
            {
                slot.IsEnd = !_loader.Next(slot.Batch);
                slot.Position = _loader.Position;
            }
            catch (Exception e)
            {
                // Whatever it is, it belongs to the caller: an exception that leaves a thread ends the process.
                lock (_gate)
                {
                    _failure = ExceptionDispatchInfo.Capture(e);
                    Monitor.PulseAll(_gate);
                }

                return;
            }

            lock (_gate)
            {
                _ready++;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private sealed class Slot(Batch batch)
    {
        public Batch Batch { get; } = batch;

        public bool IsEnd { get; set; }

        public LoaderPosition Position { get; set; }
    }
}
