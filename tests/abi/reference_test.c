/* PyTorch's cases through the C functions, in both memory orders, from four threads at once. Arguments: the folder of the cases, a folder to write in. */
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hybridcnn.h"
#include "torch_case.h"

enum { THREADS = 4 };

static const char *golden, *scratch;

typedef struct run {
    hybridcnn_context *context;
    int number, failures, cases;
} run;

static int check(run *self, hybridcnn_status status, const char *what)
{
    if (status == HYBRIDCNN_OK)
        return 1;
    self->failures++;
    fprintf(stderr, "thread %d, %s: status %d: %s\n", self->number, what, (int)status, hybridcnn_last_error());
    return 0;
}

/* Filled with NaN, so that whatever isn't overwritten is seen. */
static float *undefined(int64_t count)
{
    float *values = torch_allocate((size_t)count * sizeof(float));
    for (int64_t i = 0; i < count; i++)
        values[i] = NAN;
    return values;
}

static int32_t number(const torch_case *test, const char *name, int index)
{
    return (int32_t)torch_attribute(test, name, index, 0);
}

/* Turns [n, c, plane] into [n, plane, c] in place, or back. */
static void reorder(float *values, int64_t n, int64_t c, int64_t plane, int back)
{
    float *image = values, *copy = torch_allocate((size_t)(c * plane) * sizeof(float));
    for (; n-- > 0; image += c * plane) {
        memcpy(copy, image, (size_t)(c * plane) * sizeof(float));
        for (int64_t channel = 0; channel < c; channel++) {
            for (int64_t i = 0; i < plane; i++)
                image[back ? channel * plane + i : i * c + channel] = copy[back ? i * c + channel : channel * plane + i];
        }
    }
    free(copy);
}

/* A copy of a tensor [n, c, plane] in a layout. Null if the case has none. */
static float *arranged(const torch_case *test, const char *name, int32_t layout, int64_t n, int64_t c, int64_t plane)
{
    const float *values = torch_tensor(test, name, "F32", NULL);
    if (!values)
        return NULL;
    float *copy = torch_allocate((size_t)(n * c * plane) * sizeof(float));
    memcpy(copy, values, (size_t)(n * c * plane) * sizeof(float));
    if (layout == HYBRIDCNN_NHWC)
        reorder(copy, n, c, plane, 0);
    return copy;
}

/* As torch_compare, of all values [n, c, plane] in a layout; leaves them in planes. */
static int differs(const torch_case *test, const char *name, float *got, int32_t layout, int64_t n, int64_t c, int64_t plane)
{
    if (layout == HYBRIDCNN_NHWC)
        reorder(got, n, c, plane, 1);
    return torch_compare(test, name, got, 0, n * c * plane);
}

static void convolution(run *self, const torch_case *test, int32_t layout)
{
    hybridcnn_convolution_options options = { sizeof options, layout,
        number(test, "n", 0), number(test, "c", 0), number(test, "h", 0), number(test, "w", 0), number(test, "k", 0),
        number(test, "kernel", 0), number(test, "kernel", 1), number(test, "stride", 0), number(test, "stride", 1),
        number(test, "pads_tlbr", 0), number(test, "pads_tlbr", 1), number(test, "pads_tlbr", 2), number(test, "pads_tlbr", 3),
        number(test, "dilation", 0), number(test, "dilation", 1), number(test, "groups", 0) };
    hybridcnn_convolution *plan;
    hybridcnn_convolution_sizes sizes = { .struct_size = sizeof sizes };
    if (!check(self, hybridcnn_convolution_create(self->context, &options, &plan), test->path))
        return;
    check(self, hybridcnn_convolution_describe(plan, &sizes), test->path);
    self->failures += sizes.oh != number(test, "out_h", 0) || sizes.ow != number(test, "out_w", 0);

    /* Half of the threads lend their own scratch memory, of just the size, not aligned. */
    int lends = self->number % 2;
    int64_t workspaces[3] = { sizes.forward_workspace, sizes.backward_data_workspace, sizes.backward_weights_workspace };
    char *workspace[3];
    for (int pass = 0; pass < 3; pass++) {
        workspaces[pass] *= lends;
        workspace[pass] = workspaces[pass] ? (char *)torch_allocate((size_t)workspaces[pass] + 4) + 4 : NULL;
    }

    int64_t bias_count = 0, in = (int64_t)options.ih * options.iw, out = (int64_t)sizes.oh * sizes.ow;
    const float *w = torch_tensor(test, "in.weight", "F32", NULL), *bias = torch_tensor(test, "in.bias", "F32", &bias_count);
    float *x = arranged(test, "in.x", layout, options.n, options.ic, in), *dy = arranged(test, "in.grad_out", layout, options.n, options.oc, out);
    float *y = undefined(sizes.y_count);
    if (check(self, hybridcnn_convolution_forward(plan, self->context, x, sizes.x_count, w, sizes.weights_count, bias, bias_count, y,
                                                  sizes.y_count, 0, workspace[0], workspaces[0]), test->path))
        self->failures += differs(test, "y", y, layout, options.n, options.oc, out);
    if (dy) {
        float *dx = undefined(sizes.x_count);
        float *dw = torch_allocate((size_t)sizes.weights_count * sizeof(float)), *db = torch_allocate((size_t)bias_count * sizeof(float));
        if (check(self, hybridcnn_convolution_backward_data(plan, self->context, dy, sizes.y_count, w, sizes.weights_count, dx, sizes.x_count,
                                                            workspace[1], workspaces[1]), test->path))
            self->failures += differs(test, "grad_x", dx, layout, options.n, options.ic, in);
        if (check(self, hybridcnn_convolution_backward_weights(plan, self->context, x, sizes.x_count, dy, sizes.y_count, dw, sizes.weights_count,
                                                               bias_count ? db : NULL, bias_count, workspace[2], workspaces[2]), test->path)) {
            self->failures += torch_compare(test, "grad_weight", dw, 0, sizes.weights_count);
            if (bias_count)
                self->failures += torch_compare(test, "grad_bias", db, 0, bias_count);
        }
        free(dx);
        free(dw);
        free(db);
    }
    free(x);
    free(dy);
    free(y);
    for (int pass = 0; pass < 3; pass++)
        free(workspace[pass] ? workspace[pass] - 4 : NULL);
    check(self, hybridcnn_destroy(plan), test->path);
}

