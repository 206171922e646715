using System.Diagnostics;
using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Kernels;

namespace HybridCnn.Tests.Support;

/// <summary>
/// This assembly as a program, for what is decided once per process: which BLAS serves. Main must not need xunit, so that
/// it also runs from a folder that holds little else.
/// </summary>
internal static class Probe
{
    /// <summary>What a finished probe left.</summary>
    public sealed record Outcome(int ExitCode, string Output, string Error)
    {
        public string this[string key] =>
            Output.Split(Environment.NewLine).First(line => line.StartsWith(key + "=", StringComparison.Ordinal))[(key.Length + 1)..];
    }

    public static int Main(string[] args)
    {
        try
        {
            switch (args)
            {
                case ["blas", .. var settings]:
                    if (settings is [var core])
                        Blas.Configure(core: core);
                    DescribeBlas();
                    return 0;
                case ["configure-too-late"]:
                    _ = Blas.Current;
                    Blas.Configure(core: "auto");
                    return 0;
                case ["free-answers"]:
                    foreach (string library in new[] { NativeMethods.Helper, NativeMethods.OpenBlas, NativeMethods.Helper, NativeMethods.OpenBlas })
                    {
                        if (NativeLibraries.Resolve(library, typeof(Probe).Assembly, null) is not 0 and var answer)
                            NativeLibrary.Free(answer);
                    }

                    DescribeBlas();
                    return 0;
                default:
                    return 64;
            }
        }
        catch (Exception e) when (e is DllNotFoundException or InvalidOperationException)
        {
            Console.Error.WriteLine($"{e.GetType().Name}: {e.Message}");
            return 1;
        }
    }

    /// <summary>Runs the probe with exactly these BLAS variables set, from a folder (null: where the tests lie).</summary>
    public static Outcome Run(string[] arguments, string? folder = null, params (string Name, string Value)[] variables)
    {
        string assembly = Path.Combine(folder ?? AppContext.BaseDirectory, "HybridCnn.Tests.dll");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(assembly);
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (string name in new[] { Blas.LibraryVariable, Blas.CoreVariable, "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_BLOCK_FACTOR" })
            start.Environment.Remove(name);
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, error.Result);
    }

    private static void DescribeBlas()
    {
        // From two threads at once and then again: the warnings must still come once.
        Task<BlasInfo> other = Task.Run(() => Blas.Current);
        _ = Blas.Current;
        _ = other.GetAwaiter().GetResult();
        float[] product = [float.NaN];
        Gemm.Run(Transpose.No, Transpose.No, 1, 1, 2, 1, new float[] { 2, 3 }, 2, new float[] { 5, 7 }, 1, 0, product, 1);
        BlasInfo info = Blas.Current;
        Console.WriteLine($"product={product[0]}");
        Console.WriteLine($"kind={info.Kind}");
        Console.WriteLine($"name={info}");
        Console.WriteLine($"threading={info.Threading}");
        Console.WriteLine($"path={info.Path}");
        Console.WriteLine($"version={info.Version}");
        Console.WriteLine($"core={info.Core}");
        Console.WriteLine($"config={info.Config}");
        Console.WriteLine($"pins={string.Join(',', info.EnvironmentPins)}");
        Console.WriteLine($"cost={info.PinCost}");
        Console.WriteLine($"mismatches={BlasCheck.SelfTest(2, 4).Mismatches}");
    }
}
