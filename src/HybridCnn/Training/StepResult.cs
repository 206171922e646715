namespace HybridCnn.Training;

/// <summary>What one training step measured, before it changed the weights.</summary>
/// <param name="Epoch">Counted from 1.</param>
/// <param name="Step">Counted from 1, over all epochs.</param>
/// <param name="Loss">Mean over the batch.</param>
/// <param name="Correct">Images whose largest logit is their label's.</param>
/// <param name="Count">Images in the batch.</param>
public readonly record struct StepResult(int Epoch, long Step, float Loss, int Correct, int Count)
{
    /// <summary>How long <see cref="Trainer.TrainEpoch"/> waited for this step's batch; zero for a step that was given its batch.</summary>
    public TimeSpan DataWait { get; init; }
}
