/* Loading, refusing, the floating-point mode, the environment and guard pages. */
#include "check.h"
#include "hybridcnn_native.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <unistd.h>
#endif

static void refuses(const char *path, int32_t expected, const char *word)
{
    hcn_openblas_info info;
    char message[512];
    int32_t status = hcn_openblas_open(path, &info, message, sizeof message);
    if (status != expected || strstr(message, word) == NULL)
        fprintf(stderr, "%s: status %d, message: %s\n", path, status, message);
    CHECK(status == expected);
    CHECK(strstr(message, word) != NULL);
}

static int openblas(const char *path)
{
    hcn_openblas_info info;
    char message[512];
    int32_t status = hcn_openblas_open(path, &info, message, sizeof message);
    if (status != HCN_OK) {
        fprintf(stderr, "%s: %d %s\n", path, status, message);
        return 1;
    }
    printf("%s\ncore %s, parallel %d, for %d threads\n", info.config, info.core_name, info.parallel, info.max_threads);
    CHECK(info.handle != NULL && info.integer_bits == 32 && info.max_threads >= 0 && strlen(info.core_name) > 0);
    return failures != 0;
}

#ifndef _WIN32
static void on_fault(int number)
{
    static const char text[] = "faulted as it should\n";
    (void)number;
    _exit(write(1, text, sizeof text - 1) > 0 ? 0 : 1);
}

static int fault(int at_start)
{
    const uint64_t bytes = 100;
    volatile char *p = hcn_guard_allocate(bytes, at_start ? HCN_GUARD_START : HCN_GUARD_END);
    if (p == NULL)
        return 1;
    p[0] = 1;
    p[bytes - 1] = 1;
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    if (at_start)
        p[-1] = 1;
    else
        p[bytes] = 1;
    return 1;
}
#endif

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "--openblas") == 0)
        return openblas(arguments[2]);
#ifndef _WIN32
    if (count == 3 && strcmp(arguments[1], "--fault") == 0)
        return fault(strcmp(arguments[2], "start") == 0);
#endif
    if (count != 6)
        return 2;
    CHECK(hcn_abi_version() == HCN_ABI_VERSION);
    refuses(arguments[1], HCN_ERROR_ILP64, "64-bit integers");
    refuses(arguments[2], HCN_ERROR_ILP64, "64_");
    refuses(arguments[3], HCN_ERROR_UNSAFE, "without locks");
    refuses(arguments[4], HCN_ERROR_SYMBOL, "cblas_sgemm");
    refuses(arguments[5], HCN_ERROR_LOAD, "");
    refuses("/no/such/libopenblas.so", HCN_ERROR_LOAD, "");
    hcn_openblas_info info;
    char small[8];
    CHECK(hcn_openblas_open(arguments[1], &info, small, sizeof small) == HCN_ERROR_ILP64 && strlen(small) == 7);
    CHECK(hcn_openblas_open(arguments[1], &info, NULL, 0) == HCN_ERROR_ARGUMENT);
    CHECK(hcn_openblas_open(NULL, &info, small, sizeof small) == HCN_ERROR_ARGUMENT);

    CHECK(hcn_environment_set("HCN_TEST", "value") == HCN_OK && strcmp(getenv("HCN_TEST"), "value") == 0);
    CHECK(hcn_environment_set("HCN_TEST", NULL) == HCN_OK && getenv("HCN_TEST") == NULL);
    CHECK(hcn_environment_set("", "value") == HCN_ERROR_ARGUMENT);

#if defined(__x86_64__) || defined(_M_X64) || defined(__aarch64__)
    volatile float small_number = 1e-30f, product;
    uint64_t before = hcn_fpmode_flush();
    product = small_number * 1e-10f;
    CHECK(product == 0);
    hcn_fpmode_set(before);
    CHECK(hcn_fpmode_get() == before);
    product = small_number * 1e-10f;
    CHECK(product > 0);
#endif

    CHECK(hcn_guard_allocate(0, HCN_GUARD_END) == NULL);
    CHECK(hcn_guard_allocate(UINT64_MAX, HCN_GUARD_END) == NULL);
    for (uint64_t bytes = 4; bytes < 20000; bytes += 4092) {
        for (int32_t side = HCN_GUARD_END; side <= HCN_GUARD_START; side++) {
            char *p = hcn_guard_allocate(bytes, side);
            CHECK(p != NULL);
            memset(p, 1, bytes);
            hcn_guard_free(p, bytes);
        }
    }
    return failures != 0;
}
