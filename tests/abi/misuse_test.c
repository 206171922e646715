/* Whatever a caller gets wrong is a status with a message that names the argument and both values; nothing ends the process. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hybridcnn.h"

static int failures, checks;

static void expect(hybridcnn_status status, hybridcnn_status expected, const char *words, int line)
{
    const char *error = expected == HYBRIDCNN_OK ? "" : hybridcnn_last_error();
    checks++;
    if (status != expected || !strstr(error, words)) {
        failures++;
        fprintf(stderr, "line %d: status %d, expected %d: \"%s\", expected \"%s\"\n", line, (int)status, (int)expected, hybridcnn_last_error(), words);
    }
}

#define EXPECT(call, status, words) expect(call, HYBRIDCNN_##status, words, __LINE__)

enum { X = 2 * 3 * 5 * 5, W = 4 * 3 * 3 * 3, Y = 2 * 4 * 3 * 3, PX = 2 * 3 * 4 * 4, PY = 2 * 3 * 2 * 2 };

static float x[PX > X ? PX : X], w[W], b[4], y[Y], dx[PX > X ? PX : X], dw[W], db[4];
static int32_t indices[PY];
static hybridcnn_context *context, *nothing;
static hybridcnn_convolution *plan;
static hybridcnn_pooling *pool, *mean;

static hybridcnn_status forward(const hybridcnn_convolution *p, hybridcnn_context *c, const float *input, int64_t input_count, const float *bias,
                                int64_t bias_count, float *output, int64_t output_count, void *workspace, int64_t bytes)
{
    return hybridcnn_convolution_forward(p, c, input, input_count, w, W, bias, bias_count, output, output_count, 0, workspace, bytes);
}

static void contexts(void)
{
    hybridcnn_context_options options = { .struct_size = sizeof options - 4 };
    EXPECT(hybridcnn_context_create(NULL, NULL), ERROR_ARGUMENT, "context is null");
    EXPECT(hybridcnn_context_create(&options, &context), ERROR_ARGUMENT, "struct_size is 20; it must be sizeof(*options), 24");
    options.struct_size = sizeof options;
    options.threads = -1;
    EXPECT(hybridcnn_context_create(&options, &context), ERROR_ARGUMENT, "threads is -1");
    options.threads = 1 << 30;
    EXPECT(hybridcnn_context_create(&options, &context), ERROR_ARGUMENT, "threads is 1073741824");
    options.threads = 2;
    options.precision = 3;
    EXPECT(hybridcnn_context_create(&options, &context), ERROR_ARGUMENT, "precision is 3; it must be from 0 to 2");
    options.precision = HYBRIDCNN_PRECISE;
    options.workspace_limit = -5;
    EXPECT(hybridcnn_context_create(&options, &context), ERROR_ARGUMENT, "workspace_limit is -5");
    options.workspace_limit = 0;
    EXPECT(hybridcnn_context_create(&options, &context), OK, "");
}

static void plans(void)
{
    hybridcnn_convolution_options options = { .struct_size = sizeof options, .n = 2, .ic = 3, .ih = 5, .iw = 5, .oc = 4, .kh = 3, .kw = 3 };
    hybridcnn_convolution_sizes sizes = { .struct_size = 0 };
    EXPECT(hybridcnn_convolution_create(NULL, &options, &plan), ERROR_HANDLE, "context is null");
    EXPECT(hybridcnn_convolution_create(context, NULL, &plan), ERROR_ARGUMENT, "options is null");
    EXPECT(hybridcnn_convolution_create(context, &options, NULL), ERROR_ARGUMENT, "convolution is null");
    options.kh = 7;
    EXPECT(hybridcnn_convolution_create(context, &options, &plan), ERROR_ARGUMENT, "kh = 7");
    options.kh = 0;
    EXPECT(hybridcnn_convolution_create(context, &options, &plan), ERROR_ARGUMENT, "kh must be at least 1; got 0");
    options.kh = 3;
    options.groups = 2;
    EXPECT(hybridcnn_convolution_create(context, &options, &plan), ERROR_ARGUMENT, "groups = 2, ic = 3");
    options.groups = 0;
    options.layout = 2;
    EXPECT(hybridcnn_convolution_create(context, &options, &plan), ERROR_ARGUMENT, "layout is 2");
    options.layout = HYBRIDCNN_NCHW;
    options.ih = options.iw = options.n = 1 << 30;
    EXPECT(hybridcnn_convolution_create(context, &options, &plan), ERROR_ARGUMENT, "too large");
    options.ih = options.iw = 5;
    options.n = 2;
    EXPECT(hybridcnn_convolution_create(context, &options, &plan), OK, "");
    EXPECT(hybridcnn_convolution_describe(plan, NULL), ERROR_ARGUMENT, "sizes is null");
    EXPECT(hybridcnn_convolution_describe(plan, &sizes), ERROR_ARGUMENT, "struct_size is 0");
    sizes.struct_size = sizeof sizes;
    EXPECT(hybridcnn_convolution_describe(plan, &sizes), OK, "");
    checks++;
    failures += sizes.oh != 3 || sizes.ow != 3 || sizes.x_count != X || sizes.weights_count != W || sizes.y_count != Y;

    char text[16];
    int64_t length;
    memset(text, 'x', sizeof text);
    EXPECT(hybridcnn_convolution_explain(plan, NULL, 0, &length), OK, "");
    EXPECT(hybridcnn_convolution_explain(plan, text, 8, NULL), OK, "");
    checks++;
    failures += length < 100 || strcmp(text, "mb2ic3i") != 0 || text[8] != 'x';
    EXPECT(hybridcnn_convolution_explain(plan, NULL, 8, NULL), ERROR_ARGUMENT, "text is null, but capacity is 8");
    EXPECT(hybridcnn_convolution_explain(plan, text, -1, NULL), ERROR_ARGUMENT, "capacity is -1");
}

static void passes(void)
{
    char small[64];
    EXPECT(forward(plan, context, x, X, b, 4, y, Y, NULL, 0), OK, "");
    EXPECT(forward(plan, context, x, X, NULL, 0, y, Y, NULL, 0), OK, "");
    EXPECT(forward(plan, context, NULL, X, b, 4, y, Y, NULL, 0), ERROR_ARGUMENT, "x is null");
    EXPECT(forward(plan, context, x, X - 1, b, 4, y, Y, NULL, 0), ERROR_ARGUMENT, "x has 149 elements; mb2ic3ih5oc4oh3kh3 needs 150");
    EXPECT(forward(plan, context, x, -1, b, 4, y, Y, NULL, 0), ERROR_ARGUMENT, "x has -1 elements");
    EXPECT(forward(plan, context, x, INT64_MAX, b, 4, y, Y, NULL, 0), ERROR_ARGUMENT, "x has 9223372036854775807 elements");
    EXPECT(forward(plan, context, x, X, b, 3, y, Y, NULL, 0), ERROR_ARGUMENT, "bias has 3 elements");
    EXPECT(forward(plan, context, x, X, NULL, 4, y, Y, NULL, 0), ERROR_ARGUMENT, "bias is null");
    EXPECT(forward(plan, context, x, X, b, 4, y, Y + 1, NULL, 0), ERROR_ARGUMENT, "y has 73 elements");
    EXPECT(forward(plan, context, (const float *)(const void *)((const char *)x + 1), X, b, 4, y, Y, NULL, 0), ERROR_ARGUMENT, "multiple of 4 bytes");
    EXPECT(forward(plan, context, x, X, b, 4, y, Y, NULL, 8), ERROR_ARGUMENT, "workspace is null, but workspace_bytes is 8");
    EXPECT(forward(plan, context, x, X, b, 4, y, Y, small, -8), ERROR_ARGUMENT, "workspace_bytes is -8");
    EXPECT(hybridcnn_convolution_backward_data(plan, context, y, Y, w, W - 1, dx, X, NULL, 0), ERROR_ARGUMENT, "weights has 107 elements");
    EXPECT(hybridcnn_convolution_backward_data(plan, context, y, Y, w, W, NULL, X, NULL, 0), ERROR_ARGUMENT, "dx is null");
    EXPECT(hybridcnn_convolution_backward_weights(plan, context, x, X, y, Y, dw, W, db, 5, NULL, 0), ERROR_ARGUMENT, "dbias has 5 elements");
    EXPECT(hybridcnn_convolution_backward_weights(plan, context, x, X, y, Y, NULL, W, db, 4, NULL, 0), ERROR_ARGUMENT, "dweights is null");
    EXPECT(hybridcnn_convolution_backward_weights(plan, context, x, X, y, Y, dw, W, NULL, 0, NULL, 0), OK, "");

    /* A block that is too small for a pass that needs one. */
    hybridcnn_convolution_options options = { .struct_size = sizeof options, .n = 1, .ic = 16, .ih = 16, .iw = 16, .oc = 16, .kh = 3, .kw = 3,
        .stride_h = 2, .stride_w = 2, .dilation_h = 2, .dilation_w = 2, .pad_top = 2, .pad_left = 2, .pad_bottom = 2, .pad_right = 2 };
    hybridcnn_convolution_sizes sizes = { .struct_size = sizeof sizes };
    hybridcnn_convolution *large;
    EXPECT(hybridcnn_convolution_create(context, &options, &large), OK, "");
    EXPECT(hybridcnn_convolution_describe(large, &sizes), OK, "");
    float *in = calloc((size_t)sizes.x_count, 4), *filters = calloc((size_t)sizes.weights_count, 4), *out = calloc((size_t)sizes.y_count, 4);
    EXPECT(hybridcnn_convolution_forward(large, context, in, sizes.x_count, filters, sizes.weights_count, NULL, 0, out, sizes.y_count, 0, small, 64),
           ERROR_ARGUMENT, "workspace has");
    EXPECT(hybridcnn_convolution_forward(large, context, in, sizes.x_count, filters, sizes.weights_count, NULL, 0, out, sizes.y_count, 0, NULL, 0),
           OK, "");
    EXPECT(hybridcnn_destroy(large), OK, "");
    free(in);
    free(filters);
    free(out);
}

