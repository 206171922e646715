/*
 * HybridCnn for C and all that can call C: convolution, pooling and training steps on CPUs, in libhybridcnn.
 *
 * Every function returns a status, and hybridcnn_last_error says in words what went wrong; none prints, exits or throws. Objects
 * are handles: names in a table of the library's, never addresses, so that one that is null, was destroyed, or never was a handle is a
 * status too. Arrays are the caller's: each comes with its number of elements, which is compared with the object's; none is kept.
 * Strings are UTF-8.
 *
 * Any number of threads may call with any objects. Plans are immutable and compute in any number of threads at once. A context
 * has the threads and the scratch memory, and serves one call at a time; others wait for their turn. Those that are to compute at the
 * same time need a context each. A trainer serves one call at a time likewise.
 *
 * Every structure begins with its own size, which the caller sets (sizeof): a later version may add fields at the end, and takes the
 * sizes of this one. Fields that are zero have their default.
 *
 * On x64 the library is compiled for AVX2 and FMA. Loading it is safe on any processor; its first call on one without them ends the
 * process, with a message of .NET's own. A program that may meet such processors asks first:
 * __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma").
 */
#ifndef HYBRIDCNN_H
#define HYBRIDCNN_H

#include <stdint.h>

#if defined(_WIN32)
#define HYBRIDCNN_API __declspec(dllimport)
#else
#define HYBRIDCNN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised by one whenever a function or a field changes its meaning; what is only added leaves it alone. */
#define HYBRIDCNN_ABI_VERSION 1

typedef int32_t hybridcnn_status;
enum {
    HYBRIDCNN_OK = 0,
    HYBRIDCNN_ERROR_ARGUMENT = 1,  /* a null pointer, a wrong number of elements, a geometry that is none */
    HYBRIDCNN_ERROR_HANDLE = 2,    /* null, destroyed, of another kind, or never a handle */
    HYBRIDCNN_ERROR_MEMORY = 3,    /* the system gave no memory */
    HYBRIDCNN_ERROR_FILE = 4,      /* missing, damaged, of another network, or not to be written */
    HYBRIDCNN_ERROR_LIBRARY = 5,   /* the native part or the BLAS that was asked for could not be loaded */
    HYBRIDCNN_ERROR_DIVERGED = 6,  /* the loss is no longer a finite number; the weights are those before the step */
    HYBRIDCNN_ERROR_INTERNAL = 7   /* a fault of the library itself; please report it */
};

enum { HYBRIDCNN_NCHW = 0, HYBRIDCNN_NHWC = 1 };                                   /* layout: memory order of x, y and their gradients */
enum { HYBRIDCNN_FAST = 0, HYBRIDCNN_PRECISE = 1, HYBRIDCNN_EXACT = 2 };           /* precision: error below 6e-6, 2e-6; no Winograd */
enum { HYBRIDCNN_MAX = 0, HYBRIDCNN_AVERAGE = 1 };                                 /* kind of pooling */

typedef struct hybridcnn_context hybridcnn_context;
typedef struct hybridcnn_convolution hybridcnn_convolution;
typedef struct hybridcnn_pooling hybridcnn_pooling;
typedef struct hybridcnn_trainer hybridcnn_trainer;

typedef struct hybridcnn_context_options {
    int32_t struct_size;
    int32_t threads;               /* 0: the processors that this process may use */
    int32_t precision;
    int32_t deterministic;         /* not 0: the same bits for any number of threads */
    int64_t workspace_limit;       /* scratch memory in bytes that algorithms keep to; 0: 64 MB */
} hybridcnn_context_options;

/* x [n, ic, ih, iw], weights [oc, ic/groups, kh, kw], y [n, oc, oh, ow]. A stride, dilation or groups of 0 counts as 1. */
typedef struct hybridcnn_convolution_options {
    int32_t struct_size;
    int32_t layout;
    int32_t n, ic, ih, iw, oc, kh, kw;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t dilation_h, dilation_w;
    int32_t groups;
} hybridcnn_convolution_options;

