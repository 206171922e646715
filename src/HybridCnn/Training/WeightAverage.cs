using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// An exponential moving average of all that a network is saved with, weights and running statistics (Polyak and Juditsky,
/// Acceleration of stochastic approximation by averaging, 1992): average += (1 - decay)·(weight - average). It starts from the
/// network as it is, and often does better on new images than the weights that it averages.
/// </summary>
public sealed class WeightAverage
{
    private readonly NamedParameter[] _state;
    private readonly Tensor[] _averages;
    private readonly TensorBlocks _blocks;
    private float _share;

    /// <summary>Copies the network's weights as the first average.</summary>
    /// <param name="network">The network.</param>
    /// <param name="decay">How much of the average stays at each step, at least 0 and below 1; 0.999 looks back about 1,000 steps.</param>
    /// <param name="warmUp">Whether step t keeps at most t / (t + 9), so that short trainings don't average their beginning.</param>
    /// <exception cref="ArgumentException">A network without weights, or a decay out of range.</exception>
    public WeightAverage(Layer network, float decay, bool warmUp = true)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (!(decay >= 0 && decay < 1))
            throw new ArgumentOutOfRangeException(nameof(decay), decay, "Must be at least 0 and below 1.");
        _state = [.. network.NamedState];
        if (_state.Length == 0)
            throw new ArgumentException("The network has no weights to average.", nameof(network));
        (Decay, WarmUp) = (decay, warmUp);
        _averages = [.. _state.Select(named => Tensor.From(named.Parameter.Shape, named.Parameter.Value.ReadOnlySpan))];
        _blocks = new TensorBlocks(_averages.Select(average => average.Shape.Count));
    }

    /// <summary>How much of the average stays at each step.</summary>
    public float Decay { get; }

    /// <summary>Whether the first steps keep less.</summary>
    public bool WarmUp { get; }

    /// <summary>Steps averaged so far.</summary>
    public long Updates { get; private set; }

    /// <summary>Whether the network holds the averages, and this object the weights of training.</summary>
    public bool IsExchanged { get; private set; }

    /// <summary>"updates", and the averages under the names of what they average: "0.weight".</summary>
    /// <exception cref="InvalidOperationException">The network holds the averages.</exception>
    public TrainingState State
    {
        get
        {
            RequireOwn();
            return new(
                [.. _state.Zip(_averages, (named, average) => new NamedTensor(named.Name, average))],
                [NamedNumber.Counter("updates", () => Updates, value => Updates = value)]);
        }
    }

    /// <summary>Takes in the network's weights, after a step. Allocates nothing; same bits for any number of threads.</summary>
    /// <exception cref="InvalidOperationException">The network holds the averages.</exception>
    public void Update(ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        RequireOwn();
        Updates++;
        double keep = WarmUp ? Math.Min(Decay, Updates / (Updates + 9.0)) : Decay;
        _share = (float)(1 - keep);
        _blocks.For(context, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                TensorBlocks.Block block = self._blocks.Blocks[i];
                ParameterUpdate.Run(new AverageRule(self._share), block.Of(self._state[block.Tensor].Parameter.Value), block.Of(self._averages[block.Tensor]));
            }
        });
    }

    /// <summary>Exchanges the network's weights with the averages, to test or to save them; called again, it puts them back, bit for bit.</summary>
    public void Exchange()
    {
        Span<float> kept = stackalloc float[256];
        for (int i = 0; i < _averages.Length; i++)
        {
            Span<float> weights = _state[i].Parameter.Value.Span, averages = _averages[i].Span;
            for (int done = 0; done < weights.Length; done += kept.Length)
            {
                int end = Math.Min(weights.Length, done + kept.Length);
                Span<float> part = kept[..(end - done)];
                weights[done..end].CopyTo(part);
                averages[done..end].CopyTo(weights[done..end]);
                part.CopyTo(averages[done..end]);
            }
        }

        IsExchanged = !IsExchanged;
    }

    private void RequireOwn()
    {
        if (IsExchanged)
            throw new InvalidOperationException("The network holds the averages; exchange them back first.");
    }
}