static void pools(void)
{
    hybridcnn_pooling_options options = { .struct_size = sizeof options, .n = 2, .c = 3, .ih = 4, .iw = 4, .kh = 2, .kw = 2 };
    EXPECT(hybridcnn_pooling_create(NULL, &pool), ERROR_ARGUMENT, "options is null");
    options.kind = 2;
    EXPECT(hybridcnn_pooling_create(&options, &pool), ERROR_ARGUMENT, "kind is 2");
    options.kind = HYBRIDCNN_AVERAGE;
    options.divisor = -1;
    EXPECT(hybridcnn_pooling_create(&options, &mean), ERROR_ARGUMENT, "divisor is -1");
    options.divisor = 0;
    EXPECT(hybridcnn_pooling_create(&options, &mean), OK, "");
    options.pad_top = 2;
    EXPECT(hybridcnn_pooling_create(&options, &pool), ERROR_ARGUMENT, "2 / 2; got 2");
    options.pad_top = 0;
    options.kind = HYBRIDCNN_MAX;
    EXPECT(hybridcnn_pooling_create(&options, &pool), OK, "");
    EXPECT(hybridcnn_pooling_forward(pool, context, x, PX, y, PY, indices, PY), OK, "");
    EXPECT(hybridcnn_pooling_forward(pool, context, x, PX, y, PY, NULL, PY), ERROR_ARGUMENT, "indices is null");
    EXPECT(hybridcnn_pooling_forward(pool, context, x, PX, y, PY, indices, PY - 1), ERROR_ARGUMENT, "indices has 23 elements");
    EXPECT(hybridcnn_pooling_forward(mean, context, x, PX, y, PY, indices, PY), ERROR_ARGUMENT, "average pooling has none");
    EXPECT(hybridcnn_pooling_forward(mean, context, x, PX, y, PY, NULL, 0), OK, "");
    EXPECT(hybridcnn_pooling_backward(pool, context, y, PY, indices, PY, dx, PX + 1), ERROR_ARGUMENT, "dx has 97 elements");
    indices[5] = 1 << 20;
    EXPECT(hybridcnn_pooling_backward(pool, context, y, PY, indices, PY, dx, PX), ERROR_ARGUMENT, "indices");
    indices[5] = -1;
    EXPECT(hybridcnn_pooling_backward(pool, context, y, PY, indices, PY, dx, PX), ERROR_ARGUMENT, "indices");
}

