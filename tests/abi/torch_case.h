/* A reference case that PyTorch computed in double: a safetensors file, read by a few lines of its own. */
#ifndef HYBRIDCNN_TORCH_CASE_H
#define HYBRIDCNN_TORCH_CASE_H

#include <stddef.h>
#include <stdint.h>

typedef struct torch_case {
    char *header;      /* JSON, closed by a zero */
    char *data;
    char path[512];
} torch_case;

/* Ends the process with a message if the file can't be read. */
torch_case torch_open(const char *path);
void torch_close(torch_case *test);

/* The bytes of a tensor and, unless null, how many elements it has; null if there is no such tensor. type is "F32", "F64", "I64" or "U8". */
const void *torch_tensor(const torch_case *test, const char *name, const char *type, int64_t *count);

/* A number of the attributes, or element index of a list of numbers; otherwise where it is not there, false or null. true is 1. */
double torch_attribute(const torch_case *test, const char *name, int index, double otherwise);

/* 0 unless some |got - reference| is above 8 times PyTorch's own float32 error + 1e-6 of the largest value; then prints the first. */
int torch_compare(const torch_case *test, const char *output, const float *got, int64_t offset, int64_t count);

/* Memory that must be there. */
void *torch_allocate(size_t bytes);

#endif
