using HybridCnn.Data;

namespace HybridCnn.Cli.Runs;

/// <summary>What a network answered to every image of a data set.</summary>
internal sealed class Evaluation
{
    private readonly float[] _confidence;
    private readonly int[] _predicted;

    /// <param name="data">The images, in order.</param>
    /// <param name="logits">The network's outputs, [N, K].</param>
    public Evaluation(ImageDataset data, ReadOnlySpan<float> logits)
    {
        Data = data;
        int classes = data.ClassNames.Count;
        _confidence = new float[data.Count];
        _predicted = new int[data.Count];
        Confusion = new int[classes, classes];
        var p = new float[classes];
        double loss = 0;
        int correct = 0;
        for (int i = 0; i < data.Count; i++)
        {
            loss += Softmax(logits.Slice(i * classes, classes), p, data.Label(i));
            _predicted[i] = IndexOfLargest(p);
            _confidence[i] = p[_predicted[i]];
            Confusion[data.Label(i), _predicted[i]]++;
            correct += _predicted[i] == data.Label(i) ? 1 : 0;
        }

        Loss = loss / data.Count;
        Accuracy = (double)correct / data.Count;
    }

    public ImageDataset Data { get; }

    /// <summary>Mean cross-entropy in nats.</summary>
    public double Loss { get; }

    /// <summary>Share of right answers.</summary>
    public double Accuracy { get; }

    /// <summary>Number of images by [true class, predicted class].</summary>
    public int[,] Confusion { get; }

    public int Classes => Confusion.GetLength(0);

    public int Predicted(int image) => _predicted[image];

    /// <summary>The probability that the network gave its answer.</summary>
    public float Confidence(int image) => _confidence[image];

    /// <summary>Images of a true class.</summary>
    public int CountOf(int label) => Enumerable.Range(0, Classes).Sum(j => Confusion[label, j]);

    /// <summary>Answers of a class.</summary>
    public int AnswersOf(int label) => Enumerable.Range(0, Classes).Sum(i => Confusion[i, label]);

    /// <summary>Wrong answers, the surest first.</summary>
    public IEnumerable<int> WorstMistakes() => Enumerable.Range(0, Data.Count)
        .Where(i => _predicted[i] != Data.Label(i))
        .OrderByDescending(Confidence).ThenBy(i => i);

    /// <summary>Writes the probabilities and returns -log p[label], both from the logits less their largest.</summary>
    public static double Softmax(ReadOnlySpan<float> logits, Span<float> probabilities, int label)
    {
        float largest = logits[IndexOfLargest(logits)];
        double sum = 0;
        for (int k = 0; k < logits.Length; k++)
            sum += Math.Exp(logits[k] - largest);
        for (int k = 0; k < logits.Length; k++)
            probabilities[k] = (float)(Math.Exp(logits[k] - largest) / sum);
        return Math.Log(sum) - (logits[label] - largest);
    }

    private static int IndexOfLargest(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int k = 1; k < values.Length; k++)
            best = values[k] > values[best] ? k : best;
        return best;
    }
}