static void trainers(const char *folder)
{
    char path[1024];
    hybridcnn_trainer *trainer;
    hybridcnn_trainer_options options = { .struct_size = sizeof options, .n = 2, .channels = 1, .height = 16, .width = 16, .classes = 3 };
    float images[2 * 16 * 16] = { 0 }, logits[6];
    int32_t labels[2] = { 0, 2 };
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_ARGUMENT, "model is null");
    options.model = "lenot";
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_ARGUMENT, "\"lenot\"; known: lenet");
    options.model = "lenet";
    options.height = 8;
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_ARGUMENT, "8");
    options.height = 16;
    options.n = 0;
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_ARGUMENT, "n is 0");
    options.n = 2;
    options.momentum = -1;
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_ARGUMENT, "-1");
    options.momentum = 0;
    options.weights = "/no/such/file.safetensors";
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_FILE, "/no/such/file.safetensors");
    snprintf(path, sizeof path, "%s/damaged.safetensors", folder);
    FILE *file = fopen(path, "wb");
    fputs("not a file of weights", file);
    fclose(file);
    options.weights = path;
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_FILE, "damaged.safetensors");
    options.weights = NULL;
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), OK, "");
    EXPECT(hybridcnn_trainer_step(trainer, 0.1f, images, 511, labels, 2, NULL, NULL), ERROR_ARGUMENT, "images has 511 elements");
    EXPECT(hybridcnn_trainer_step(trainer, 0.1f, images, 512, labels, 3, NULL, NULL), ERROR_ARGUMENT, "labels has 3 elements");
    EXPECT(hybridcnn_trainer_step(trainer, -1, images, 512, labels, 2, NULL, NULL), ERROR_ARGUMENT, "learning_rate is -1");
    labels[1] = 3;
    EXPECT(hybridcnn_trainer_step(trainer, 0.1f, images, 512, labels, 2, NULL, NULL), ERROR_ARGUMENT, "3");
    labels[1] = 2;
    images[7] = (float)(1e38 * 1e38);
    EXPECT(hybridcnn_trainer_step(trainer, 0.1f, images, 512, labels, 2, NULL, NULL), ERROR_DIVERGED, "diverged");
    images[7] = 0;
    EXPECT(hybridcnn_trainer_step(trainer, 0.1f, images, 512, labels, 2, NULL, NULL), OK, "");
    EXPECT(hybridcnn_trainer_predict(trainer, images, 512, logits, 5), ERROR_ARGUMENT, "logits has 5 elements");
    EXPECT(hybridcnn_trainer_save(trainer, NULL), ERROR_ARGUMENT, "path is null");
    EXPECT(hybridcnn_trainer_save(trainer, "/no/such/folder/x.safetensors"), ERROR_FILE, "/no/such/folder");
    snprintf(path, sizeof path, "%s/misuse.safetensors", folder);
    EXPECT(hybridcnn_trainer_save(trainer, path), OK, "");
    options.weights = path;
    options.classes = 4;
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_ARGUMENT, "classes is 4, but");
    options.classes = 0;
    options.model = "lenet5";
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), ERROR_ARGUMENT, "model is lenet5, but");
}

