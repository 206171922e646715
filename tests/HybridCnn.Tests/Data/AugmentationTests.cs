using HybridCnn.Data;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Data;

public class AugmentationTests
{
    private static readonly Augmentation s_everything = new()
    {
        CropPadding = 2, HorizontalFlip = true, Rotation = 20, Scale = 0.2f, Shear = 10, Translation = 0.1f, Cutout = 2, Mixup = 0.4f,
    };

    [Fact]
    public void Crop_and_flip_give_every_place_of_the_padded_image_about_equally_often_and_nothing_else()
    {
        ImageDataset data = NumberedImages.Create(1);
        var loader = new BatchLoader(data, 1, new SeededRandom(1), new Augmentation { CropPadding = 1, HorizontalFlip = true });
        var variants = new Dictionary<string, int>();
        for (int dr = -1; dr <= 1; dr++)
        {
            for (int dc = -1; dc <= 1; dc++)
            {
                variants.Add(string.Join(' ', Variant(data, dr, dc, mirrored: false)), 0);
                variants.Add(string.Join(' ', Variant(data, dr, dc, mirrored: true)), 0);
            }
        }

        const int trials = 3600;
        for (int trial = 0; trial < trials; trial++)
        {
            string seen = string.Join(' ', loader.NextBatch()!.Images.Span.ToArray());
            Assert.True(variants.ContainsKey(seen), $"epoch {trial} gave an image that is no crop");
            variants[seen]++;
            Assert.Null(loader.NextBatch());
        }

        // 200 of each on average, with a deviation of 14.
        Assert.All(variants.Values, count => Assert.InRange(count, 130, 270));
    }

    [Fact]
    public void Without_a_choice_nothing_changes()
    {
        ImageDataset data = NumberedImages.Create(9);
        NumberedImages.AssertEqual(
            NumberedImages.Epoch(new BatchLoader(data, 4, new SeededRandom(1))),
            NumberedImages.Epoch(new BatchLoader(data, 4, new SeededRandom(1), new Augmentation())));
    }

    [Fact]
    public void An_image_depends_on_state_and_number_and_not_on_its_batch()
    {
        ImageDataset data = NumberedImages.Create(12);
        Augmentation unmixed = s_everything with { Mixup = 0 };
        Dictionary<int, float[]> Images(int batch)
        {
            var images = new Dictionary<int, float[]>();
            foreach ((int[] labels, _, _, float[] values) in NumberedImages.Epoch(new BatchLoader(data, batch, new SeededRandom(8), unmixed)))
            {
                int size = values.Length / batch;
                for (int n = 0; n < batch; n++)
                    images.Add(labels[n], values[(n * size)..((n + 1) * size)]);
            }

            return images;
        }

        Dictionary<int, float[]> ones = Images(1), fours = Images(4);
        Assert.Equal(12, ones.Count);
        foreach ((int label, float[] image) in ones)
            Assert.Equal(image, fours[label]);
    }

    [Fact]
    public void Each_epoch_and_each_image_is_varied_otherwise()
    {
        // Every image has the same pixels: what differs is the variation.
        var pixels = new byte[16 * 36];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(i % 36 * 7);
        var data = new ImageDataset("same", pixels, new int[16], 1, 6, 6, ["one"]);
        var loader = new BatchLoader(data, 16, new SeededRandom(3), s_everything with { Mixup = 0 });
        var seen = new HashSet<string>();
        for (int epoch = 0; epoch < 3; epoch++)
        {
            float[] images = Assert.Single(NumberedImages.Epoch(loader)).Images;
            for (int n = 0; n < 16; n++)
                seen.Add(string.Join(' ', images[(n * 36)..((n + 1) * 36)]));
        }

        Assert.True(seen.Count >= 47, $"{seen.Count} of 48 images differ");
    }

