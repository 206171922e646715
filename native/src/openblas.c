/* Loads OpenBLAS at run time: its environment has to be set first, and without it the portable SGEMM serves. */
#include "hybridcnn_native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

typedef void (*function)(void);
typedef char *(*text_function)(void);
typedef int (*int_function)(void);
typedef void (*set_function)(int);

int32_t hcn_abi_version(void)
{
    return HCN_ABI_VERSION;
}

hcn_status hcn_environment_set(const char *name, const char *value)
{
    if (name == NULL || name[0] == '\0')
        return HCN_ERROR_ARGUMENT;
#ifdef _WIN32
    return _putenv_s(name, value == NULL ? "" : value) == 0 ? HCN_OK : HCN_ERROR_ARGUMENT;
#else
    int failed = value == NULL ? unsetenv(name) : setenv(name, value, 1);
    return failed ? HCN_ERROR_ARGUMENT : HCN_OK;
#endif
}

#ifdef _WIN32

static void *load(const char *path, char *message, size_t capacity)
{
    wchar_t wide[MAX_PATH * 4];
    HMODULE module = NULL;
    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, MAX_PATH * 4) > 0)
        module = LoadLibraryExW(wide, NULL, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | (strpbrk(path, "/\\") ? LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR : 0));
    if (module == NULL)
        snprintf(message, capacity, "LoadLibrary failed with error %lu", GetLastError());
    return (void *)module;
}

static function find(void *handle, const char *name)
{
    return (function)GetProcAddress((HMODULE)handle, name);
}

#else

/*
 * A distribution's OpenBLAS needs libgfortran, and that libquadmath. Where they are not installed they lie beside this library,
 * in a folder that the loader searches ($ORIGIN) for what this library asks for, but not for what OpenBLAS asks for.
 */
static void *load(const char *path, char *message, size_t capacity)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        dlopen("libquadmath.so.0", RTLD_LAZY | RTLD_LOCAL);
        dlopen("libgfortran.so.5", RTLD_LAZY | RTLD_LOCAL);
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    if (handle == NULL) {
        const char *reason = dlerror();
        snprintf(message, capacity, "%s", reason == NULL ? "dlopen failed" : reason);
    }
    return handle;
}

static function find(void *handle, const char *name)
{
    void *address = dlsym(handle, name);
    function result;
    memcpy(&result, &address, sizeof result);
    return result;
}

#endif

/* OpenBLAS starts its threads while it is being loaded; ask it for one, and leave the environment as it was. */
static void *load_with_one_thread(const char *path, char *message, size_t capacity)
{
    static const char variable[] = "OPENBLAS_NUM_THREADS";
    const char *value = getenv(variable);
    char before[32] = "";
    if (value != NULL)
        snprintf(before, sizeof before, "%s", value);
    hcn_environment_set(variable, "1");
    void *handle = load(path, message, capacity);
    hcn_environment_set(variable, value == NULL ? NULL : before);
    return handle;
}

hcn_status hcn_openblas_open(const char *path, hcn_openblas_info *info, char *message, int32_t message_capacity)
{
    if (path == NULL || info == NULL || message == NULL || message_capacity < 1)
        return HCN_ERROR_ARGUMENT;
    size_t capacity = (size_t)message_capacity;
    message[0] = '\0';
    memset(info, 0, sizeof *info);

    void *handle = load_with_one_thread(path, message, capacity);
    if (handle == NULL)
        return HCN_ERROR_LOAD;
    text_function get_config = (text_function)find(handle, "openblas_get_config");
    text_function get_core_name = (text_function)find(handle, "openblas_get_corename");
    int_function get_parallel = (int_function)find(handle, "openblas_get_parallel");
    set_function set_num_threads = (set_function)find(handle, "openblas_set_num_threads");
    if (find(handle, "cblas_sgemm64_") != NULL) {
        info->integer_bits = 64;
        snprintf(message, capacity, "its functions have the suffix 64_ and take 64-bit integers");
        return HCN_ERROR_ILP64;
    }
    if (find(handle, "cblas_sgemm") == NULL || !get_config || !get_core_name || !get_parallel || !set_num_threads) {
        snprintf(message, capacity, "it lacks cblas_sgemm or the openblas_* functions: not an OpenBLAS with CBLAS");
        return HCN_ERROR_SYMBOL;
    }

    info->handle = handle;
    info->config = get_config();
    info->core_name = get_core_name();
    info->parallel = get_parallel();
    const char *threads = strstr(info->config, "MAX_THREADS=");
    info->max_threads = threads == NULL ? 0 : (int32_t)strtol(threads + strlen("MAX_THREADS="), NULL, 10);
    info->integer_bits = strstr(info->config, "USE64BITINT") != NULL ? 64 : 32;
    if (info->integer_bits == 64) {
        snprintf(message, capacity, "it is built with 64-bit integers (%s)", info->config);
        return HCN_ERROR_ILP64;
    }
    if (strstr(info->config, "SINGLE_THREADED") != NULL) {
        snprintf(message, capacity, "it is built without locks, so concurrent calls can be wrong (%s)", info->config);
        return HCN_ERROR_UNSAFE;
    }
    set_num_threads(1);
    return HCN_OK;
}
