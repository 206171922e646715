using HybridCnn.Compute;
using HybridCnn.IO;

namespace HybridCnn.Data;

/// <summary>A picture file and its class.</summary>
internal readonly record struct LabelledFile(string Path, int Label);

/// <summary>Decodes files on all threads into one array of bytes, the training files first: their first good picture decides what was left open.</summary>
internal sealed class PictureSet(ImageDecoder decoder, ImageFolderOptions options, LoadReport report)
{
    private int _channels = options.Channels, _height = options.Height, _width = options.Width;

    /// <exception cref="DataFormatException">A picture can't be read or has another size, and bad ones aren't left out; none is good; too many pixels.</exception>
    public ImageDataset Decode(List<LabelledFile> files, string[] classes, Normalization? normalization)
    {
        var job = new Job(decoder, [.. files], new DataFormatException?[files.Count]);
        FollowFirst(job);
        int size = checked(_channels * _height * _width);
        if ((long)files.Count * size > Array.MaxLength)
        {
            throw new DataFormatException(
                $"{files.Count} pictures of {_channels}x{_height}x{_width} make {(long)files.Count * size:#,0} bytes; at most {Array.MaxLength:#,0} fit. Scale them to a smaller size.");
        }

        (job.Channels, job.Height, job.Width, job.AnySize) = (_channels, _height, _width, options.Height > 0);
        job.Pixels = new byte[files.Count * size];
        using (var workers = new WorkerPool(ThreadCount.Default.Count))
            workers.For(files.Count, job, static (job, _, start, end) => job.Decode(start, end));

        int count = 0;
        var labels = new int[files.Count];
        for (int i = 0; i < labels.Length; i++)
        {
            if (job.Errors[i] is { } error)
            {
                report.AddBad(error);
                continue;
            }

            labels[count] = files[i].Label;
            if (count < i)
                job.Pixels.AsSpan(i * size, size).CopyTo(job.Pixels.AsSpan(count * size));
            count++;
        }

        return count > 0
            ? new ImageDataset("image-folder", job.Pixels[..(count * size)], labels[..count], _channels, _height, _width, classes, normalization)
            : throw new DataFormatException($"None of the {files.Count} pictures is good; the first: {job.Errors[0]!.Message}", job.Errors[0]);
    }

    private void FollowFirst(Job job)
    {
        for (int i = 0; i < job.Files.Length && (_channels == 0 || _height == 0); i++)
        {
            try
            {
                DecodedImage first = decoder(job.Files[i].Path, _channels, _height, _width);
                (_channels, _height, _width) = (first.Channels, first.Height, first.Width);
            }
            catch (DataFormatException)
            {
                // It is met again, and told, with its turn; the next one decides.
            }
        }

        if (_channels == 0 || _height == 0)
            throw new DataFormatException($"None of the {job.Files.Length} pictures can be read; the first is {job.Files[0].Path}.");
    }

    private sealed class Job(ImageDecoder decoder, LabelledFile[] files, DataFormatException?[] errors)
    {
        public LabelledFile[] Files => files;

        public DataFormatException?[] Errors => errors;

        public byte[] Pixels { get; set; } = [];

        public int Channels { get; set; }

        public int Height { get; set; }

        public int Width { get; set; }

        /// <summary>Whether pictures of any size are scaled to the one asked for.</summary>
        public bool AnySize { get; set; }

        public void Decode(int start, int end)
        {
            int size = Channels * Height * Width;
            for (int i = start; i < end; i++)
            {
                string path = files[i].Path;
                try
                {
                    DecodedImage image = AnySize ? decoder(path, Channels, Height, Width) : decoder(path, Channels, 0, 0);
                    if ((image.Height, image.Width) != (Height, Width))
                        throw new DataFormatException($"{path} has {image.Height}x{image.Width} pixels, the pictures before it {Height}x{Width}. Give a size, to scale all to it.");
                    image.Pixels.CopyTo(Pixels, i * size);
                }
                catch (DataFormatException e)
                {
                    errors[i] = e;
                }
            }
        }
    }
}
