using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace HybridCnn.Tests.Support;

/// <summary>
/// Serves files over HTTP on 127.0.0.1, one request per connection, with range requests, and cuts answers short or refuses when told to.
/// Bare sockets: a real server would not let a connection break in the middle of a file.
/// </summary>
internal sealed class FileServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string, byte[]?> _file;
    private readonly List<string> _requests = [];

    /// <param name="file">The content of a name, or null for 404.</param>
    public FileServer(Func<string, byte[]?> file)
    {
        _file = file;
        _listener.Start();
        _ = Serve();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/mirror";

    /// <summary>After so many bytes of a body the connection ends; as often as <see cref="Cuts"/> says.</summary>
    public int CutAfter { get; set; }

    public int Cuts { get; set; }

    /// <summary>Answers 503 so often first.</summary>
    public int Refusals { get; set; }

    public bool IgnoresRanges { get; set; }

    /// <summary>"train.bin 100-" for a request from byte 100 on, "train.bin" for one of all.</summary>
    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    public void Dispose() => _listener.Dispose();

    private async Task Serve()
    {
        while (true)
        {
            TcpClient client;
            try
            {
                client = await _listener.AcceptTcpClientAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            using (client)
            {
                try
                {
                    await Answer(client.GetStream());
                }
                catch (IOException)
                {
                    // The other side ended it.
                }
            }
        }
    }

    private async Task Answer(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        string name = (await reader.ReadLineAsync() ?? "").Split(' ').ElementAtOrDefault(1)?.Split('/')[^1] ?? "";
        int? from = null;
        while (await reader.ReadLineAsync() is { Length: > 0 } header)
        {
            if (header.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                from = int.Parse(header["Range: bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
        }

        lock (_requests)
            _requests.Add(from is null ? name : $"{name} {from}-");
        byte[]? file = _file(name);
        if (Refusals > 0)
        {
            Refusals--;
            await Head(stream, "503 Service Unavailable", 0);
            return;
        }

        if (file is null)
        {
            await Head(stream, "404 Not Found", 0);
            return;
        }

        int start = IgnoresRanges ? 0 : from ?? 0;
        if (start >= file.Length && file.Length > 0)
        {
            await Head(stream, "416 Range Not Satisfiable", 0);
            return;
        }

        int length = file.Length - start;
        await Head(stream, start > 0 ? "206 Partial Content" : "200 OK", length, start > 0 ? $"Content-Range: bytes {start}-{file.Length - 1}/{file.Length}\r\n" : "");
        if (Cuts > 0 && length > CutAfter)
        {
            Cuts--;
            length = CutAfter;
        }

        await stream.WriteAsync(file.AsMemory(start, length));
        await stream.FlushAsync();
    }

    private static async Task Head(NetworkStream stream, string status, int length, string more = "") =>
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n"));
}
