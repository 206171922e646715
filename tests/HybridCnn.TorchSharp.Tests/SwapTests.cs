using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace HybridCnn.TorchSharp.Tests;

public class SwapTests
{
    [TorchFact]
    public void A_swap_keeps_names_parameters_and_results()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Module<Tensor, Tensor> model = SmallNetwork();
        using var optimizer = optim.SGD(model.parameters(), 0.1);
        Tensor x = randn(2, 3, 16, 16);
        (string[] names, Tensor[] parameters) = ([.. model.state_dict().Keys], [.. model.parameters()]);
        model.eval();
        Tensor expected = model.forward(x).detach();
        SwapReport report = model.UseHybridCnn();
        Assert.Equal(5, report.Swapped);
        Assert.Empty(report.Refused);
        Assert.Contains("2  ReLU               left: taken in by 1", report.ToString(), StringComparison.Ordinal);
        Assert.Contains("5 of 9 modules swapped, 0 could not be; on ", report.ToString(), StringComparison.Ordinal);
        Assert.Equal(names, model.state_dict().Keys);
        Assert.Equal(parameters, model.parameters(), ReferenceEqualityComparer.Instance);
        Assert.All(model.modules(), module => Assert.False(module.training));
        Compare.AssertClose(expected, model.forward(x).detach(), "y");

        // An optimizer made before has the parameters that the swapped model learns with.
        float before = parameters[0].abs().sum().item<float>();
        model.train();
        model.forward(x).pow(2).sum().backward();
        optimizer.step();
        Assert.NotEqual(before, parameters[0].abs().sum().item<float>());
        Assert.Contains("0 (Conv2d)", model.ExplainHybridCnn(), StringComparison.Ordinal);
        // Once is enough: a second swap finds nothing.
        Assert.Equal(0, model.UseHybridCnn().Swapped);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        model.forward(x);
    }

    [TorchFact]
    public void Weights_go_through_a_state_dictionary_into_and_out_of_a_swapped_model()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        (Module<Tensor, Tensor> first, Module<Tensor, Tensor> second) = (SmallNetwork(), SmallNetwork());
        first.UseHybridCnn();
        Tensor x = randn(2, 3, 16, 16);
        first.forward(x);
        second.load_state_dict(first.state_dict());
        first.eval();
        second.eval();
        Compare.AssertClose(second.forward(x), first.forward(x), "y");
    }

    [TorchFact]
    public void Modules_are_found_in_fields_lists_and_arrays_and_left_with_a_reason_where_a_field_is_too_narrow()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var model = new Custom();
        Tensor x = randn(2, 3, 12, 12);
        string[] names = [.. model.state_dict().Keys];
        model.eval();
        Tensor expected = model.forward(x).detach();
        SwapReport report = model.UseHybridCnn();
        Assert.Equal(["narrow", "hooked"], report.Refused.Select(entry => entry.Name));
        Assert.Contains("declare that as Module<Tensor, Tensor>", report.Refused.First().Remark, StringComparison.Ordinal);
        Assert.Equal("it has hooks", report.Refused.Last().Remark);
        Assert.Equal(["conv", "list.0", "list.1", "array[0]"], report.Entries.Where(entry => entry.Swapped).Select(entry => entry.Name));
        Assert.Equal(names, model.state_dict().Keys);
        Compare.AssertClose(expected, model.forward(x), "y");
        Assert.Equal(4, model.CallsOfOurs);
    }

    [TorchFact]
    public void A_layer_by_itself_cannot_be_swapped_in_place()
    {
        using var layer = Conv2d(3, 4, 3);
        SwapReport report = layer.UseHybridCnn();
        Assert.Equal(0, report.Swapped);
        Assert.Contains("make a HybridConv2d of it", report.ToString(), StringComparison.Ordinal);
    }

    private static Module<Tensor, Tensor> SmallNetwork() => Sequential(
        Conv2d(3, 16, 3, padding: 1, bias: false), BatchNorm2d(16), ReLU(inplace: true), MaxPool2d(2), Conv2d(16, 32, 3), BatchNorm2d(32), AdaptiveAvgPool2d(1), Flatten(), Linear(32, 4));

    private sealed class Custom : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Conv2d(3, 16, 3, padding: 1);
        private readonly global::TorchSharp.Modules.Conv2d narrow = Conv2d(16, 16, 3, padding: 1);
        private readonly global::TorchSharp.Modules.ModuleList<Module<Tensor, Tensor>> list = ModuleList<Module<Tensor, Tensor>>(Conv2d(16, 16, 1), BatchNorm2d(16));
        private readonly Module<Tensor, Tensor> hooked = Conv2d(16, 16, 1);
        private readonly Module<Tensor, Tensor>[] array = [MaxPool2d(2)];

        public Custom()
            : base(nameof(Custom))
        {
            RegisterComponents();
            ((global::TorchSharp.Modules.Conv2d)hooked).register_forward_hook((_, _, y) => y);
        }

        public long CallsOfOurs => new[] { conv, list[0], list[1], array[0] }.OfType<HybridModule>().Sum(module => module.Calls);

        public override Tensor forward(Tensor input)
        {
            Tensor x = hooked.call(narrow.call(conv.call(input)));
            return array[0].call(list[1].call(list[0].call(x)));
        }
    }
}
