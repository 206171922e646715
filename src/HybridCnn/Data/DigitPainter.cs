using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>
/// Draws one digit: picks a way to write it, moves the points as a hand would, distorts, and inks the pixels near the curve.
/// Adds, multiplies, divides and takes square roots only, which have the same bits on every machine; sines don't.
/// One painter serves one thread.
/// </summary>
internal sealed class DigitPainter
{
    public const int Side = 28;

    private const int StepsPerSpan = 6;
    private const int MostPoints = 256;

    private readonly ElasticField _bends = new(cells: 3), _tremor = new(cells: 9);
    private readonly float[] _ink = new float[Side * Side];
    private readonly float[] _controlX = new float[32], _controlY = new float[32];
    private readonly float[] _x = new float[MostPoints], _y = new float[MostPoints];

    // Per image: the affine map, the pen.
    private float _xx, _xy, _yx, _yy, _dx, _dy;
    private float _radius, _softness, _taper;

    /// <summary>Overwrites an image of 28 x 28: 0 is paper, 255 is ink.</summary>
    public void Paint(int digit, SeededRandom random, Span<byte> pixels)
    {
        ReadOnlySpan<DigitForm> forms = DigitStrokes.Of(digit);
        DigitForm form = forms[random.NextInt(forms.Length)];
        DrawStyle(random);
        MoveControlPoints(form, random);
        Array.Clear(_ink);
        for (int start = 0; start < form.Points.Length;)
        {
            int end = start + 1;
            while (end < form.Points.Length && form.Kinds[end] != DigitPoint.Start)
                end++;
            PaintStroke(form, start, end);
            start = end;
        }

        Develop(random, pixels);
    }

    private void DrawStyle(SeededRandom random)
    {
        // Rotation by tan(angle / 2), up to about 20 degrees; people lean to the right more than to the left.
        float t = 0.085f * Normal(random);
        float cos = (1 - t * t) / (1 + t * t), sin = 2 * t / (1 + t * t);
        float height = 17.5f * (1 + 0.1f * Normal(random)), width = height * (0.78f + 0.12f * Normal(random));
        float shear = -0.12f + 0.18f * Normal(random);
        _xx = cos * width;
        _xy = (cos * shear - sin) * height;
        _yx = sin * width;
        _yy = (sin * shear + cos) * height;
        _dx = Side / 2f + 1.1f * Normal(random);
        _dy = Side / 2f + 1f * Normal(random);
        // A thick pen closes the loops of small writing, so there it is less thick.
        _radius = Math.Clamp((1.15f + 0.34f * Normal(random)) * height / 17.5f, 0.6f, 0.11f * height);
        _softness = random.NextFloat(0.9f, 1.6f);
        _taper = random.NextFloat(0, 0.45f);
        _bends.Draw(random, amplitude: 1.7f);
        _tremor.Draw(random, amplitude: 0.55f);
    }

    private void MoveControlPoints(DigitForm form, SeededRandom random)
    {
        for (int i = 0; i < form.Points.Length; i++)
        {
            if (form.Kinds[i] == DigitPoint.Corner)
            {
                _controlX[i] = _controlX[i - 1];
                _controlY[i] = _controlY[i - 1];
                continue;
            }

            _controlX[i] = form.Points[i].X + 0.028f * Normal(random);
            _controlY[i] = form.Points[i].Y + 0.024f * Normal(random);
        }
    }

