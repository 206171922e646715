namespace HybridCnn.Kernels;

/// <summary>
/// How the columns of a lowered matrix are cut into panels: runs of <paramref name="Run"/> columns, each cut every
/// <see cref="Width"/> columns. One run for a matrix whose columns are (kernel element, channel); a run per kernel element
/// where each is multiplied on its own.
/// </summary>
/// <param name="Runs">Number of runs.</param>
/// <param name="Run">Columns of a run.</param>
internal readonly record struct PanelCut(int Runs, int Run)
{
    /// <summary>Columns of a panel; OpenBLAS's small kernels compute four vectors of 16 at a time.</summary>
    public const int Width = 64;

    public int PanelsPerRun => (Run + Width - 1) / Width;

    public int Count => Runs * PanelsPerRun;

    /// <summary>The panel that a column is in.</summary>
    public int PanelOf(int column) => column / Run * PanelsPerRun + column % Run / Width;

    /// <summary>First column of a panel and how many it has.</summary>
    public (int First, int Columns) this[int panel]
    {
        get
        {
            int inRun = panel % PanelsPerRun * Width;
            return (panel / PanelsPerRun * Run + inRun, Math.Min(Width, Run - inRun));
        }
    }
}
