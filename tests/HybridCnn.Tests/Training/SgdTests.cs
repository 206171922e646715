using HybridCnn.Compute;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

public class SgdTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Updates_every_element_of_every_parameter_once(int threads)
    {
        using var context = new ComputeContext(threads);
        Parameter[] parameters = [new("a", new Shape(1)), new("b", new Shape(3, 4097)), new("c", new Shape(81920)), new("d", new Shape(5))];
        foreach (Parameter parameter in parameters)
            parameter.Gradient.Span.Fill(2);
        var sgd = new Sgd(parameters, 0.25f, momentum: 0.5f);
        sgd.Step(context);
        Assert.All(parameters, parameter => Assert.DoesNotContain(parameter.Value.Span.ToArray(), value => value != -0.5f));
        sgd.Step(context);
        Assert.All(parameters, parameter => Assert.DoesNotContain(parameter.Value.Span.ToArray(), value => value != -1.25f));
        Assert.All(parameters, parameter => Assert.DoesNotContain(parameter.Gradient.Span.ToArray(), value => value != 2));
        sgd.ZeroGradients();
        Assert.All(parameters, parameter => Assert.DoesNotContain(parameter.Gradient.Span.ToArray(), value => value != 0));
    }

    [Fact]
    public void The_learning_rate_can_change_between_steps()
    {
        using var context = new ComputeContext(1);
        var parameter = new Parameter("p", new Shape(1));
        parameter.Gradient.Span[0] = 1;
        var sgd = new Sgd([parameter], 1);
        sgd.Step(context);
        sgd.LearningRate = 0.5f;
        sgd.Step(context);
        Assert.Equal(-1.5f, parameter.Value.Span[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => sgd.LearningRate = float.NaN);
        Assert.Throws<ArgumentOutOfRangeException>(() => sgd.LearningRate = -1);
        Assert.Equal(0.5f, sgd.LearningRate);
    }

    [Fact]
    public void Refuses_settings_without_meaning()
    {
        Parameter parameter = new("p", new Shape(2));
        Refused("parameters", () => _ = new Sgd(null!, 1));
        Refused("parameters", () => _ = new Sgd([], 1));
        Refused("parameters", () => _ = new Sgd([parameter, null!], 1));
        Assert.Contains("p [2], stands here twice", Refused("parameters", () => _ = new Sgd([parameter, parameter], 1)), StringComparison.Ordinal);
        Refused("LearningRate", () => _ = new Sgd([parameter], float.PositiveInfinity));
        Refused("momentum", () => _ = new Sgd([parameter], 1, momentum: -0.1f));
        Refused("weightDecay", () => _ = new Sgd([parameter], 1, weightDecay: float.NaN));
        Refused("dampening", () => _ = new Sgd([parameter], 1, 0.9f, dampening: float.NaN));
        Refused("nesterov", () => _ = new Sgd([parameter], 1, nesterov: true));
        Refused("nesterov", () => _ = new Sgd([parameter], 1, 0.9f, nesterov: true, dampening: 0.1f));
        Refused("context", () => new Sgd([parameter], 1).Step(null!));
    }

    private static string Refused(string argument, Action call)
    {
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(call);
        Assert.Equal(argument, exception.ParamName);
        return exception.Message;
    }
}
