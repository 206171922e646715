using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Training;

namespace HybridCnn.C;

/// <summary>hybridcnn_trainer_*.</summary>
internal static unsafe class TrainerCalls
{
    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_trainer_create", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Create(nint context, TrainerOptions* options, nint* trainer)
    {
        try
        {
            Arguments.NotNull(trainer);
            *trainer = 0;
            var own = Handles.Get<ComputeContext>(context, nameof(context));
            Arguments.Structure(options);
            if (options->N < 1)
                throw new ArgumentException($"options->n is {options->N}; it must be at least 1.");
            *trainer = Handles.Add(new NetworkTrainer(
                own, options->N, TrainerFile.Describe(in *options), Arguments.Text(options->Weights), options->Seed, options->Momentum, options->WeightDecay));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_trainer_step", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Step(
        nint trainer, float learning_rate, float* images, long images_count, int* labels, long labels_count, float* loss, int* correct)
    {
        try
        {
            var own = Handles.Get<NetworkTrainer>(trainer, nameof(trainer));
            if (!float.IsFinite(learning_rate) || learning_rate < 0)
                throw new ArgumentException($"learning_rate is {learning_rate}; it must be finite and not negative.");
            StepResult result = own.Step(
                learning_rate, Arguments.Array(images, images_count, own.ImagesCount, own), Arguments.Array(labels, labels_count, own.BatchSize, own));
            if (loss != null)
                *loss = result.Loss;
            if (correct != null)
                *correct = result.Correct;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_trainer_predict", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Predict(nint trainer, float* images, long images_count, float* logits, long logits_count)
    {
        try
        {
            var own = Handles.Get<NetworkTrainer>(trainer, nameof(trainer));
            own.Predict(Arguments.Array(images, images_count, own.ImagesCount, own), Arguments.Array(logits, logits_count, own.LogitsCount, own));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_trainer_save", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Save(nint trainer, byte* path)
    {
        try
        {
            var own = Handles.Get<NetworkTrainer>(trainer, nameof(trainer));
            Arguments.NotNull(path);
            own.Save(Arguments.Text(path)!);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }
}
