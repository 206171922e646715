/* A convolution, forward and its gradients, from C: what native/README.md shows. */
#include <stdio.h>
#include <stdlib.h>

#include "hybridcnn.h"

static void check(hybridcnn_status status)
{
    if (status != HYBRIDCNN_OK) {
        fprintf(stderr, "hybridcnn: status %d: %s\n", (int)status, hybridcnn_last_error());
        exit(1);
    }
}

int main(void)
{
    hybridcnn_context *context;
    hybridcnn_convolution *convolution;
    hybridcnn_convolution_options options = { .struct_size = sizeof options, .n = 8, .ic = 16, .ih = 28, .iw = 28, .oc = 32, .kh = 3, .kw = 3,
        .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1 };
    hybridcnn_convolution_sizes sizes = { .struct_size = sizeof sizes };

    check(hybridcnn_context_create(NULL, &context));
    check(hybridcnn_convolution_create(context, &options, &convolution));
    check(hybridcnn_convolution_describe(convolution, &sizes));

    float *x = calloc((size_t)sizes.x_count, sizeof *x), *y = calloc((size_t)sizes.y_count, sizeof *y);
    float *weights = calloc((size_t)sizes.weights_count, sizeof *weights), *dweights = calloc((size_t)sizes.weights_count, sizeof *dweights);
    void *workspace = malloc((size_t)sizes.forward_workspace + 1);
    if (!x || !y || !weights || !dweights || !workspace)
        return 1;
    for (int64_t i = 0; i < sizes.x_count; i++)
        x[i] = 1;
    for (int64_t i = 0; i < sizes.weights_count; i++)
        weights[i] = 0.5f;

    check(hybridcnn_convolution_forward(convolution, context, x, sizes.x_count, weights, sizes.weights_count, NULL, 0, y, sizes.y_count,
                                        /* relu */ 1, workspace, sizes.forward_workspace));
    check(hybridcnn_convolution_backward_weights(convolution, context, x, sizes.x_count, y, sizes.y_count, dweights, sizes.weights_count,
                                                 NULL, 0, NULL, 0)); /* the context's own scratch memory */

    /* In the middle a window of 16 * 3 * 3 ones times 0.5; in a corner 16 * 2 * 2 of them. */
    float middle = y[14 * 28 + 14], corner = y[0];
    printf("hybridcnn %s: y is %g in the middle, %g in the corner\n", hybridcnn_version(), (double)middle, (double)corner);
    check(hybridcnn_destroy(convolution));
    check(hybridcnn_destroy(context));
    free(x);
    free(y);
    free(weights);
    free(dweights);
    free(workspace);
    return !(middle > 71.99f && middle < 72.01f && corner > 31.99f && corner < 32.01f);
}