static void pooling(run *self, const torch_case *test, int32_t kind, int32_t layout)
{
    hybridcnn_pooling_options options = { sizeof options, kind, layout, number(test, "n", 0), number(test, "c", 0),
        number(test, "h", 0), number(test, "w", 0), number(test, "kernel", 0), number(test, "kernel", 1), number(test, "stride", 0),
        number(test, "stride", 1), number(test, "padding", 0), number(test, "padding", 1), number(test, "padding", 0),
        number(test, "padding", 1), number(test, "dilation", 0), number(test, "dilation", 1), number(test, "ceil_mode", 0),
        !number(test, "count_include_pad", 0), number(test, "divisor_override", 0) };
    hybridcnn_pooling *plan;
    hybridcnn_pooling_sizes sizes = { .struct_size = sizeof sizes };
    if (!check(self, hybridcnn_pooling_create(&options, &plan), test->path))
        return;
    check(self, hybridcnn_pooling_describe(plan, &sizes), test->path);
    int64_t in = (int64_t)options.ih * options.iw, out = (int64_t)sizes.oh * sizes.ow;
    float *x = arranged(test, "in.x", layout, options.n, options.c, in), *dy = arranged(test, "in.grad_out", layout, options.n, options.c, out);
    float *y = undefined(sizes.y_count), *dx = undefined(sizes.x_count);
    int32_t *indices = sizes.index_count ? torch_allocate((size_t)sizes.index_count * sizeof(int32_t)) : NULL;
    if (check(self, hybridcnn_pooling_forward(plan, self->context, x, sizes.x_count, y, sizes.y_count, indices, sizes.index_count), test->path))
        self->failures += differs(test, "y", y, layout, options.n, options.c, out);
    if (check(self, hybridcnn_pooling_backward(plan, self->context, dy, sizes.y_count, indices, sizes.index_count, dx, sizes.x_count), test->path))
        self->failures += differs(test, "grad_x", dx, layout, options.n, options.c, in);
    /* PyTorch's in planes alone; in the other order they are the library's own. */
    const int64_t *expected = layout == HYBRIDCNN_NCHW ? torch_tensor(test, "out.indices", "I64", NULL) : NULL;
    for (int64_t i = 0; expected && i < sizes.index_count; i++)
        self->failures += indices[i] != expected[i];
    free(x);
    free(dy);
    free(y);
    free(dx);
    free(indices);
    check(self, hybridcnn_destroy(plan), test->path);
}

static void folder(run *self, const char *operation)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", golden, operation);
    DIR *files = opendir(path);
    self->failures += !files;
    for (struct dirent *file; files && (file = readdir(files)) != NULL;) {
        if (!strstr(file->d_name, ".safetensors"))
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", golden, operation, file->d_name);
        torch_case test = torch_open(path);
        for (int32_t layout = HYBRIDCNN_NCHW; layout <= HYBRIDCNN_NHWC; layout++) {
            if (strcmp(operation, "conv2d") == 0)
                convolution(self, &test, layout);
            else
                pooling(self, &test, operation[0] == 'm' ? HYBRIDCNN_MAX : HYBRIDCNN_AVERAGE, layout);
        }
        torch_close(&test);
        self->cases++;
    }
    if (files)
        closedir(files);
}

