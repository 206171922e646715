using System.Runtime.InteropServices;
using HybridCnn.IO;
using HybridCnn.Training;

namespace HybridCnn.C;

/// <summary>Turns whatever was thrown into a status and the text of hybridcnn_last_error: nothing leaves the library but these.</summary>
internal static class Failure
{
    [ThreadStatic]
    private static NativeText? t_last;

    /// <summary>The text of this thread's latest failure, closed by a zero; null if there was none.</summary>
    public static unsafe byte* Text => t_last is null ? null : t_last.Pointer;

    public static Status Report(Exception exception)
    {
        // The runtime wraps what a static constructor threw.
        while (exception is TypeInitializationException { InnerException: { } inner })
            exception = inner;
        try
        {
            Status status = StatusOf(exception);
            t_last = new NativeText(status == Status.Internal ? exception.ToString() : MessageOf(exception));
            return status;
        }
        catch (OutOfMemoryException)
        {
            return Status.Memory;
        }
    }

    private static Status StatusOf(Exception exception) => exception switch
    {
        HandleException or ObjectDisposedException => Status.Handle,
        // An index of max pooling that isn't one.
        ArgumentException or IndexOutOfRangeException => Status.Argument,
        OutOfMemoryException => Status.Memory,
        DivergedException => Status.Diverged,
        DataFormatException or IOException or UnauthorizedAccessException => Status.File,
        DllNotFoundException or BadImageFormatException or EntryPointNotFoundException => Status.Library,
        // A setting in the environment that makes no sense.
        InvalidOperationException { Message: var message } when message.StartsWith("HYBRIDCNN_", StringComparison.Ordinal) => Status.Library,
        _ => Status.Internal,
    };

    private static string MessageOf(Exception exception) => exception switch
    {
        ObjectDisposedException => "The context was destroyed.",
        IndexOutOfRangeException => "indices holds an index outside of its plane: they aren't those that the forward pass wrote.",
        // Without the managed argument's name behind it: the message has the one that C knows.
        ArgumentException { ParamName: { } name, Message: var message } => message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal),
        _ => exception.Message,
    };

    /// <summary>Memory that C reads for as long as this object is some thread's latest.</summary>
    private sealed unsafe class NativeText(string text)
    {
        public byte* Pointer { get; } = (byte*)Marshal.StringToCoTaskMemUTF8(text);

        ~NativeText() => Marshal.FreeCoTaskMem((nint)Pointer);
    }
}