static void *other_thread(void *state)
{
    /* This thread has failed at nothing yet, whatever the others did. */
    *(int *)state = hybridcnn_last_error()[0] != 0;
    return NULL;
}

static void handles(void)
{
    int on_stack = 0, wrong = 1;
    void *foreign[] = { &on_stack, x, (void *)1, (void *)-1, (void *)(uintptr_t)0x8000000000000001, (char *)(void *)plan + 1, (void *)(uintptr_t)0x80ffffffff000000 };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        EXPECT(hybridcnn_convolution_explain(foreign[i], NULL, 0, NULL), ERROR_HANDLE, "convolution");
        EXPECT(forward(plan, foreign[i], x, X, b, 4, y, Y, NULL, 0), ERROR_HANDLE, "context");
        if (foreign[i] != (char *)(void *)plan + 1)
            EXPECT(hybridcnn_destroy(foreign[i]), ERROR_HANDLE, "handle");
    }
    EXPECT(forward(NULL, context, x, X, b, 4, y, Y, NULL, 0), ERROR_HANDLE, "convolution is null");
    EXPECT(forward((const void *)context, context, x, X, b, 4, y, Y, NULL, 0), ERROR_HANDLE, "convolution must be a convolution; got a context");
    EXPECT(forward(plan, (void *)plan, x, X, b, 4, y, Y, NULL, 0), ERROR_HANDLE, "context must be a context; got a convolution");
    EXPECT(hybridcnn_destroy(NULL), OK, "");
    EXPECT(hybridcnn_destroy(mean), OK, "");
    EXPECT(hybridcnn_destroy(plan), OK, "");
    EXPECT(hybridcnn_destroy(plan), ERROR_HANDLE, "was destroyed");
    EXPECT(forward(plan, context, x, X, b, 4, y, Y, NULL, 0), ERROR_HANDLE, "was destroyed");
    EXPECT(hybridcnn_pooling_forward(pool, nothing, x, PX, y, PY, indices, PY), ERROR_HANDLE, "context is null");

    /* A trainer without its context; the next object may take the place of a destroyed one, and its old handle stays void. */
    hybridcnn_trainer *trainer;
    hybridcnn_trainer_options options = { .struct_size = sizeof options, .n = 1, .channels = 1, .height = 16, .width = 16, .classes = 2, .model = "lenet" };
    float images[256] = { 0 };
    int32_t label = 1;
    EXPECT(hybridcnn_trainer_create(context, &options, &trainer), OK, "");
    EXPECT(hybridcnn_destroy(context), OK, "");
    EXPECT(hybridcnn_trainer_step(trainer, 0.1f, images, 256, &label, 1, NULL, NULL), ERROR_HANDLE, "context was destroyed");
    hybridcnn_context *next;
    EXPECT(hybridcnn_context_create(NULL, &next), OK, "");
    EXPECT(hybridcnn_pooling_forward(pool, context, x, PX, y, PY, indices, PY), ERROR_HANDLE, "was destroyed");
    EXPECT(hybridcnn_pooling_forward(pool, next, x, PX, y, PY, indices, PY), OK, "");
    EXPECT(hybridcnn_destroy(next), OK, "");

    pthread_t thread;
    pthread_create(&thread, NULL, other_thread, &wrong);
    pthread_join(thread, NULL);
    checks++;
    failures += wrong;
}

