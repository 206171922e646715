namespace HybridCnn.Kernels;

/// <summary>
/// The one-dimensional transforms of a Winograd convolution F(m, 3): m outputs of a three-tap filter from m + 2 inputs,
/// y = Aᵀ[(G g) ⊙ (Bᵀ d)] (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015). Two dimensions are
/// the same transform on columns and then on rows. Each transform works on one register of channels; o and os are the
/// target and the distance of its elements, ds the distance of the source's. The forms that take pointers read or write
/// pixels: element i is at pixels[i·step][channel].
/// </summary>
internal unsafe interface IWinogradForm
{
    /// <summary>m: outputs per tile and dimension.</summary>
    static abstract int Outputs { get; }

    /// <summary>m + 2: inputs, and products, per tile and dimension.</summary>
    static abstract int Inputs { get; }

    /// <summary>Bᵀ d, from pixels.</summary>
    static abstract void Input<TVector>(float** pixels, int step, nint channel, float* o, nint os)
        where TVector : struct, IFloats<TVector>;

    /// <summary>Bᵀ d.</summary>
    static abstract void Input<TVector>(float* d, nint ds, float* o, nint os)
        where TVector : struct, IFloats<TVector>;

    /// <summary>Aᵀ p.</summary>
    static abstract void Output<TVector>(float* p, nint ps, float* o, nint os)
        where TVector : struct, IFloats<TVector>;

    /// <summary>Aᵀ p + bias, or 0 where <paramref name="relu"/> is set and that is negative, to pixels.</summary>
    static abstract void Output<TVector>(float* p, nint ps, float** pixels, nint channel, TVector bias, bool relu)
        where TVector : struct, IFloats<TVector>;

    /// <summary>A dy, from pixels.</summary>
    static abstract void OutputAdjoint<TVector>(float** pixels, int step, nint channel, float* o, nint os)
        where TVector : struct, IFloats<TVector>;

    /// <summary>A dy.</summary>
    static abstract void OutputAdjoint<TVector>(float* dy, nint ds, float* o, nint os)
        where TVector : struct, IFloats<TVector>;

    /// <summary>G g.</summary>
    static abstract void Weights<TVector>(float* g, nint gs, float* o, nint os)
        where TVector : struct, IFloats<TVector>;

    /// <summary>Gᵀ u.</summary>
    static abstract void WeightsAdjoint<TVector>(float* u, nint us, float* o, nint os)
        where TVector : struct, IFloats<TVector>;
}
