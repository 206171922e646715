using System.Runtime.InteropServices;

namespace HybridCnn.TorchSharp;

/// <summary>
/// PyTorch takes the memory of its tensors from the C library, and a training step frees all of it at its end. glibc then gives it back to the system, and the next step
/// pays for every page again.
/// </summary>
public static partial class FreedMemory
{
    private const int TrimThreshold = -1, MostMappings = -4;

    /// <summary>
    /// Tells the C library to keep what is freed, for the whole process from now on: its memory stays at its peak. Call it once at the start of a training.
    /// </summary>
    /// <returns>Whether this system's C library could be told: glibc can.</returns>
    public static bool Keep()
    {
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            return SetOption(TrimThreshold, int.MaxValue) == 1 && SetOption(MostMappings, 0) == 1;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int option, int value);
}
