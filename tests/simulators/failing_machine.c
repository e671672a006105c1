/* Stands between a process and the kernel (LD_PRELOAD): a clock that leaps and a disk that fails, while it runs.
 *
 * The file that FAILING_MACHINE names holds three numbers of eight bytes, looked at in each call (it is mapped):
 *     seconds to add to the wall clock;  errno of the failing disk, 0 for none;  1 syncs fail, 2 writes fail
 * Only files whose path holds FAILING_PATH fail. The monotonic clock is never touched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct orders { volatile int64_t ahead_s, error, which; };
enum { SYNCS = 1, WRITES = 2 };

static const struct orders none;
static const struct orders *orders = &none;
static const char *path_part = "";

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("FAILING_MACHINE");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof(struct orders), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (shared != MAP_FAILED) orders = shared;
    if (getenv("FAILING_PATH")) path_part = getenv("FAILING_PATH");
}

static int fails(int file, int what) {
    if (!orders->error || !(orders->which & what)) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, path_part)) return 0;
    errno = (int)orders->error;
    return 1;
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

int fsync(int file) { REAL(int, "fsync", int); return fails(file, SYNCS) ? -1 : real(file); }
int fdatasync(int file) { REAL(int, "fdatasync", int); return fails(file, SYNCS) ? -1 : real(file); }

ssize_t write(int file, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return fails(file, WRITES) ? -1 : real(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return fails(file, WRITES) ? -1 : real(file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return fails(file, WRITES) ? -1 : real(file, data, size, at);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int result = real(which, now);
    if (!result && which == CLOCK_REALTIME) now->tv_sec += orders->ahead_s;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    REAL(int, "gettimeofday", struct timeval *, void *);
    int result = real(now, zone);
    if (!result && now) now->tv_sec += orders->ahead_s;
    return result;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
