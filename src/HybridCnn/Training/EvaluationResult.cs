namespace HybridCnn.Training;

/// <summary>How a network does on a data set.</summary>
public sealed class EvaluationResult
{
    private readonly float[] _losses;
    private readonly int[] _predictions;

    internal EvaluationResult(float[] losses, int[] predictions, int[,] confusion)
    {
        _losses = losses;
        _predictions = predictions;
        Confusion = confusion;
        Loss = losses.Sum(loss => (double)loss) / losses.Length;
        for (int label = 0; label < confusion.GetLength(0); label++)
            Correct += confusion[label, label];
    }

    /// <summary>Images looked at: the first ones of the data set, all of them unless the evaluation was cancelled.</summary>
    public int Count => _losses.Length;

    /// <summary>Images whose largest logit is their label's.</summary>
    public int Correct { get; }

    /// <summary>Share of images that were classified right, 0 to 1.</summary>
    public double Accuracy => (double)Correct / Count;

    /// <summary>Mean over the images.</summary>
    public double Loss { get; }

    /// <summary>[label, prediction] → number of images.</summary>
    public int[,] Confusion { get; }

    /// <summary>The loss of each image, in the order of the data set.</summary>
    public ReadOnlySpan<float> ImageLosses => _losses;

    /// <summary>The predicted class of each image, in the order of the data set.</summary>
    public ReadOnlySpan<int> Predictions => _predictions;
}