/* What a convolution's arrays must hold, in elements, and the scratch memory of its passes, in bytes. */
typedef struct hybridcnn_convolution_sizes {
    int32_t struct_size;
    int32_t oh, ow;
    int32_t reserved;
    int64_t x_count, weights_count, y_count;
    int64_t forward_workspace, backward_data_workspace, backward_weights_workspace;
} hybridcnn_convolution_sizes;

/* x [n, c, ih, iw], y [n, c, oh, ow]; sizes, ties and divisors as PyTorch's. A stride of 0 counts as the kernel's extent, a dilation of 0 as 1. */
typedef struct hybridcnn_pooling_options {
    int32_t struct_size;
    int32_t kind;
    int32_t layout;
    int32_t n, c, ih, iw, kh, kw;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t dilation_h, dilation_w;
    int32_t ceil_mode;             /* not 0: output extents are rounded up */
    int32_t exclude_pad;           /* average: not 0: padding doesn't count in the divisor */
    int32_t divisor;               /* average: what sums are divided by; 0: as exclude_pad says */
} hybridcnn_pooling_options;

typedef struct hybridcnn_pooling_sizes {
    int32_t struct_size;
    int32_t oh, ow;
    int32_t reserved;
    int64_t x_count, y_count;
    int64_t index_count;           /* of max pooling: how many integers hold where the maxima were; 0 for average pooling */
} hybridcnn_pooling_sizes;

/*
 * A network by its name in the catalogue ("lenet", "resnet18"), for images [n, channels, height, width], and how to train it: softmax
 * cross-entropy, SGD with PyTorch's momentum and weight decay. A file of weights that this library saved says its model, images
 * and classes by itself: those may then be null or 0, and must agree with the file where they are not.
 */
typedef struct hybridcnn_trainer_options {
    int32_t struct_size;
    int32_t n, channels, height, width, classes;
    const char *model;
    const char *weights;           /* path of a safetensors file under PyTorch's names; null: initial weights */
    uint64_t seed;                 /* of the initial weights */
    float momentum;
    float weight_decay;
} hybridcnn_trainer_options;

/* HYBRIDCNN_ABI_VERSION of the library that was loaded. */
HYBRIDCNN_API int32_t hybridcnn_abi_version(void);

/* "0.1.0". */
HYBRIDCNN_API const char *hybridcnn_version(void);

/*
 * What went wrong in this thread's latest call that failed; "" if none did. Names the argument, what was expected and what was given.
 * Stays until this thread's next call that fails.
 */
HYBRIDCNN_API const char *hybridcnn_last_error(void);

/* Starts the threads. options null: the defaults. *context is null after an error, as what the other functions make. */
HYBRIDCNN_API hybridcnn_status hybridcnn_context_create(const hybridcnn_context_options *options, hybridcnn_context **context);

/*
 * Ends an object of any kind. Calls of other threads that are running with it end as if nothing had happened; later ones, a second
 * hybridcnn_destroy too, get HYBRIDCNN_ERROR_HANDLE. A plan doesn't need the context that it was made
 * with; a trainer cannot step without its own. Null is allowed, and does nothing.
 */
HYBRIDCNN_API hybridcnn_status hybridcnn_destroy(void *handle);

/* Chooses the algorithm of every pass, for the threads, precision and workspace limit of a context. It runs in any context. */
HYBRIDCNN_API hybridcnn_status hybridcnn_convolution_create(const hybridcnn_context *context, const hybridcnn_convolution_options *options,
                                                            hybridcnn_convolution **convolution);

HYBRIDCNN_API hybridcnn_status hybridcnn_convolution_describe(const hybridcnn_convolution *convolution, hybridcnn_convolution_sizes *sizes);

/*
 * What was chosen for each pass, why, and why nothing else. Writes at most capacity bytes, the closing zero included, and to *length
 * (unless null) how many the whole text has, without the zero. text may be null where capacity is 0.
 */
HYBRIDCNN_API hybridcnn_status hybridcnn_convolution_explain(const hybridcnn_convolution *convolution, char *text, int64_t capacity,
                                                             int64_t *length);