    // One run of the pen, put down at point `start`, lifted behind point `end` - 1.
    private void PaintStroke(DigitForm form, int start, int end)
    {
        int count = 0;
        for (int i = start; i < end; i++)
        {
            bool last = i + 1 == end || form.Kinds[i + 1] == DigitPoint.Corner;
            if (last)
            {
                if (i + 1 == end)
                    Add(ref count, _controlX[i], _controlY[i]);
                continue;
            }

            // A span doesn't look across a corner: there it takes its own end twice.
            int before = i == start || form.Kinds[i] == DigitPoint.Corner ? i : i - 1;
            int after = i + 2 < end && form.Kinds[i + 2] != DigitPoint.Corner ? i + 2 : i + 1;
            for (int step = 0; step < StepsPerSpan; step++)
            {
                float t = step / (float)StepsPerSpan;
                Add(
                    ref count,
                    CatmullRom(_controlX[before], _controlX[i], _controlX[i + 1], _controlX[after], t),
                    CatmullRom(_controlY[before], _controlY[i], _controlY[i + 1], _controlY[after], t));
            }
        }

        for (int i = 0; i + 1 < count; i++)
            InkSegment(i, RadiusAt(i, count), RadiusAt(i + 1, count));
    }

    // Through the distortions, to pixels.
    private void Add(ref int count, float u, float v)
    {
        u -= 0.5f;
        v -= 0.5f;
        float x = _xx * u + _xy * v + _dx, y = _yx * u + _yy * v + _dy;
        (float bendX, float bendY) = _bends.At(x, y);
        (float shakeX, float shakeY) = _tremor.At(x, y);
        _x[count] = x + bendX + shakeX;
        _y[count] = y + bendY + shakeY;
        count++;
    }

    // The pen presses less where it lands and where it leaves.
    private float RadiusAt(int point, int count)
    {
        float fromEnd = Math.Min(point, count - 1 - point) / 8f;
        return _radius * (1 - _taper * Math.Max(0, 1 - fromEnd));
    }

    private void InkSegment(int i, float r0, float r1)
    {
        float x0 = _x[i], y0 = _y[i], dx = _x[i + 1] - x0, dy = _y[i + 1] - y0;
        float reach = Math.Max(r0, r1) + _softness;
        int left = Math.Max(0, (int)(Math.Min(x0, x0 + dx) - reach)), right = Math.Min(Side - 1, (int)(Math.Max(x0, x0 + dx) + reach));
        int top = Math.Max(0, (int)(Math.Min(y0, y0 + dy) - reach)), bottom = Math.Min(Side - 1, (int)(Math.Max(y0, y0 + dy) + reach));
        float inverse = 1 / Math.Max(dx * dx + dy * dy, 1e-6f);
        for (int row = top; row <= bottom; row++)
        {
            for (int column = left; column <= right; column++)
            {
                float px = column + 0.5f - x0, py = row + 0.5f - y0;
                float t = Math.Clamp((px * dx + py * dy) * inverse, 0, 1);
                float ex = px - t * dx, ey = py - t * dy;
                float distance = MathF.Sqrt(ex * ex + ey * ey);
                float cover = Math.Clamp((r0 + t * (r1 - r0) - distance) / _softness + 0.5f, 0, 1);
                ref float ink = ref _ink[row * Side + column];
                ink = Math.Max(ink, cover);
            }
        }
    }

    private void Develop(SeededRandom random, Span<byte> pixels)
    {
        float strength = random.NextFloat(190, 255), grain = random.NextFloat(0, 0.3f), dust = random.NextFloat(0, 14);
        for (int i = 0; i < _ink.Length; i++)
        {
            ulong bits = random.NextBits();
            float a = (bits >> 40) * (1f / (1 << 24)), b = (bits & 0xFFFFFF) * (1f / (1 << 24));
            float value = _ink[i] * strength * (1 - grain * a) + dust * (a + b - 1) * 2;
            pixels[i] = (byte)Math.Clamp(value + 0.5f, 0, 255);
        }
    }

    // Catmull and Rom, A Class of Local Interpolating Splines, 1974: through p1 at t = 0 and p2 at t = 1.
    private static float CatmullRom(float p0, float p1, float p2, float p3, float t) =>
        p1 + 0.5f * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));

    /// <summary>Close to a normal number, never beyond 3.5: the sum of four uniform ones, scaled to deviation 1.</summary>
    internal static float Normal(SeededRandom random) =>
        (random.NextFloat() + random.NextFloat() + random.NextFloat() + random.NextFloat() - 2) * 1.7320508f;
}
