/*
 * Makes every sync of a program slower, and records each. Preloaded by tests that count how many syncs wait for each other.
 *
 *   SLOW_PROGRAM  which program is meant (its short name); others that inherit this library are left alone
 *   SLOW_MS       by how much each sync is slower
 *   SLOW_RECORD   a file, where there is to be one; each sync appends a line: when it began and ended (ns, monotonic), process, name of the call, path of the file
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int armed, record = -1;
static long slower_ms;

__attribute__((constructor)) static void arm(void)
{
    const char *program = getenv("SLOW_PROGRAM"), *ms = getenv("SLOW_MS"), *path = getenv("SLOW_RECORD");
    if (!program || !ms || strcmp(program, program_invocation_short_name) != 0)
        return;
    slower_ms = atol(ms);
    if (path)
        record = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    armed = !path || record >= 0;
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int slow(int (*real)(int), int fd, const char *name)
{
    if (!armed)
        return real(fd);
    long long began = now();
    int done = real(fd), error = errno;
    struct timespec pause = { slower_ms / 1000, slower_ms % 1000 * 1000000L };
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR)
        ;
    if (record < 0) {
        errno = error;
        return done;
    }
    char line[512], link[64], file[256] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, file, sizeof file - 1) < 0)
        file[0] = 0;
    int length = snprintf(line, sizeof line, "%lld %lld %d %s %s\n", began, now(), (int)getpid(), name, file);
    (void)!write(record, line, (size_t)length);
    errno = error;
    return done;
}

#define SYNC(name) \
    int name(int fd) \
    { \
        static int (*real)(int); \
        if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name); \
        return slow(real, fd, #name); \
    }

SYNC(fsync)
SYNC(fdatasync)
SYNC(syncfs)