/* Four threads compute until what they compute with is gone: each call ends as it would have, or says so. */
static pthread_barrier_t barrier;

static void *until_destroyed(void *state)
{
    float out[Y];
    hybridcnn_status status;
    pthread_barrier_wait(&barrier);
    do
        status = forward(plan, context, x, X, b, 4, out, Y, NULL, 0);
    while (status == HYBRIDCNN_OK && memcmp(out, y, sizeof out) == 0);
    *(int *)state = status != HYBRIDCNN_ERROR_HANDLE || !strstr(hybridcnn_last_error(), "was destroyed");
    return NULL;
}

static void destroyed_in_use(void)
{
    enum { THREADS = 4, ROUNDS = 50 };
    hybridcnn_convolution_options options = { .struct_size = sizeof options, .n = 2, .ic = 3, .ih = 5, .iw = 5, .oc = 4, .kh = 3, .kw = 3 };
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        int wrong[THREADS];
        EXPECT(hybridcnn_context_create(NULL, &context), OK, "");
        EXPECT(hybridcnn_convolution_create(context, &options, &plan), OK, "");
        EXPECT(forward(plan, context, x, X, b, 4, y, Y, NULL, 0), OK, "");
        pthread_barrier_init(&barrier, NULL, THREADS + 1);
        for (int i = 0; i < THREADS; i++)
            pthread_create(&threads[i], NULL, until_destroyed, &wrong[i]);
        pthread_barrier_wait(&barrier);
        usleep((unsigned)round * 20);
        EXPECT(hybridcnn_destroy(round % 2 ? (void *)plan : (void *)context), OK, "");
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            checks++;
            failures += wrong[i];
        }
        pthread_barrier_destroy(&barrier);
        EXPECT(hybridcnn_destroy(round % 2 ? (void *)context : (void *)plan), OK, "");
    }
}

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    checks++;
    failures += hybridcnn_abi_version() != HYBRIDCNN_ABI_VERSION || strlen(hybridcnn_version()) < 5 || hybridcnn_last_error()[0] != 0;
    contexts();
    plans();
    passes();
    pools();
    trainers(arguments[1]);
    handles();
    destroyed_in_use();
    /* What the header says of its structures, as a caller in another language lays them out. */
    checks++;
    failures += sizeof(hybridcnn_context_options) != 24 || sizeof(hybridcnn_convolution_options) != 72 || sizeof(hybridcnn_convolution_sizes) != 64
        || sizeof(hybridcnn_pooling_options) != 80 || sizeof(hybridcnn_pooling_sizes) != 40 || sizeof(hybridcnn_trainer_options) != 56;
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
