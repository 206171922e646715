namespace HybridCnn.Kernels;

/// <summary>Softmax and its cross-entropy, one row of logits at a time.</summary>
internal static class Softmax
{
    /// <summary>
    /// The loss -log softmax(logits)[label], by log-sum-exp around the maximum so that no finite logit overflows, and its
    /// gradient (softmax(logits) - onehot(label)) * scale. Sums in double: a thousand classes keep float's last digits.
    /// </summary>
    /// <param name="logits">[K].</param>
    /// <param name="label">In [0, K).</param>
    /// <param name="scale">What the gradient is multiplied by; 1 / N for a mean over N rows.</param>
    /// <param name="dlogits">[K], overwritten; may be empty where the gradient isn't wanted, and may be <paramref name="logits"/>.</param>
    public static double CrossEntropy(ReadOnlySpan<float> logits, int label, float scale, Span<float> dlogits)
    {
        float max = logits[0];
        foreach (float logit in logits)
            max = logit > max || float.IsNaN(logit) ? logit : max;

        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp((double)logit - max);
        double loss = Math.Log(sum) - ((double)logits[label] - max);

        for (int k = 0; k < dlogits.Length; k++)
        {
            double probability = Math.Exp((double)logits[k] - max) / sum;
            dlogits[k] = (float)((k == label ? probability - 1 : probability) * scale);
        }

        return loss;
    }

    /// <summary>The position of the largest logit, the first one in a tie: the predicted class.</summary>
    public static int Predict(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int k = 1; k < logits.Length; k++)
        {
            if (logits[k] > logits[best])
                best = k;
        }

        return best;
    }
}
