using HybridCnn.IO;

namespace HybridCnn.Tests.IO;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Replaces_the_old_file_and_leaves_nothing_beside_it()
    {
        string path = _folder.Write("a", [1, 2, 3]);
        AtomicFile.Write(path, stream => stream.Write([4, 5]));
        Assert.Equal([4, 5], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_full_disk_leaves_the_old_file_and_says_so()
    {
        string path = _folder.Write("a", [1, 2, 3]);
        IOException e = Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[100_000]);
            throw new IOException("No space left on device");
        }));
        Assert.Equal($"Can't write {path}: No space left on device. The file that was there is unchanged.", e.Message);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void The_writers_own_exception_passes_and_the_old_file_stays()
    {
        string path = _folder.Write("a", [1, 2, 3]);
        Assert.Throws<FormatException>(() => AtomicFile.Write(path, stream => throw new FormatException()));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_named()
    {
        string missing = _folder["none/a"];
        Assert.StartsWith($"Can't write {missing}: ", Assert.Throws<IOException>(() => AtomicFile.Write(missing, _ => { })).Message);
        _folder.Write("file", [1]);
        string underFile = _folder["file/a"];
        Assert.StartsWith($"Can't write {underFile}: ", Assert.Throws<IOException>(() => AtomicFile.Write(underFile, _ => { })).Message);
        // A target that is a folder: the rename fails after everything was written.
        Directory.CreateDirectory(_folder["dir"]);
        Assert.StartsWith($"Can't write {_folder["dir"]}: ", Assert.Throws<IOException>(() => AtomicFile.Write(_folder["dir"], _ => { })).Message);
        Assert.Equal([_folder["file"]], Directory.GetFiles(_folder.Path));
    }
}
