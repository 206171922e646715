using static TorchSharp.torch;

namespace HybridCnn.TorchSharp.Tests.Support;

/// <summary>A module of ours beside the function of PyTorch that it stands for: results and all gradients.</summary>
internal static class Compare
{
    // Of the largest value; Winograd stays below 6e-6, and both sides round.
    public const double Tolerance = 2e-5;

    /// <summary>x in one of three orders: contiguous, channels_last, or the images' rows and columns exchanged.</summary>
    public static Tensor Images(long n, long c, long h, long w, string order) => order switch
    {
        "nchw" => randn(n, c, h, w),
        "nhwc" => randn(n, h, w, c).permute(0, 3, 1, 2),
        _ => randn(n, c, w, h).transpose(2, 3),
    };

    public static void AssertClose(Tensor expected, Tensor? actual, string what)
    {
        Assert.True(actual is not null, $"{what} is missing");
        Assert.Equal(expected.shape, actual!.shape);
        double scale = Math.Max(1e-6, expected.detach().abs().max().item<float>()), difference = (expected - actual).detach().abs().max().item<float>();
        Assert.True(difference <= Tolerance * scale, $"{what}: differs by {difference:G3} of {scale:G3}");
    }

    /// <summary>Runs both on the same x and dy, x as a leaf that wants its gradient, and compares y, dx and the gradients of the parameters.</summary>
    public static void Run(Func<Tensor, Tensor> expected, Func<Tensor, Tensor> actual, Tensor x, IReadOnlyList<Tensor> parameters, string what)
    {
        using var scope = NewDisposeScope();
        Tensor dy;
        using (no_grad())
            dy = randn_like(expected(x));
        (Tensor y, Tensor dx, Tensor[] gradients) = Passes(expected, x, parameters, dy);
        (Tensor ours, Tensor ourDx, Tensor[] ourGradients) = Passes(actual, x, parameters, dy);
        AssertClose(y, ours, $"{what} y");
        AssertClose(dx, ourDx, $"{what} dx");
        for (int i = 0; i < parameters.Count; i++)
            AssertClose(gradients[i], ourGradients[i], $"{what} gradient {i}");
    }

    private static (Tensor Y, Tensor Dx, Tensor[] Gradients) Passes(Func<Tensor, Tensor> function, Tensor x, IReadOnlyList<Tensor> parameters, Tensor dy)
    {
        foreach (Tensor parameter in parameters)
            parameter.grad = null;
        Tensor leaf = x.detach().requires_grad_(true);
        Tensor y = function(leaf);
        y.backward([dy]);
        return (y.detach(), leaf.grad!, [.. parameters.Select(parameter => parameter.grad!.clone())]);
    }
}
