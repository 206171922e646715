namespace HybridCnn.Layers;

/// <summary>How much of a ReLU behind it a layer takes in, when its container calls <see cref="Layer.ForwardRelu"/>.</summary>
internal enum ReluFusion
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The maximum with 0. The gradient has to go through the ReLU before it comes to the layer. Not a ReLU with a ceiling.</summary>
    Forward,

    /// <summary>Also its gradient: <see cref="Layer.Backward"/> knows of the ReLU, with a ceiling or without.</summary>
    Both,
}
