using System.Reflection;
using System.Runtime.InteropServices;
using HybridCnn.Benchmarks.Versus;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The three passes through libhybridcnn: the same library compiled ahead of time, in the memory order of the dims, on threads of its own.</summary>
internal sealed partial class CLibraryConvolution : IPeerConvolution
{
    private const string Library = "libhybridcnn";

    private static readonly Lazy<string?> LoadFailure = new(TryLoad);

    private readonly Conv2dDims _dims;
    private readonly ConvData _data;
    private readonly float[] _x, _dy, _y, _dx, _dWeights;
    private readonly nint _context, _plan;

    static CLibraryConvolution() => NativeLibrary.SetDllImportResolver(typeof(CLibraryConvolution).Assembly, (name, _, _) => name == Library ? NativeLibrary.Load(FilePath!) : 0);

    /// <param name="dims">The problem, in the memory order that is measured.</param>
    /// <param name="data">In planes; copied where the dims say otherwise.</param>
    /// <param name="threads">Of a context of its own.</param>
    public CLibraryConvolution(Conv2dDims dims, ConvData data, int threads)
    {
        (_dims, _data) = (dims, data);
        bool nhwc = dims.Layout == Layout.Nhwc;
        _x = (nhwc ? OurConvolution.ToPixels(data.X) : data.X).Span.ToArray();
        _dy = (nhwc ? OurConvolution.ToPixels(data.Dy) : data.Dy).Span.ToArray();
        (_y, _dx, _dWeights) = (new float[dims.YCount], new float[dims.XCount], new float[dims.WeightsCount]);
        Check(Create(new ContextOptions { Size = Marshal.SizeOf<ContextOptions>(), Threads = threads }, out _context));
        Check(Create(_context, new ConvolutionOptions
        {
            Size = Marshal.SizeOf<ConvolutionOptions>(), Layout = nhwc ? 1 : 0, N = dims.N, IC = dims.IC, IH = dims.IH, IW = dims.IW, OC = dims.OC, KH = dims.KH, KW = dims.KW,
            StrideH = dims.StrideH, StrideW = dims.StrideW, PadTop = dims.PadTop, PadLeft = dims.PadLeft, PadBottom = dims.PadBottom, PadRight = dims.PadRight,
            DilationH = dims.DilationH, DilationW = dims.DilationW, Groups = dims.Groups,
        }, out _plan));
    }

    /// <summary>Null where it loads; otherwise why not, in one line.</summary>
    public static string? Unavailable => LoadFailure.Value;

    public Action Step(string pass) => pass switch
    {
        "fwd" => () => Check(Forward(_plan, _context, _x, _x.Length, _data.Weights.Span, _data.Weights.Shape.Count, 0, 0, _y, _y.Length, 0, 0, 0)),
        "bwdd" => () => Check(BackwardData(_plan, _context, _dy, _dy.Length, _data.Weights.Span, _data.Weights.Shape.Count, _dx, _dx.Length, 0, 0)),
        _ => () => Check(BackwardWeights(_plan, _context, _x, _x.Length, _dy, _dy.Length, _dWeights, _dWeights.Length, 0, 0, 0, 0)),
    };

    public double[] Result(string pass)
    {
        float[] result = pass == "fwd" ? _y : pass == "bwdd" ? _dx : _dWeights;
        Array.Fill(result, pass == "bwdw" ? 0 : float.NaN);
        Step(pass)();
        if (pass != "bwdw" && _dims.Layout == Layout.Nhwc)
        {
            var pixels = new Tensor((pass == "fwd" ? _data.Y : _data.Dx).Shape);
            result.CopyTo(pixels.Span);
            result = OurConvolution.ToPlanes(pixels).Span.ToArray();
        }

        return Array.ConvertAll(result, value => (double)value);
    }

    public void Dispose()
    {
        _ = Destroy(_plan);
        _ = Destroy(_context);
    }

    private static string? FilePath
    {
        get
        {
            for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "HybridCnn.sln")))
                    return Path.Combine(folder.FullName, "artifacts", "c", OperatingSystem.IsWindows() ? $"{Library}.dll" : OperatingSystem.IsMacOS() ? $"{Library}.dylib" : $"{Library}.so");
            }

            return null;
        }
    }

    private static string? TryLoad() =>
        FilePath is not { } path || !File.Exists(path) ? $"{FilePath ?? Library} is not there; `dotnet publish -c Release src/HybridCnn.C -o artifacts/c` makes it"
        : NativeLibrary.TryLoad(path, out _) ? null
        : $"{path} does not load";

    private static void Check(int status)
    {
        if (status != 0)
            throw new InvalidOperationException($"{Library}: status {status}: {Marshal.PtrToStringUTF8(LastError())}");
    }

    [LibraryImport(Library, EntryPoint = "hybridcnn_last_error")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial nint LastError();

    [LibraryImport(Library, EntryPoint = "hybridcnn_context_create")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int Create(in ContextOptions options, out nint context);

    [LibraryImport(Library, EntryPoint = "hybridcnn_convolution_create")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int Create(nint context, in ConvolutionOptions options, out nint plan);

    [LibraryImport(Library, EntryPoint = "hybridcnn_destroy")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "hybridcnn_convolution_forward")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int Forward(
        nint plan, nint context, ReadOnlySpan<float> x, long xCount, ReadOnlySpan<float> weights, long weightsCount, nint bias, long biasCount, Span<float> y, long yCount,
        int relu, nint workspace, long workspaceBytes);

    [LibraryImport(Library, EntryPoint = "hybridcnn_convolution_backward_data")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int BackwardData(
        nint plan, nint context, ReadOnlySpan<float> dy, long dyCount, ReadOnlySpan<float> weights, long weightsCount, Span<float> dx, long dxCount, nint workspace, long workspaceBytes);

    [LibraryImport(Library, EntryPoint = "hybridcnn_convolution_backward_weights")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static partial int BackwardWeights(
        nint plan, nint context, ReadOnlySpan<float> x, long xCount, ReadOnlySpan<float> dy, long dyCount, Span<float> dWeights, long dWeightsCount, nint dBias, long dBiasCount,
        nint workspace, long workspaceBytes);

    /// <summary>hybridcnn_context_options.</summary>
    private struct ContextOptions
    {
        public int Size, Threads, Precision, Deterministic;
        public long WorkspaceLimit;
    }

    /// <summary>hybridcnn_convolution_options.</summary>
    private struct ConvolutionOptions
    {
        public int Size, Layout, N, IC, IH, IW, OC, KH, KW, StrideH, StrideW, PadTop, PadLeft, PadBottom, PadRight, DilationH, DilationW, Groups;
    }
}
