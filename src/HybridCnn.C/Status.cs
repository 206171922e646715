namespace HybridCnn.C;

/// <summary>hybridcnn_status.</summary>
internal enum Status
{
    Ok = 0,
    Argument = 1,
    Handle = 2,
    Memory = 3,
    File = 4,
    Library = 5,
    Diverged = 6,
    Internal = 7,
}
