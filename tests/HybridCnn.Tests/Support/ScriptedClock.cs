namespace HybridCnn.Tests.Support;

/// <summary>Time that passes only where a test says so.</summary>
internal sealed class ScriptedClock : TimeProvider
{
    private long _nanoseconds;

    /// <summary>How much time each look at the clock takes.</summary>
    public TimeSpan PerLook { get; init; }

    /// <summary>How often somebody looked.</summary>
    public int Looks { get; private set; }

    public double Seconds => _nanoseconds * 1e-9;

    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp()
    {
        Looks++;
        _nanoseconds += PerLook.Ticks * TimeSpan.NanosecondsPerTick;
        return _nanoseconds;
    }

    public void Advance(double seconds) => _nanoseconds += (long)Math.Round(seconds * 1e9);
}
