/*
 * Makes the n-th system call of a program fail. Preloaded by tests/nth_call.rs.
 *
 *   FAULT_PROGRAM  which program is meant (its short name); others that inherit this library are left alone
 *   FAULT_NTH      which call, from 1
 *   FAULT_KIND     EIO, ENOSPC, EMFILE: fail so; SHORT: a write, copy or message does only half of its work
 *   FAULT_MARK     a file that is made when the call failed; it holds the name of the call
 *   FAULT_ARM      instead of FAULT_NTH: a file that holds that number. Calls are counted from when it is there, and it is removed; when
 *                  the call has failed the next such file is waited for
 *
 * Only calls that can fail in that way are counted, and none on the three standard streams.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPENS = 1, WRITES = 2, SYNCS = 4, NAMES = 8, SIZES = 16, TALKS = 32 };

static int armed, error, classes, half;
static atomic_long nth, count;
static const char *mark, *arming;

__attribute__((constructor)) static void arm(void)
{
    const char *program = getenv("FAULT_PROGRAM"), *kind = getenv("FAULT_KIND"), *n = getenv("FAULT_NTH");
    mark = getenv("FAULT_MARK");
    arming = getenv("FAULT_ARM");
    if (!program || !kind || !(n || arming) || !mark || strcmp(program, program_invocation_short_name) != 0)
        return;
    nth = arming ? 0 : atol(n);
    if (!strcmp(kind, "EIO")) { error = EIO; classes = OPENS | WRITES | SYNCS | NAMES | SIZES | TALKS; }
    else if (!strcmp(kind, "ENOSPC")) { error = ENOSPC; classes = OPENS | WRITES | SYNCS | NAMES | SIZES; }
    else if (!strcmp(kind, "EMFILE")) { error = EMFILE; classes = OPENS; }
    else if (!strcmp(kind, "SHORT")) { half = 1; classes = WRITES | TALKS; }
    else return;
    armed = 1;
}

/* Looks for a new number. */
static void look(void)
{
    char text[16] = "";
    int fd = (int)syscall(SYS_openat, AT_FDCWD, arming, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    long got = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    /* Of several threads the one that removes it counts. */
    if (got > 0 && syscall(SYS_unlinkat, AT_FDCWD, arming, 0) == 0) {
        count = 0;
        nth = atol(text);
    }
}

/* Whether this call is the one. */
static int hit(int class, const char *name)
{
    if (!armed || !(classes & class))
        return 0;
    if (arming)
        look();
    if (nth == 0 || atomic_fetch_add(&count, 1) + 1 != nth)
        return 0;
    if (arming)
        nth = 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, mark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)!syscall(SYS_write, fd, name, strlen(name));
        syscall(SYS_close, fd);
    }
    return 1;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FAILS(class, name) \
    do { if (hit(class, #name)) { errno = error; return -1; } } while (0)

#define MODE_OF(flags, last) \
    mode_t mode = 0; \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list list; va_start(list, last); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...)
{ REAL(open); MODE_OF(flags, flags) FAILS(OPENS, open); return real(path, flags, mode); }
int open64(const char *path, int flags, ...)
{ REAL(open64); MODE_OF(flags, flags) FAILS(OPENS, open64); return real(path, flags, mode); }
int openat(int dir, const char *path, int flags, ...)
{ REAL(openat); MODE_OF(flags, flags) FAILS(OPENS, openat); return real(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...)
{ REAL(openat64); MODE_OF(flags, flags) FAILS(OPENS, openat64); return real(dir, path, flags, mode); }

/* A short one of a single octet would be none. */
#define CUT(size) ((size) > 1 ? (size) / 2 : (size))
#define WRITING(name, call, short_call) \
    if (fd > 2 && hit(WRITES, #name)) { if (half) return short_call; errno = error; return -1; } \
    return call

ssize_t write(int fd, const void *data, size_t size)
{ REAL(write); WRITING(write, real(fd, data, size), real(fd, data, CUT(size))); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{ REAL(pwrite); WRITING(pwrite, real(fd, data, size, at), real(fd, data, CUT(size), at)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{ REAL(pwrite64); WRITING(pwrite64, real(fd, data, size, at), real(fd, data, CUT(size), at)); }
ssize_t writev(int fd, const struct iovec *parts, int n)
{ REAL(writev); WRITING(writev, real(fd, parts, n), real(fd, parts, CUT(n))); }
ssize_t copy_file_range(int from, off64_t *at, int fd, off64_t *to, size_t size, unsigned flags)
{ REAL(copy_file_range);
  WRITING(copy_file_range, real(from, at, fd, to, size, flags), real(from, at, fd, to, 7, flags)); }
/* Some callers do not know that the C library has this call. */
long syscall(long number, ...)
{
    REAL(syscall);
    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);
    if (number == SYS_copy_file_range)
        return copy_file_range((int)a, (off64_t *)b, (int)c, (off64_t *)d, (size_t)e, (unsigned)f);
    return real(number, a, b, c, d, e, f);
}
ssize_t sendfile(int fd, int from, off_t *at, size_t size)
{ REAL(sendfile); WRITING(sendfile, real(fd, from, at, size), real(fd, from, at, 7)); }
ssize_t sendfile64(int fd, int from, off64_t *at, size_t size)
{ REAL(sendfile64); WRITING(sendfile64, real(fd, from, at, size), real(fd, from, at, 7)); }

int fsync(int fd) { REAL(fsync); FAILS(SYNCS, fsync); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); FAILS(SYNCS, fdatasync); return real(fd); }

int link(const char *a, const char *b) { REAL(link); FAILS(NAMES, link); return real(a, b); }
int linkat(int da, const char *a, int db, const char *b, int flags)
{ REAL(linkat); FAILS(NAMES, linkat); return real(da, a, db, b, flags); }
int symlink(const char *a, const char *b) { REAL(symlink); FAILS(NAMES, symlink); return real(a, b); }
int symlinkat(const char *a, int dir, const char *b)
{ REAL(symlinkat); FAILS(NAMES, symlinkat); return real(a, dir, b); }
int rename(const char *a, const char *b) { REAL(rename); FAILS(NAMES, rename); return real(a, b); }
int renameat(int da, const char *a, int db, const char *b)
{ REAL(renameat); FAILS(NAMES, renameat); return real(da, a, db, b); }
int renameat2(int da, const char *a, int db, const char *b, unsigned flags)
{ REAL(renameat2); FAILS(NAMES, renameat2); return real(da, a, db, b, flags); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); FAILS(NAMES, mkdir); return real(path, mode); }
int unlink(const char *path) { REAL(unlink); FAILS(NAMES, unlink); return real(path); }

int ftruncate(int fd, off_t size) { REAL(ftruncate); FAILS(SIZES, ftruncate); return real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); FAILS(SIZES, ftruncate64); return real(fd, size); }
int fallocate(int fd, int mode, off_t at, off_t size)
{ REAL(fallocate); FAILS(SIZES, fallocate); return real(fd, mode, at, size); }
int fallocate64(int fd, int mode, off64_t at, off64_t size)
{ REAL(fallocate64); FAILS(SIZES, fallocate64); return real(fd, mode, at, size); }
/* These two return the error instead of setting it. */
int posix_fallocate(int fd, off_t at, off_t size)
{ REAL(posix_fallocate); if (hit(SIZES, "posix_fallocate")) return error; return real(fd, at, size); }
int posix_fallocate64(int fd, off64_t at, off64_t size)
{ REAL(posix_fallocate64); if (hit(SIZES, "posix_fallocate64")) return error; return real(fd, at, size); }

int socket(int domain, int type, int protocol)
{ REAL(socket); FAILS(OPENS, socket); return real(domain, type, protocol); }
/* A connection is made or not: there is no half of one. */
int connect(int fd, const struct sockaddr *to, socklen_t length)
{ REAL(connect); if (!half) FAILS(TALKS, connect); return real(fd, to, length); }

/* What is cut off a message is left for the next one; what travels beside it goes with the first half. */
#define MESSAGE(name) \
    REAL(name); \
    if (hit(TALKS, #name)) { \
        if (!half) { errno = error; return -1; } \
        struct iovec part = message->msg_iov[0]; \
        part.iov_len = CUT(part.iov_len); \
        struct msghdr shorter = *message; \
        shorter.msg_iov = &part; \
        shorter.msg_iovlen = 1; \
        ssize_t done = real(fd, &shorter, flags); \
        TAKE_BACK \
        return done; \
    } \
    return real(fd, message, flags)

#define TAKE_BACK
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) { MESSAGE(sendmsg); }
#undef TAKE_BACK
#define TAKE_BACK message->msg_controllen = shorter.msg_controllen; message->msg_flags = shorter.msg_flags;
ssize_t recvmsg(int fd, struct msghdr *message, int flags) { MESSAGE(recvmsg); }
