using System.Net;
using System.Net.Http.Headers;

namespace HybridCnn.Cli.Downloads;

/// <summary>
/// Fetches a file into NAME.part, goes on where an earlier attempt ended (HTTP range requests, RFC 9110), checks its SHA-256, and only then gives it
/// its name: a file with its name is whole and right.
/// </summary>
/// <param name="client">Makes the requests.</param>
/// <param name="progress">Hears how many bytes of the file there are, and of how many if the server says so.</param>
internal sealed class Downloader(HttpClient client, Action<long, long?> progress)
{
    // Attempts in a row that bring no byte.
    private const int Attempts = 5;

    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(60), s_firstPause = TimeSpan.FromMilliseconds(250);

    /// <exception cref="UserErrorException">No such file, no connection, no room on the disk, or another content than expected.</exception>
    /// <exception cref="OperationCanceledException">What has come so far stays for the next attempt.</exception>
    public async Task Fetch(Uri url, string path, string sha256, CancellationToken cancellation)
    {
        string part = path + ".part";
        for (int failures = 0; ;)
        {
            long before = LengthOf(part);
            try
            {
                await Receive(url, part, cancellation);
                break;
            }
            catch (Exception e) when (e is HttpRequestException or HttpIOException or TimeoutException && !cancellation.IsCancellationRequested)
            {
                failures = LengthOf(part) > before ? 1 : failures + 1;
                if (failures == Attempts)
                {
                    long there = LengthOf(part);
                    throw UserErrorException.BadData(
                        $"{url}: {e.Message}", there > 0 ? $"Run the same command again: it goes on behind the {there:#,0} bytes in {part}." : "Check the connection, or name another place with --mirror.", e);
                }

                await Task.Delay(s_firstPause * (1 << failures), cancellation);
            }
        }

        string got = ContentHash.OfFile(part);
        if (got != sha256)
        {
            File.Delete(part);
            throw UserErrorException.BadData($"{url} has another content than expected: SHA-256 {got}, not {sha256}. It was thrown away.", "Try again, or name another place with --mirror.");
        }

        Disk(part, () => File.Move(part, path, overwrite: true));
    }

    // Appends what is missing; starts over where the server can't or won't go on.
    private async Task Receive(Uri url, string part, CancellationToken cancellation)
    {
        long there = LengthOf(part);
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (there > 0)
            request.Headers.Range = new RangeHeaderValue(there, null);
        using HttpResponseMessage response = await Timed(token => client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token), cancellation);
        // Nothing behind what is there: it is whole, or it is not this file; its hash will say.
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && there > 0)
            return;
        if (!response.IsSuccessStatusCode)
            Refused(url, response);
        if (response.StatusCode != HttpStatusCode.PartialContent || response.Content.Headers.ContentRange?.From != there)
            there = 0;
        long? total = response.Content.Headers.ContentLength + there;
        using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
        using FileStream file = Disk(part, () => new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0));
        Disk(part, () =>
        {
            if (file.CanSeek)
                file.SetLength(there);
            return file.CanSeek ? file.Seek(there, SeekOrigin.Begin) : 0;
        });
        var buffer = new byte[1 << 17];
        progress(there, total);
        while (await Timed(token => body.ReadAsync(buffer, token).AsTask(), cancellation) is var count and > 0)
        {
            Disk(part, () => file.Write(buffer, 0, count));
            progress(there += count, total);
        }

        if (total is { } expected && there < expected)
            throw new HttpIOException(HttpRequestError.ResponseEnded, $"the connection ended after {there:#,0} of {expected:#,0} bytes");
        Disk(part, () => file.Flush(flushToDisk: file.CanSeek));
    }

    private static void Refused(Uri url, HttpResponseMessage response)
    {
        string said = $"the server says {(int)response.StatusCode} {response.ReasonPhrase}";
        // These may pass: the server is tired, or wants fewer requests.
        if ((int)response.StatusCode >= 500 || response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests)
            throw new HttpRequestException(said);
        throw UserErrorException.BadData($"{url}: {said}.", "Name a place that has the file with --mirror.");
    }

    // A server that says nothing for a minute counts as gone.
    private static async Task<T> Timed<T>(Func<CancellationToken, Task<T>> action, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_silence);
        try
        {
            return await action(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"the server was silent for {s_silence.TotalSeconds:0} seconds");
        }
    }

    private static long LengthOf(string part) => File.Exists(part) ? new FileInfo(part).Length : 0;

    private static void Disk(string path, Action action) => Disk(path, () =>
    {
        action();
        return 0;
    });

    private static T Disk<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw UserErrorException.BadData($"Can't write {path}: {e.Message}", "Make room, or name another folder with --data-dir, and run the same command again: it goes on where it was.", e);
        }
    }
}