/*
 * Overwrites y; with relu not 0, y = max(y, 0). bias [oc] may be null, with a count of 0. workspace is scratch memory of at least
 * as many bytes as hybridcnn_convolution_describe says, for a context of as many threads as the plan's; or null, and the context's own
 * serves, which grows to the largest need and stays.
 */
HYBRIDCNN_API hybridcnn_status hybridcnn_convolution_forward(
    const hybridcnn_convolution *convolution, hybridcnn_context *context, const float *x, int64_t x_count, const float *weights,
    int64_t weights_count, const float *bias, int64_t bias_count, float *y, int64_t y_count, int32_t relu, void *workspace,
    int64_t workspace_bytes);

/* The gradient by x, from dy. Overwrites dx. */
HYBRIDCNN_API hybridcnn_status hybridcnn_convolution_backward_data(
    const hybridcnn_convolution *convolution, hybridcnn_context *context, const float *dy, int64_t dy_count, const float *weights,
    int64_t weights_count, float *dx, int64_t dx_count, void *workspace, int64_t workspace_bytes);

/* ADDS the gradients by weights and bias to dweights and dbias. dbias [oc] may be null, with a count of 0. */
HYBRIDCNN_API hybridcnn_status hybridcnn_convolution_backward_weights(
    const hybridcnn_convolution *convolution, hybridcnn_context *context, const float *x, int64_t x_count, const float *dy,
    int64_t dy_count, float *dweights, int64_t dweights_count, float *dbias, int64_t dbias_count, void *workspace,
    int64_t workspace_bytes);

HYBRIDCNN_API hybridcnn_status hybridcnn_pooling_create(const hybridcnn_pooling_options *options, hybridcnn_pooling **pooling);

HYBRIDCNN_API hybridcnn_status hybridcnn_pooling_describe(const hybridcnn_pooling *pooling, hybridcnn_pooling_sizes *sizes);

/* Overwrites y and, for max pooling, indices, which the backward pass wants. Average pooling: indices null, index_count 0. */
HYBRIDCNN_API hybridcnn_status hybridcnn_pooling_forward(
    const hybridcnn_pooling *pooling, hybridcnn_context *context, const float *x, int64_t x_count, float *y, int64_t y_count,
    int32_t *indices, int64_t index_count);

/* The gradient by x, from dy. Overwrites dx. */
HYBRIDCNN_API hybridcnn_status hybridcnn_pooling_backward(
    const hybridcnn_pooling *pooling, hybridcnn_context *context, const float *dy, int64_t dy_count, const int32_t *indices,
    int64_t index_count, float *dx, int64_t dx_count);

/* Builds a network and loads its weights. Its steps run in this context. */
HYBRIDCNN_API hybridcnn_status hybridcnn_trainer_create(hybridcnn_context *context, const hybridcnn_trainer_options *options,
                                                        hybridcnn_trainer **trainer);

/*
 * One training step: forward, loss, backward, SGD. images [n, channels, height, width], NCHW, labels [n]. *loss is the mean over the batch,
 * *correct how many images were classified rightly, both before the step; either may be null.
 */
HYBRIDCNN_API hybridcnn_status hybridcnn_trainer_step(
    hybridcnn_trainer *trainer, float learning_rate, const float *images, int64_t images_count, const int32_t *labels, int64_t labels_count,
    float *loss, int32_t *correct);

/* Logits [n, classes] of images [n, channels, height, width], as evaluation computes them. Changes no weight. */
HYBRIDCNN_API hybridcnn_status hybridcnn_trainer_predict(hybridcnn_trainer *trainer, const float *images, int64_t images_count, float *logits,
                                                         int64_t logits_count);

/* Writes the weights as a safetensors file under PyTorch's names, atomically: after any failure the old file is unchanged. */
HYBRIDCNN_API hybridcnn_status hybridcnn_trainer_save(hybridcnn_trainer *trainer, const char *path);

#ifdef __cplusplus
}
#endif

#endif
