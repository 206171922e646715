namespace HybridCnn.Kernels;

/// <summary>Softmax and its cross-entropy, one row of logits at a time.</summary>
internal static class Softmax
{
    /// <summary>
    /// The loss Σ q·-log softmax(logits), by log-sum-exp around the maximum so that no finite logit overflows, and its
    /// gradient (softmax(logits)·Σq - q)·scale. Sums in double: a thousand classes keep float's last digits.
    /// </summary>
    /// <param name="logits">[K].</param>
    /// <param name="target">q of each class.</param>
    /// <param name="scale">What the gradient is multiplied by; 1 / N for a mean over N rows.</param>
    /// <param name="dlogits">[K], overwritten; may be empty where the gradient isn't wanted, and may be <paramref name="logits"/>.</param>
    public static double CrossEntropy(ReadOnlySpan<float> logits, ClassTarget target, double scale, Span<float> dlogits)
    {
        float max = logits[0];
        foreach (float logit in logits)
            max = logit > max || float.IsNaN(logit) ? logit : max;

        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp((double)logit - max);
        double logSum = Math.Log(sum), loss = 0, total = 0;
        for (int k = 0; k < logits.Length; k++)
        {
            double q = target[k];
            total += q;
            // A class that isn't asked for says nothing, whatever its logit. A sum that isn't a number still shows: some class is asked for.
            if (q != 0)
                loss += q * (logSum - ((double)logits[k] - max));
        }

        for (int k = 0; k < dlogits.Length; k++)
            dlogits[k] = (float)((Math.Exp((double)logits[k] - max) / sum * total - target[k]) * scale);
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
