using HybridCnn.IO;

namespace HybridCnn.Data;

/// <summary>A picture as bytes.</summary>
/// <param name="Pixels">[C, H, W]; one channel is grey, three are red, green, blue.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public sealed record DecodedImage(byte[] Pixels, int Channels, int Height, int Width);

/// <summary>
/// Reads a picture file: the seam to a library of picture formats, which this one doesn't have. Called by several threads at once.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="channels">1 or 3; 0 = as the file has it.</param>
/// <param name="height">Rows to scale to, cutting off what is beyond the proportions at both ends alike; 0 = as the file has it.</param>
/// <param name="width">Columns to scale to; 0 = as the file has it.</param>
/// <exception cref="DataFormatException">It can't be read; the message names the file.</exception>
public delegate DecodedImage ImageDecoder(string path, int channels, int height, int width);
