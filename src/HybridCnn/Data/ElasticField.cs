using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>
/// A smooth random displacement of the plane, after Simard, Steinkraus and Platt, Best Practices for Convolutional Neural
/// Networks Applied to Visual Document Analysis, 2003. They blur a random vector per pixel with a Gaussian; this is the
/// cubic B-spline over a coarse grid of random vectors, the same kind of field at the price of the points asked for.
/// </summary>
internal sealed class ElasticField(int cells)
{
    // A cell's spline reads one node to its left and two to its right.
    private readonly int _nodes = cells + 3;
    private readonly float[] _x = new float[(cells + 3) * (cells + 3)], _y = new float[(cells + 3) * (cells + 3)];

    /// <summary>Draws another field.</summary>
    /// <param name="random">Where from.</param>
    /// <param name="amplitude">Standard deviation of the nodes, in pixels; between them the field moves about half as much.</param>
    public void Draw(SeededRandom random, float amplitude)
    {
        for (int i = 0; i < _x.Length; i++)
        {
            _x[i] = amplitude * DigitPainter.Normal(random);
            _y[i] = amplitude * DigitPainter.Normal(random);
        }
    }

    /// <summary>The displacement at a point of the image, in pixels.</summary>
    public (float X, float Y) At(float x, float y)
    {
        Span<float> wx = stackalloc float[4], wy = stackalloc float[4];
        int column = Weigh(x, wx), row = Weigh(y, wy);
        float sumX = 0, sumY = 0;
        for (int i = 0; i < 4; i++)
        {
            int from = (row + i) * _nodes + column;
            for (int j = 0; j < 4; j++)
            {
                float weight = wy[i] * wx[j];
                sumX += weight * _x[from + j];
                sumY += weight * _y[from + j];
            }
        }

        return (sumX, sumY);
    }

    private int Weigh(float at, Span<float> weights)
    {
        float position = Math.Clamp(at / DigitPainter.Side * cells, 0, cells - 0.001f);
        int cell = (int)position;
        float t = position - cell, s = 1 - t;
        weights[0] = s * s * s / 6;
        weights[1] = (3 * t * t * t - 6 * t * t + 4) / 6;
        weights[2] = (3 * s * s * s - 6 * s * s + 4) / 6;
        weights[3] = t * t * t / 6;
        return cell;
    }
}
