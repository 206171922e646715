using System.Collections;
using System.Reflection;
using HybridCnn.Compute;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>One swap of a model's modules: finds all modules and the places that hold them, then replaces those that every one of their places allows.</summary>
internal sealed class ModuleSwap(nn.Module model, ComputeOptions? options)
{
    private static readonly string[] Hooks = ["pre_hooks", "post_hooks", "module_pre_hooks", "module_post_hooks"];

    private readonly List<nn.Module> _modules = [];
    private readonly Dictionary<nn.Module, string> _names = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<nn.Module, List<ModulePlace>> _places = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<nn.Module, nn.Module> _replacements = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<nn.Module, string> _remarks = new(ReferenceEqualityComparer.Instance);

    /// <summary>What can be swapped, by the names of TorchSharp's types.</summary>
    public static IReadOnlyList<string> Names { get; } = [nameof(Conv2d), nameof(MaxPool2d), nameof(BatchNorm2d)];

    public SwapReport Run()
    {
        Visit(model, "");
        foreach (nn.Module module in _modules)
            Replace(module);
        foreach (nn.Module module in _modules)
            RegisterAnew(module);
        return new SwapReport([.. _modules.Where(IsLeaf).Select(EntryOf)], SharedContexts.Describe(SharedContexts.For(options)));
    }

    private static bool CanBeSwapped(nn.Module module) => module is Conv2d or MaxPool2d or BatchNorm2d;

    private static bool IsLeaf(nn.Module module) => !module.named_children().Any();

    private SwapEntry EntryOf(nn.Module module) => new(
        _names[module], module.GetType().Name, _replacements.ContainsKey(module), _remarks.GetValueOrDefault(module, ""));

    // Children under their names first, then what only fields know.
    private void Visit(nn.Module module, string name)
    {
        if (!_names.TryAdd(module, name))
            return;
        _modules.Add(module);
        if (CanBeSwapped(module) || module is HybridModule)
            return;
        string Path(string child) => name.Length == 0 ? child : $"{name}.{child}";
        foreach ((string child, nn.Module inner) in module.named_children())
            Visit(inner, Path(child));
        foreach (ModulePlace place in ModulePlace.Of(module))
        {
            nn.Module inner = place.Module!;
            if (!_places.TryGetValue(inner, out List<ModulePlace>? places))
                _places[inner] = places = [];
            places.Add(place);
            Visit(inner, Path(place.List is null ? place.Field.Name : $"{place.Field.Name}[{place.Index}]"));
        }
    }

    private void Replace(nn.Module module)
    {
        if (!CanBeSwapped(module))
            return;
        List<ModulePlace> places = _places.GetValueOrDefault(module, []);
        ModulePlace? relu = module is BatchNorm2d ? ReluBehind(places) : null;
        if (Refusal(module) is { } reason)
        {
            _remarks[module] = reason;
            return;
        }

        if (places.Count == 0)
        {
            _remarks[module] = ReferenceEquals(module, model) ? $"the model itself; make a Hybrid{module.GetType().Name} of it" : "no field or list that could hold another module has it";
            return;
        }

        if (places.Select(place => place.Refusal).FirstOrDefault(refusal => refusal is not null) is { } refusal)
        {
            _remarks[module] = refusal;
            return;
        }

        nn.Module other = module switch
        {
            Conv2d convolution => new HybridConv2d(convolution, options),
            MaxPool2d pooling => new HybridMaxPool2d(pooling, options),
            BatchNorm2d normalization => new HybridBatchNorm2d(normalization, relu is not null, options),
            _ => throw new InvalidOperationException($"{module.GetType().Name} can't be swapped."),
        };
        _replacements[module] = other;
        foreach (ModulePlace place in places)
            place.Put(other);
        if (relu is null)
            return;
        _remarks[module] = "with the ReLU behind it";
        _remarks[relu.Module!] = $"taken in by {_names[module]}";
        nn.Module nothing = nn.Identity();
        nothing.train(module.training);
        relu.Put(nothing);
    }

    private static string? Refusal(nn.Module module) =>
        HasHooks(module) ? "it has hooks"
        : module is Conv2d convolution ? HybridConv2d.Refusal(convolution)
        : module is BatchNorm2d normalization ? HybridBatchNorm2d.Refusal(normalization)
        : null;

    private static bool HasHooks(nn.Module module)
    {
        for (Type? type = module.GetType(); type is not null; type = type.BaseType)
        {
            if (Hooks.Select(name => type.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)?.GetValue(module))
                .Any(value => value is ICollection { Count: > 0 }))
                return true;
        }

        return false;
    }

    // Only a Sequential says by itself what follows what, and only if nobody else can call the module.
    private static ModulePlace? ReluBehind(List<ModulePlace> places) =>
        places is [{ Owner: Sequential, List: { } list } place] && place.Index + 1 < list.Count && list[place.Index + 1] is ReLU relu && !HasHooks(relu)
            ? place with { Index = place.Index + 1 }
            : null;

    // A module's list of children keeps its order: parameters are listed, and optimizers' states saved, by it. A Sequential's list is the one in its field.
    private void RegisterAnew(nn.Module module)
    {
        if (module is Sequential)
            return;
        (string Name, nn.Module Module)[] children = [.. module.named_children()];
        if (!children.Any(child => _replacements.ContainsKey(child.Module)))
            return;
        foreach ((string name, _) in children)
            module.register_module(name, null!);
        foreach ((string name, nn.Module child) in children)
            module.register_module(name, _replacements.GetValueOrDefault(child, child));
    }
}
