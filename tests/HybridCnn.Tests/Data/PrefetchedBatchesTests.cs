using System.Reflection;
using HybridCnn.Data;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Data;

public class PrefetchedBatchesTests
{
    private static readonly Augmentation s_augmentation = new() { CropPadding = 2, HorizontalFlip = true, Mixup = 0.3f };

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(9)]
    public void Gives_what_the_loader_gives_in_its_order_epoch_after_epoch(int depth)
    {
        ImageDataset data = NumberedImages.Create(22);
        var loader = new BatchLoader(data, 4, new SeededRandom(1), s_augmentation);
        using var ahead = new PrefetchedBatches(new BatchLoader(data, 4, new SeededRandom(1), s_augmentation), depth);
        Assert.Equal((loader.BatchShape, loader.BatchesPerEpoch), (ahead.BatchShape, ahead.BatchesPerEpoch));
        for (int epoch = 0; epoch < 5; epoch++)
            NumberedImages.AssertEqual(NumberedImages.Epoch(loader), NumberedImages.Epoch(ahead));
    }

    [Fact]
    public void Its_position_is_that_of_the_batches_given_and_not_of_the_thread()
    {
        ImageDataset data = NumberedImages.Create(20);
        var loader = new BatchLoader(data, 4, new SeededRandom(1), s_augmentation);
        using var ahead = new PrefetchedBatches(new BatchLoader(data, 4, new SeededRandom(1), s_augmentation), 6);
        for (int call = 0; call < 17; call++)
        {
            Assert.Equal(loader.Position, ahead.Position);
            loader.NextBatch();
            ahead.NextBatch();
        }

        var resumed = new BatchLoader(data, 4, new SeededRandom(7), s_augmentation);
        resumed.Seek(ahead.Position);
        NumberedImages.AssertEqual(NumberedImages.Epoch(ahead), NumberedImages.Epoch(resumed));
    }

    [Fact]
    public void A_batch_stays_as_it_is_while_the_caller_has_it()
    {
        using var ahead = new PrefetchedBatches(new BatchLoader(NumberedImages.Create(40), 4, new SeededRandom(1)), 2);
        for (int call = 0; call < 20; call++)
        {
            if (ahead.NextBatch() is not { } batch)
                continue;
            float[] before = batch.Images.Span.ToArray();
            Thread.Sleep(2);
            Assert.Equal(before, batch.Images.Span.ToArray());
        }
    }

    [Fact]
    public void What_the_loader_throws_comes_behind_the_batches_before_it_every_time()
    {
        var loader = new BatchLoader(NumberedImages.Create(12), 4, shuffle: null);
        // An image that isn't there, in the third batch: nothing that a user can do makes a loader fail.
        ((int[])typeof(BatchLoader).GetField("_order", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(loader)!)[9] = 99;
        using var ahead = new PrefetchedBatches(loader, 3);
        Assert.NotNull(ahead.NextBatch());
        Assert.NotNull(ahead.NextBatch());
        for (int call = 0; call < 3; call++)
            Assert.StartsWith("numbered has 12 images.", Assert.Throws<ArgumentOutOfRangeException>(ahead.NextBatch).Message);
    }

    [Fact]
    public void Disposing_ends_the_thread_wherever_it_is_and_wakes_who_waits()
    {
        for (int round = 0; round < 50; round++)
        {
            var ahead = new PrefetchedBatches(new BatchLoader(NumberedImages.Create(50), 2, new SeededRandom(1)), 2);
            for (int call = 0; call < round % 4; call++)
                ahead.NextBatch();
            ahead.Dispose();
            ahead.Dispose();
            Assert.Throws<ObjectDisposedException>(() => ahead.NextBatch());
        }
    }

    [Fact]
    public void Refuses_less_than_two_batches_of_memory()
    {
        var loader = new BatchLoader(NumberedImages.Create(4), 2, null);
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrefetchedBatches(loader, 1));
        Assert.Throws<ArgumentNullException>(() => new PrefetchedBatches(null!));
    }
}

/// <summary>Managed bytes of all threads together, so nothing else may run meanwhile.</summary>
[Collection(RunsAlone.Name)]
public class PrefetchedBatchesAllocationTests
{
    [Fact]
    public void Batches_allocate_nothing_on_either_thread()
    {
        var augmentation = new Augmentation { CropPadding = 2, HorizontalFlip = true, Rotation = 10, Cutout = 2, Mixup = 0.3f };
        using var ahead = new PrefetchedBatches(new BatchLoader(NumberedImages.Create(64), 4, new SeededRandom(1), augmentation), 3);
        Repeat(200);
        Assert.Equal(0, Allocations.OfAllThreads(() => Repeat(34)));

        void Repeat(int calls)
        {
            for (int call = 0; call < calls; call++)
                ahead.NextBatch();
        }
    }
}
