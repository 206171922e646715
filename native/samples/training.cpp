// LeNet learns to tell bright images from dark ones, from C++: handles that end by themselves, and statuses as exceptions.
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include "hybridcnn.h"

namespace {

void check(hybridcnn_status status)
{
    if (status != HYBRIDCNN_OK)
        throw std::runtime_error(hybridcnn_last_error());
}

struct Destroy {
    void operator()(void *handle) const { hybridcnn_destroy(handle); }
};

template <class T>
using Handle = std::unique_ptr<T, Destroy>;

Handle<hybridcnn_context> make_context(int threads)
{
    hybridcnn_context_options options = {};
    options.struct_size = sizeof options;
    options.threads = threads;
    hybridcnn_context *context = nullptr;
    check(hybridcnn_context_create(&options, &context));
    return Handle<hybridcnn_context>(context);
}

Handle<hybridcnn_trainer> make_trainer(hybridcnn_context *context, int batch, const char *model)
{
    hybridcnn_trainer_options options = {};
    options.struct_size = sizeof options;
    options.n = batch;
    options.channels = 1;
    options.height = options.width = 28;
    options.classes = 2;
    options.model = model;
    options.momentum = 0.9f;
    options.seed = 1;
    hybridcnn_trainer *trainer = nullptr;
    check(hybridcnn_trainer_create(context, &options, &trainer));
    return Handle<hybridcnn_trainer>(trainer);
}

} // namespace

int main()
{
    try {
        const int batch = 16, pixels = 28 * 28;
        Handle<hybridcnn_context> context = make_context(2);
        Handle<hybridcnn_trainer> trainer = make_trainer(context.get(), batch, "lenet");
        std::vector<float> images(batch * pixels);
        std::vector<int32_t> labels(batch);
        float loss = 0;
        int32_t correct = 0;
        for (int step = 0; step < 40; step++) {
            for (int n = 0; n < batch; n++) {
                labels[static_cast<size_t>(n)] = n % 2;
                for (int i = 0; i < pixels; i++)
                    images[static_cast<size_t>(n * pixels + i)] = n % 2 ? 0.9f : 0.1f;
            }
            check(hybridcnn_trainer_step(trainer.get(), 0.01f, images.data(), static_cast<int64_t>(images.size()), labels.data(), batch, &loss, &correct));
        }
        std::printf("after 40 steps: loss %.3f, %d of %d right\n", static_cast<double>(loss), static_cast<int>(correct), batch);
        return correct == batch ? 0 : 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
