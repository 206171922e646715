namespace HybridCnn.C;

/// <summary>A handle that names no object, or one of another kind.</summary>
internal sealed class HandleException(string message) : Exception(message);