/* Where PyTorch's layers are in our network. */
static const char *const theirs[] = { "conv1", "conv2", "fc1", "fc2", "fc3" };
static const int ours[] = { 0, 3, 7, 9, 11 };

/* The initial weights as a file of another tool: PyTorch's names, no description of the network. */
static void write_weights(const torch_case *test, const char *path)
{
    char header[2048] = "{", name[64];
    size_t length = 1, offset = 0;
    FILE *file = fopen(path, "wb");
    for (int pass = 0; pass < 2; pass++) {
        for (int part = 0; part < 10; part++) {
            const char *kind = part % 2 ? "bias" : "weight";
            int64_t count;
            snprintf(name, sizeof name, "in.%s.%s", theirs[part / 2], kind);
            const float *values = torch_tensor(test, name, "F32", &count);
            if (pass == 1) {
                fwrite(values, sizeof(float), (size_t)count, file);
                continue;
            }
            snprintf(name, sizeof name, "\"in.%s.%s\":{\"dtype\":\"F32\",\"shape\":", theirs[part / 2], kind);
            const char *shape = strstr(test->header, name) + strlen(name);
            length += (size_t)snprintf(header + length, sizeof header - length, "%s\"%d.%s\":{\"dtype\":\"F32\",\"shape\":%.*s,\"data_offsets\":[%zu,%zu]}",
                part ? "," : "", ours[part / 2], kind, (int)(strchr(shape, ']') + 1 - shape), shape, offset, offset + (size_t)count * sizeof(float));
            offset += (size_t)count * sizeof(float);
        }
        if (pass == 0) {
            header[length++] = '}';
            uint64_t bytes = length;
            fwrite(&bytes, 8, 1, file);
            fwrite(header, 1, length, file);
        }
    }
    fclose(file);
}

/* Twenty steps of LeNet-5 from PyTorch's weights: the same losses, and the same weights afterwards, read back from a saved file. */
static void training(run *self)
{
    char path[1024], saved[1024], name[64];
    snprintf(path, sizeof path, "%s/trajectory/lenet5_sgd_momentum.safetensors", golden);
    torch_case test = torch_open(path);
    snprintf(path, sizeof path, "%s/initial-%d.safetensors", scratch, self->number);
    snprintf(saved, sizeof saved, "%s/trained-%d.safetensors", scratch, self->number);
    write_weights(&test, path);

    int32_t batch = number(&test, "batch", 0), steps = number(&test, "steps", 0);
    hybridcnn_trainer_options options = { sizeof options, batch, 1, 28, 28, 10, "lenet5", path, 0,
        (float)torch_attribute(&test, "momentum", 0, 0), (float)torch_attribute(&test, "weight_decay", 0, 0) };
    hybridcnn_trainer *trainer, *second;
    if (!check(self, hybridcnn_trainer_create(self->context, &options, &trainer), "trainer"))
        return;
    int64_t count = (int64_t)batch * 28 * 28, correct_count;
    const unsigned char *pixels = torch_tensor(&test, "in.images_u8", "U8", NULL);
    const int64_t *labels = torch_tensor(&test, "in.labels", "I64", NULL), *correct = torch_tensor(&test, "out.correct", "I64", &correct_count);
    float *images = torch_allocate((size_t)count * sizeof(float)), *logits = undefined(batch * 10), *again = undefined(batch * 10);
    int32_t *classes = torch_allocate((size_t)batch * sizeof(int32_t));
    for (int32_t step = 0; step < steps; step++) {
        for (int64_t i = 0; i < count; i++)
            images[i] = ((float)pixels[step * count + i] / 255 - 0.2860f) / 0.3530f;
        for (int32_t n = 0; n < batch; n++)
            classes[n] = (int32_t)labels[step * batch + n];
        if (step == 0 && check(self, hybridcnn_trainer_predict(trainer, images, count, logits, batch * 10), "predict"))
            self->failures += torch_compare(&test, "logits_step0", logits, 0, batch * 10);
        float loss = NAN;
        int32_t right = -1;
        if (check(self, hybridcnn_trainer_step(trainer, (float)torch_attribute(&test, "lr", 0, 0), images, count, classes, batch, &loss, &right), "step"))
            self->failures += torch_compare(&test, "losses", &loss, step, 1) + (right != correct[step]);
    }
    check(self, hybridcnn_trainer_save(trainer, saved), "save");
    check(self, hybridcnn_trainer_predict(trainer, images, count, logits, batch * 10), "predict");

    torch_case weights = torch_open(saved);
    for (int part = 0; part < 10; part++) {
        int64_t elements = 0;
        snprintf(name, sizeof name, "%d.%s", ours[part / 2], part % 2 ? "bias" : "weight");
        const float *values = torch_tensor(&weights, name, "F32", &elements);
        snprintf(name, sizeof name, "final.%s.%s", theirs[part / 2], part % 2 ? "bias" : "weight");
        self->failures += elements == 0 || torch_compare(&test, name, values, 0, elements);
    }
    torch_close(&weights);

    /* The saved file says everything by itself, and gives the same logits, bit for bit. */
    hybridcnn_trainer_options described = { .struct_size = sizeof described, .n = batch, .weights = saved };
    if (check(self, hybridcnn_trainer_create(self->context, &described, &second), "saved")) {
        check(self, hybridcnn_trainer_predict(second, images, count, again, batch * 10), "predict");
        self->failures += memcmp(logits, again, (size_t)batch * 10 * sizeof(float)) != 0;
        check(self, hybridcnn_destroy(second), "destroy");
    }
    check(self, hybridcnn_destroy(trainer), "destroy");
    free(images);
    free(logits);
    free(again);
    free(classes);
    torch_close(&test);
    self->cases++;
}

