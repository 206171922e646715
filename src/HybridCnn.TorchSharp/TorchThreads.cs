using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HybridCnn.Compute;
using TorchSharp;

namespace HybridCnn.TorchSharp;

/// <summary>
/// The threads of the OpenMP library that PyTorch computes with. After each of PyTorch's operators they spin for some milliseconds, on the processors where threads of
/// the engine would have to run; so the engine computes on them too.
/// </summary>
internal static unsafe partial class TorchThreads
{
    private const string OpenMp = "PyTorch's OpenMP";

    private static readonly Lazy<string?> s_unavailable = new(TryRegion);

    static TorchThreads() => NativeLibrary.SetDllImportResolver(typeof(TorchThreads).Assembly, Resolve);

    /// <summary>Null where so many can be had; otherwise why not.</summary>
    public static string? Refusal(int threads) =>
        torch.get_num_threads() is var theirs && threads > theirs ? $"PyTorch has {theirs}"
        : s_unavailable.Value is { } reason ? $"its OpenMP can't be reached ({reason})"
        : null;

    /// <summary>A <see cref="ParallelFor"/> over the team of the calling thread: as many threads as <c>torch.get_num_threads()</c> says, or its one thread within a region.</summary>
    public static void For(int count, Action<int> body)
    {
        var region = new Region(count, GCHandle.Alloc(body));
        try
        {
            // As PyTorch's own regions without a number of threads: libgomp ends threads where the next region has fewer, and starts them again.
            Parallel(&Run, &region, threads: 0, flags: 0);
        }
        finally
        {
            region.Body.Free();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Run(Region* region)
    {
        var body = (Action<int>)region->Body.Target!;
        int team = TeamSize();
        for (int i = ThreadNumber(); i < region->Count; i += team)
            body(i);
    }

    private static string? TryRegion()
    {
        try
        {
            int calls = 0;
            For(3, _ => Interlocked.Increment(ref calls));
            return calls == 3 ? null : $"a region made {calls} of 3 calls";
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return e.Message;
        }
    }

    // What is loaded before everything else, by LD_PRELOAD, serves PyTorch too; else libtorch's own, which it depends on.
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? paths)
    {
        if (name != OpenMp)
            return 0;
        nint program = NativeLibrary.GetMainProgramHandle();
        return NativeLibrary.TryGetExport(program, "GOMP_parallel", out _) ? program : NativeLibrary.Load("torch_cpu", assembly, paths);
    }

    [LibraryImport(OpenMp, EntryPoint = "GOMP_parallel")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial void Parallel(delegate* unmanaged[Cdecl]<Region*, void> body, Region* region, uint threads, uint flags);

    [LibraryImport(OpenMp, EntryPoint = "omp_get_num_threads")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int TeamSize();

    [LibraryImport(OpenMp, EntryPoint = "omp_get_thread_num")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int ThreadNumber();

    private readonly record struct Region(int Count, GCHandle Body);
}
