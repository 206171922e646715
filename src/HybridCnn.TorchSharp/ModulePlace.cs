using System.Collections;
using System.Reflection;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>Where a model keeps a module: a field, or an element of an array or list in a field.</summary>
/// <param name="Owner">The module with the field.</param>
/// <param name="Field">The field.</param>
/// <param name="List">The array or list in it; null if it is the module's own.</param>
/// <param name="Index">The element.</param>
internal sealed record ModulePlace(nn.Module Owner, FieldInfo Field, IList? List, int Index)
{
    /// <summary>What lies there; null for an element that is no module.</summary>
    public nn.Module? Module => (List is null ? Field.GetValue(Owner) : List[Index]) as nn.Module;

    /// <summary>Null if any module from tensor to tensor can lie there, else why not.</summary>
    public string? Refusal
    {
        get
        {
            Type declared = List is null ? Field.FieldType : ElementOf(List.GetType())!;
            return declared.IsAssignableFrom(typeof(HybridModule)) ? null
                : $"{Owner.GetName()} keeps it in {Field.Name}, of {(List is null ? "" : "elements of ")}type {declared.Name}; declare that as Module<Tensor, Tensor>";
        }
    }

    public void Put(nn.Module module)
    {
        if (List is null)
            Field.SetValue(Owner, module);
        else
            List[Index] = module;
    }

    /// <summary>The places of a module's own fields, TorchSharp's containers included.</summary>
    public static IEnumerable<ModulePlace> Of(nn.Module owner)
    {
        // The bases that TorchSharp's classes nest in torch.nn have hooks and registrations alone.
        for (Type? type = owner.GetType(); type is not null && type.DeclaringType != typeof(nn); type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                object? value = field.GetValue(owner);
                if (value is nn.Module)
                    yield return new ModulePlace(owner, field, null, 0);
                else if (value is IList list && ElementOf(list.GetType()) is not null)
                {
                    for (int i = 0; i < list.Count; i++)
                    {
                        if (list[i] is nn.Module)
                            yield return new ModulePlace(owner, field, list, i);
                    }
                }
            }
        }
    }

    // Null for what is neither a plain array nor a List.
    private static Type? ElementOf(Type list) =>
        list.IsSZArray ? list.GetElementType()
        : list.IsGenericType && list.GetGenericTypeDefinition() == typeof(List<>) ? list.GetGenericArguments()[0]
        : null;
}
