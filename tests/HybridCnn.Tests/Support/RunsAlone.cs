namespace HybridCnn.Tests.Support;

/// <summary>Tests that look at the whole process (its allocations) and so run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RunsAlone
{
    public const string Name = "Runs alone";
}