static void *all(void *state)
{
    run *self = state;
    hybridcnn_context_options options = { .struct_size = sizeof options, .threads = 1 + self->number % 2, .precision = HYBRIDCNN_EXACT };
    if (!check(self, hybridcnn_context_create(&options, &self->context), "context"))
        return NULL;
    folder(self, "conv2d");
    folder(self, "max_pool2d");
    folder(self, "avg_pool2d");
    training(self);
    check(self, hybridcnn_destroy(self->context), "destroy");
    return NULL;
}

/* One plan and one context for all: calls take turns, and give the same bits each time. */
static hybridcnn_convolution *shared_plan;
static hybridcnn_context *shared_context;
static float shared_x[2 * 8 * 12 * 12], shared_w[16 * 8 * 3 * 3], shared_y[2 * 16 * 12 * 12];

static void *together(void *state)
{
    run *self = state;
    float y[2 * 16 * 12 * 12];
    for (int i = 0; i < 200; i++) {
        check(self, hybridcnn_convolution_forward(shared_plan, shared_context, shared_x, 2 * 8 * 12 * 12, shared_w, 16 * 8 * 3 * 3, NULL, 0, y,
                                                  2 * 16 * 12 * 12, 0, NULL, 0), "shared");
        self->failures += memcmp(y, shared_y, sizeof y) != 0;
    }
    return NULL;
}

static int run_all(void *(*body)(void *), run *runs)
{
    pthread_t threads[THREADS];
    int failures = 0;
    for (int i = 0; i < THREADS; i++) {
        runs[i].number = i;
        if (pthread_create(&threads[i], NULL, body, &runs[i]) != 0)
            return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failures += runs[i].failures;
    }
    return failures;
}

int main(int count, char **arguments)
{
    run runs[THREADS] = { { 0 } }, more[THREADS] = { { 0 } };
    if (count != 3)
        return 2;
    golden = arguments[1];
    scratch = arguments[2];
    int failures = run_all(all, runs), cases = runs[0].cases;
    failures += cases < 50;

    hybridcnn_convolution_options options = { .struct_size = sizeof options, .n = 2, .ic = 8, .ih = 12, .iw = 12, .oc = 16, .kh = 3, .kw = 3,
        .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1 };
    for (size_t i = 0; i < sizeof shared_x / sizeof *shared_x; i++)
        shared_x[i] = (float)(i % 17) - 8;
    for (size_t i = 0; i < sizeof shared_w / sizeof *shared_w; i++)
        shared_w[i] = (float)(i % 5) - 2;
    failures += hybridcnn_context_create(NULL, &shared_context) != HYBRIDCNN_OK;
    failures += hybridcnn_convolution_create(shared_context, &options, &shared_plan) != HYBRIDCNN_OK;
    failures += hybridcnn_convolution_forward(shared_plan, shared_context, shared_x, 2 * 8 * 12 * 12, shared_w, 16 * 8 * 3 * 3, NULL, 0, shared_y,
                                              2 * 16 * 12 * 12, 0, NULL, 0) != HYBRIDCNN_OK;
    failures += run_all(together, more);
    failures += hybridcnn_destroy(shared_plan) != HYBRIDCNN_OK || hybridcnn_destroy(shared_context) != HYBRIDCNN_OK;
    printf("%d cases in each of %d threads, %d failures\n", cases, THREADS, failures);
    return failures != 0;
}
