/* Guard pages for tests: reading or writing one float too far ends the process instead of going unnoticed. */
#include "hybridcnn_native.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

static uint64_t page_size(void)
{
#ifdef _WIN32
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    return system.dwPageSize;
#else
    return (uint64_t)sysconf(_SC_PAGESIZE);
#endif
}

/* Layout: guard page | usable pages | guard page. */
void *hcn_guard_allocate(uint64_t bytes, int32_t side)
{
    uint64_t page = page_size();
    if (bytes == 0 || bytes > UINT64_MAX / 2)
        return 0;
    uint64_t usable = (bytes + page - 1) / page * page;
#ifdef _WIN32
    char *base = VirtualAlloc(0, usable + 2 * page, MEM_RESERVE, PAGE_NOACCESS);
    if (base == 0)
        return 0;
    if (VirtualAlloc(base + page, usable, MEM_COMMIT, PAGE_READWRITE) == 0) {
        VirtualFree(base, 0, MEM_RELEASE);
        return 0;
    }
#else
    char *base = mmap(0, usable + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return 0;
    if (mprotect(base + page, usable, PROT_READ | PROT_WRITE) != 0) {
        munmap(base, usable + 2 * page);
        return 0;
    }
#endif
    return base + page + (side == HCN_GUARD_START ? 0 : usable - bytes);
}

void hcn_guard_free(void *memory, uint64_t bytes)
{
    if (memory == 0)
        return;
    uint64_t page = page_size();
    char *base = (char *)((uintptr_t)memory / page * page) - page;
#ifdef _WIN32
    (void)bytes;
    VirtualFree(base, 0, MEM_RELEASE);
#else
    munmap(base, (bytes + page - 1) / page * page + 2 * page);
#endif
}
