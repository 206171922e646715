using System.Globalization;
using HybridCnn.Benchmarks.Startup;

FirstStep.Run(args is [var threads] ? int.Parse(threads, CultureInfo.InvariantCulture) : 0);
