#include "torch_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(2);
}

void *torch_allocate(size_t bytes)
{
    void *memory = calloc(bytes ? bytes : 1, 1);
    if (!memory)
        give_up("memory", "none left");
    return memory;
}

torch_case torch_open(const char *path)
{
    torch_case test = { 0 };
    uint64_t header_length;
    FILE *file = fopen(path, "rb");
    if (!file)
        give_up(path, "cannot be opened");
    snprintf(test.path, sizeof test.path, "%s", path);
    if (fread(&header_length, 8, 1, file) != 1 || header_length > 1 << 24)
        give_up(path, "is no safetensors file");
    test.header = torch_allocate((size_t)header_length + 1);
    if (fread(test.header, 1, (size_t)header_length, file) != header_length)
        give_up(path, "is cut off");
    fseek(file, 0, SEEK_END);
    size_t bytes = (size_t)ftell(file) - 8 - (size_t)header_length;
    test.data = torch_allocate(bytes);
    fseek(file, (long)(8 + header_length), SEEK_SET);
    if (fread(test.data, 1, bytes, file) != bytes)
        give_up(path, "is cut off");
    fclose(file);
    return test;
}

void torch_close(torch_case *test)
{
    free(test->header);
    free(test->data);
}

const void *torch_tensor(const torch_case *test, const char *name, const char *type, int64_t *count)
{
    char key[128];
    snprintf(key, sizeof key, "\"%s\":{\"dtype\":\"", name);
    const char *entry = strstr(test->header, key);
    if (!entry)
        return NULL;
    if (strncmp(entry + strlen(key), type, strlen(type)) != 0)
        give_up(test->path, "has a tensor of another type");
    const char *offsets = strstr(entry, "\"data_offsets\":[");
    long long start, end;
    if (!offsets || sscanf(offsets, "\"data_offsets\":[%lld,%lld]", &start, &end) != 2)
        give_up(test->path, "has a tensor without offsets");
    int64_t size = strcmp(type, "U8") == 0 ? 1 : strcmp(type, "F32") == 0 ? 4 : 8;
    if (count)
        *count = (end - start) / size;
    return test->data + start;
}

/* Attributes are JSON within a JSON string: their quotes have a backslash. */
double torch_attribute(const torch_case *test, const char *name, int index, double otherwise)
{
    char key[128];
    snprintf(key, sizeof key, "\\\"%s\\\":", name);
    const char *value = strstr(test->header, key);
    if (!value)
        return otherwise;
    value += strlen(key);
    for (value += *value == '['; index > 0; index--)
        value = strchr(value, ',') + 1;
    if (strncmp(value, "true", 4) == 0)
        return 1;
    return strncmp(value, "false", 5) == 0 || strncmp(value, "null", 4) == 0 ? otherwise : atof(value);
}

static double bound_of(const torch_case *test, const char *output)
{
    char key[128];
    double error, scale;
    snprintf(key, sizeof key, "\\\"%s\\\":{\\\"max_abs\\\":", output);
    const char *entry = strstr(strstr(test->header, "\"torch_f32_error\":"), key);
    if (!entry || sscanf(entry + strlen(key), "%lf,\\\"scale\\\":%lf", &error, &scale) != 2)
        give_up(test->path, "doesn't say PyTorch's error");
    return 8 * error + 1e-6 * scale;
}

int torch_compare(const torch_case *test, const char *output, const float *got, int64_t offset, int64_t count)
{
    char name[128];
    int64_t total;
    snprintf(name, sizeof name, "out.%s", output);
    const double *expected = torch_tensor(test, name, "F64", &total);
    if (!expected || offset + count > total)
        give_up(test->path, "has another number of values");
    double bound = bound_of(test, output);
    for (int64_t i = 0; i < count; i++) {
        double reference = expected[offset + i];
        int close = isfinite(reference) ? fabs((double)got[i] - reference) <= bound
            : isnan(reference) ? isnan(got[i]) != 0 : (double)got[i] == reference;
        if (!close) {
            fprintf(stderr, "%s: %s[%lld] is %g, expected %g +- %.1e\n", test->path, output, (long long)(offset + i), (double)got[i], reference, bound);
            return 1;
        }
    }
    return 0;
}
