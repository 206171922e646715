using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace HybridCnn.Tests.Meta;

/// <summary>Writes an assembly's public surface as text: a line per type, an indented line per member, sorted by name.</summary>
internal static class ApiText
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static IEnumerable<string> Of(Assembly assembly)
    {
        foreach (Type type in assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            yield return Header(type);
            foreach (string line in type.GetMembers(Declared)
                .Select(member => (member.Name, Text: Member(member)))
                .Where(member => member.Text is not null)
                .OrderBy(member => member.Name, StringComparer.Ordinal).ThenBy(member => member.Text, StringComparer.Ordinal)
                .Select(member => "    " + member.Text))
                yield return line;
        }
    }

    private static string Header(Type type)
    {
        string kind = type.IsEnum ? "enum"
            : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
            : type.IsInterface ? "interface"
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "") + (type.IsByRefLike ? "ref struct" : "struct")
            : type.IsAbstract && type.IsSealed ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class"
            : "class";
        IEnumerable<string> bases = type.GetInterfaces().Where(i => i.IsPublic && !type.IsEnum).Select(Name).Order(StringComparer.Ordinal);
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum))
            bases = bases.Prepend(Name(parent));
        string list = string.Join(", ", bases);
        return $"{kind} {type.Namespace}.{Name(type)}{(list.Length > 0 ? " : " + list : "")}";
    }

    // Null for what is not public, and for what the compiler wrote for a property, an event or a record.
    private static string? Member(MemberInfo member) => member switch
    {
        _ when member.IsDefined(typeof(CompilerGeneratedAttribute)) && member is not (PropertyInfo or EventInfo) => null,
        FieldInfo field when Visible(field.IsPublic, field.IsFamily) && !field.IsSpecialName =>
            field.IsLiteral ? $"const {Name(field.FieldType)} {field.Name} = {Value(field.GetRawConstantValue())}"
            : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{Name(field.FieldType)} {field.Name}",
        ConstructorInfo constructor when Seen(constructor) => $"{Access(constructor)}{Name(constructor.DeclaringType!)}({Parameters(constructor)})",
        MethodInfo method when Seen(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) =>
            $"{Access(method)}{Name(method.ReturnType)} {method.Name}{Generic(method)}({Parameters(method)})",
        PropertyInfo property when property.GetAccessors(nonPublic: true).Any(Seen) =>
            $"{Access(property.GetAccessors(nonPublic: true).First(Seen))}{Name(property.PropertyType)} {property.Name}"
            + (property.GetIndexParameters() is { Length: > 0 } index ? $"[{string.Join(", ", index.Select(Parameter))}]" : "")
            + $" {{ {(property.GetMethod is { } get && Seen(get) ? "get; " : "")}{(property.SetMethod is { } set && Seen(set) ? IsInit(set) ? "init; " : "set; " : "")}}}",
        EventInfo happening when Seen(happening.AddMethod!) => $"event {Name(happening.EventHandlerType!)} {happening.Name}",
        _ => null,
    };

    private static bool Seen(MethodBase method) => Visible(method.IsPublic, method.IsFamily || method.IsFamilyOrAssembly);

    private static bool Visible(bool isPublic, bool isProtected) => isPublic || isProtected;

    private static bool IsInit(MethodInfo set) => set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static string Access(MethodBase method) =>
        (method.IsPublic ? "" : "protected ") + (method.IsStatic ? "static "
        : method.IsAbstract ? "abstract "
        : method is MethodInfo info && info.GetBaseDefinition() != info ? "override "
        : method.IsVirtual && !method.IsFinal ? "virtual " : "");

    private static string Generic(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string way = !parameter.ParameterType.IsByRef ? "" : parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        bool many = parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute));
        Type type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        return $"{(many ? "params " : "")}{way}{Name(type)} {parameter.Name}{(parameter.HasDefaultValue ? " = " + Default(parameter) : "")}";
    }

    private static string Default(ParameterInfo parameter) =>
        parameter.RawDefaultValue is null && parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null
            ? "default"
            : Value(parameter.RawDefaultValue);

    private static string Value(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return "ref " + Name(type.GetElementType()!);
        if (type.IsArray)
            return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        string name = type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        if (!type.IsGenericType)
            return Aliases.GetValueOrDefault(type, name);
        string arguments = string.Join(", ", type.GetGenericArguments().Select(Name));
        return type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true ? $"({arguments})" : $"{name.Split('`')[0]}<{arguments}>";
    }

    private static readonly Dictionary<Type, string> Aliases = new()
    {
        [typeof(void)] = "void", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(int)] = "int", [typeof(uint)] = "uint",
        [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double",
        [typeof(string)] = "string", [typeof(object)] = "object",
    };
}
