/* The first calls of a process from eight threads at once, in one process after another: loading is everybody's at the same moment. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hybridcnn.h"

enum { PROCESSES = 20, THREADS = 8, X = 16 * 14 * 14, W = 16 * 16 * 9 };

static pthread_barrier_t barrier;

static void *start(void *state)
{
    float x[X], w[W], y[X];
    hybridcnn_context *context = NULL;
    hybridcnn_convolution *plan = NULL;
    hybridcnn_context_options threads = { .struct_size = sizeof threads, .threads = 1 };
    hybridcnn_convolution_options options = { .struct_size = sizeof options, .n = 1, .ic = 16, .ih = 14, .iw = 14, .oc = 16, .kh = 3, .kw = 3,
        .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1 };
    memset(w, 0, sizeof w);
    for (int i = 0; i < X; i++)
        x[i] = 1;
    for (int i = 0; i < W; i++)
        w[i] = 1;
    pthread_barrier_wait(&barrier);
    hybridcnn_status status = hybridcnn_context_create(&threads, &context);
    if (status == HYBRIDCNN_OK)
        status = hybridcnn_convolution_create(context, &options, &plan);
    if (status == HYBRIDCNN_OK)
        status = hybridcnn_convolution_forward(plan, context, x, X, w, W, NULL, 0, y, X, 0, NULL, 0);
    if (status != HYBRIDCNN_OK)
        fprintf(stderr, "status %d: %s\n", (int)status, hybridcnn_last_error());
    /* 16 channels of a whole window of ones in the middle. */
    *(int *)state = status != HYBRIDCNN_OK || y[7 * 14 + 7] < 143.9f || y[7 * 14 + 7] > 144.1f;
    return NULL;
}

static int once(void)
{
    pthread_t threads[THREADS];
    int failed[THREADS], failures = 0;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, start, &failed[i]);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failures += failed[i];
    }
    return failures;
}

int main(void)
{
    int failures = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;
        pid_t child = fork();
        if (child == 0)
            _exit(once() != 0);
        waitpid(child, &status, 0);
        failures += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    printf("%d processes, %d failures\n", PROCESSES, failures);
    return failures != 0;
}