    [Fact]
    public void Cutout_clears_one_square_in_every_channel_to_the_mean()
    {
        ImageDataset data = NumberedImages.Create(40, height: 9, width: 9);
        foreach ((int[] labels, _, _, float[] images) in NumberedImages.Epoch(new BatchLoader(data, 1, new SeededRandom(2), new Augmentation { Cutout = 4 })))
        {
            float[] whole = new float[images.Length];
            data.Normalization.Apply(data.Image(labels[0]), whole);
            int[] cut = [.. Enumerable.Range(0, 81).Where(i => images[i] != whole[i])];
            int[] rows = [.. cut.Select(i => i / 9).Distinct()], columns = [.. cut.Select(i => i % 9).Distinct()];
            Assert.Equal(cut.Length, rows.Length * columns.Length);
            Assert.InRange(rows.Length, 2, 4);
            Assert.InRange(columns.Length, 2, 4);
            Assert.All(cut, i => Assert.Equal((0f, 0f), (images[i], images[81 + i])));
        }
    }

    [Fact]
    public void Rotation_keeps_the_middle_and_the_distance_from_it_in_all_directions()
    {
        var pixels = new byte[21 * 21];
        pixels[10 * 21 + 10] = pixels[10 * 21 + 18] = 255;
        var data = new ImageDataset("dot", pixels, [0], 1, 21, 21, ["one"], new Normalization([0], [1f / 255]));
        var loader = new BatchLoader(data, 1, new SeededRandom(1), new Augmentation { Rotation = 180 });
        var quadrants = new HashSet<(bool, bool)>();
        for (int epoch = 0; epoch < 40; epoch++)
        {
            float[] image = Assert.Single(NumberedImages.Epoch(loader)).Images;
            Assert.InRange(image[10 * 21 + 10], 220, 65025);
            double mass = 0, x = 0, y = 0;
            for (int i = 0; i < image.Length; i++)
            {
                double away = Math.Max(Math.Abs(i / 21 - 10), Math.Abs(i % 21 - 10));
                double weight = away > 3 ? image[i] : 0;
                (mass, x, y) = (mass + weight, x + weight * (i % 21 - 10), y + weight * (i / 21 - 10));
            }

            Assert.Equal(8, Math.Sqrt(x * x + y * y) / mass, 0.3);
            quadrants.Add((x > 0, y > 0));
        }

        Assert.Equal(4, quadrants.Count);
    }

    [Fact]
    public void Mixup_adds_the_reversed_batch_with_the_rest_of_the_share()
    {
        ImageDataset data = NumberedImages.Create(30);
        var shares = new List<float>();
        var loader = new BatchLoader(data, 5, new SeededRandom(6), new Augmentation { Mixup = 1 });
        for (int epoch = 0; epoch < 100; epoch++)
        {
            foreach ((int[] labels, int[] mixed, float lambda, float[] images) in NumberedImages.Epoch(loader))
            {
                Assert.Equal(labels.Reverse(), mixed);
                shares.Add(lambda);
                int size = images.Length / 5;
                float[] own = new float[size], other = new float[size];
                for (int n = 0; n < 5; n++)
                {
                    data.Normalization.Apply(data.Image(labels[n]), own);
                    data.Normalization.Apply(data.Image(mixed[n]), other);
                    for (int i = 0; i < size; i++)
                        Assert.Equal(lambda * own[i] + (1 - lambda) * other[i], images[n * size + i], 1e-5f);
                }
            }
        }

        // Beta(1, 1) is uniform: mean 1/2, variance 1/12; 600 draws.
        double mean = shares.Average(), variance = shares.Average(s => (s - mean) * (s - mean));
        Assert.Equal(0.5, mean, 0.05);
        Assert.Equal(1 / 12.0, variance, 0.01);
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(0.5)]
    [InlineData(3)]
    public void Beta_has_its_mean_and_variance(double alpha)
    {
        var random = new SeededRandom(12);
        double[] draws = [.. Enumerable.Range(0, 20_000).Select(_ => (double)BetaDistribution.Draw((float)alpha, random))];
        Assert.All(draws, d => Assert.InRange(d, 0, 1));
        double mean = draws.Average();
        Assert.Equal(0.5, mean, 0.02);
        Assert.Equal(1 / (4 * (2 * alpha + 1)), draws.Average(d => (d - mean) * (d - mean)), 0.01);
    }

    [Fact]
    public void Beta_near_nothing_is_a_coin() =>
        Assert.All(Enumerable.Range(0, 50).Select(i => BetaDistribution.Draw(1e-6f, new SeededRandom((ulong)i))), share => Assert.True(share is >= 0 and <= 1));

    [Fact]
    public void The_same_place_gives_the_same_bits_in_another_loader()
    {
        ImageDataset data = NumberedImages.Create(23);
        var loader = new BatchLoader(data, 4, new SeededRandom(1), s_everything);
        NumberedImages.Epoch(loader);
        for (int batch = 0; batch < 3; batch++)
            Assert.NotNull(loader.NextBatch());
        LoaderPosition place = loader.Position;
        Assert.Equal(12, place.ImagesDone);
        var resumed = new BatchLoader(data, 4, new SeededRandom(99), s_everything);
        resumed.Seek(place);
        Assert.Equal(place, resumed.Position);
        for (int epoch = 0; epoch < 3; epoch++)
            NumberedImages.AssertEqual(NumberedImages.Epoch(loader), NumberedImages.Epoch(resumed));
        Assert.Equal(loader.Position, resumed.Position);
    }

    [Fact]
    public void A_place_between_epochs_can_be_gone_to_too()
    {
        ImageDataset data = NumberedImages.Create(8);
        var loader = new BatchLoader(data, 4, new SeededRandom(1), s_everything);
        loader.NextBatch();
        loader.NextBatch();
        LoaderPosition full = loader.Position;
        Assert.Null(loader.NextBatch());
        LoaderPosition fresh = loader.Position;
        Assert.Equal((8, 0), (full.ImagesDone, fresh.ImagesDone));
        var resumed = new BatchLoader(data, 4, new SeededRandom(5), s_everything);
        resumed.Seek(full);
        Assert.Null(resumed.NextBatch());
        Assert.Equal(fresh, resumed.Position);
        NumberedImages.AssertEqual(NumberedImages.Epoch(loader), NumberedImages.Epoch(resumed));
    }

    [Fact]
    public void Refuses_what_no_image_can_be_varied_by_and_says_the_limit()
    {
        ImageDataset data = NumberedImages.Create(4);
        foreach (Augmentation bad in (Augmentation[])[new() { CropPadding = 6 }, new() { Cutout = 7 }, new() { Rotation = 181 }, new() { Scale = 1 }, new() { Shear = 90 }, new() { Translation = 2 }, new() { Mixup = -1 }, new() { Rotation = float.NaN }])
            Assert.Contains("must be", Assert.Throws<ArgumentOutOfRangeException>(() => new BatchLoader(data, 2, new SeededRandom(1), bad)).Message);
        Assert.Contains("random sequence", Assert.Throws<ArgumentException>(() => new BatchLoader(data, 2, null, new Augmentation())).Message);
        var loader = new BatchLoader(data, 2, new SeededRandom(1), new Augmentation { Mixup = 1 });
        Assert.Throws<InvalidOperationException>(() => loader.Next(new Tensor(loader.BatchShape), new int[2], out _));
        Assert.Contains("behind image 3", Assert.Throws<ArgumentException>(() => loader.Seek(new(1, 3))).Message);
        Assert.Throws<ArgumentException>(() => loader.Seek(new(1, 6)));
        Assert.Throws<ArgumentException>(() => new Batch(new Shape(2, 3)));
    }

    private static float[] Variant(ImageDataset data, int dr, int dc, bool mirrored)
    {
        int height = data.Height, width = data.Width;
        var y = new float[data.Channels * height * width];
        for (int i = 0; i < y.Length; i++)
        {
            int plane = i / (height * width), r = i / width % height + dr, c = i % width + dc;
            c = mirrored ? width - 1 - c : c;
            byte pixel = r >= 0 && r < height && c >= 0 && c < width ? data.Image(0)[(plane * height + r) * width + c] : (byte)0;
            y[i] = (float)((pixel / 255.0 - 0.25) / 0.5);
        }

        return y;
    }
}
