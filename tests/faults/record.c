/*
 * Records what a program does to the files below a directory, in the order in which it happens. Preloaded by
 * tests/powerloss.rs, which makes of the record what a power loss may leave.
 *
 *   RECORD_ROOT  the directory, as an absolute path without links
 *   RECORD_LOG   the file to which each act is appended
 *
 * Each act is a line of words between tabs, and octets behind it where it says how many. Files are named by their number
 * (inode); a number that is given again begins with C, T, S or D.
 *
 *   C dir file name          a new file             T file              a new file without a name
 *   S dir file name target   a new symbolic link    D dir file name     a new directory
 *   L dir file name          one more name          U dir name          a name is gone
 *   R dir name dir name      a name is changed      W file at count     octets are written
 *   Z file size              a size is set          A file at count     room is allocated
 *   F file                   the file, or the names in the directory, are on disk now
 *   O count                  octets have left over a network connection
 *
 * What is written through a mapping is not recorded: nobody may rely on it after a power loss.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *root, *record;
static int record_fd = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void arm(void)
{
    root = getenv("RECORD_ROOT");
    record = getenv("RECORD_LOG");
    if (root && record)
        record_fd = (int)syscall(SYS_openat, AT_FDCWD, record, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (record_fd < 0)
        return;
    /* A program closes the numbers that it has inherited; it does not look so high up. */
    int high = fcntl(record_fd, F_DUPFD_CLOEXEC, 900);
    if (high >= 0) {
        syscall(SYS_close, record_fd);
        record_fd = high;
    }
}

/* The record would be wrong: nothing may go on. */
#define DEMAND(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "record.c: line %d: %s: %s\n", __LINE__, #what, strerror(errno)); \
            abort(); \
        } \
    } while (0)

/* One act at a time, of all processes: the record has the order in which things happened. */
static void begin(void)
{
    int saved = errno;
    pthread_mutex_lock(&turn);
    while (flock(record_fd, LOCK_EX) != 0 && errno == EINTR) {}
    errno = saved;
}

static void end(void)
{
    int saved = errno;
    flock(record_fd, LOCK_UN);
    pthread_mutex_unlock(&turn);
    errno = saved;
}

static void put(const void *data, size_t size)
{
    while (size > 0) {
        ssize_t n = syscall(SYS_write, record_fd, data, size);
        DEMAND(n > 0);
        data = (const char *)data + n;
        size -= (size_t)n;
    }
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    int saved = errno;
    /* Threads that are recorded may have small stacks. */
    static char line[3 * PATH_MAX];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    DEMAND(n >= 0 && n < (int)sizeof line);
    put(line, (size_t)n);
    errno = saved;
}

static int below(const char *path)
{
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == 0);
}

static int path_of(int fd, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return path[0] == '/';
}

/* Whether the file or directory of a descriptor lies below the root. */
static int ours(int fd)
{
    int saved = errno;
    static __thread char path[PATH_MAX];
    int is = record_fd >= 0 && fd > 2 && path_of(fd, path) && below(path);
    errno = saved;
    return is;
}

static int is_network(int fd)
{
    int saved = errno, domain = 0;
    socklen_t size = sizeof domain;
    int is = record_fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0
        && (domain == AF_INET || domain == AF_INET6);
    errno = saved;
    return is;
}

static unsigned long long number(int fd)
{
    struct stat meta;
    return fstat(fd, &meta) == 0 ? meta.st_ino : 0;
}

/* A name: the number of its directory, and its last part. */
struct name { unsigned long long dir; char last[NAME_MAX + 1]; };

static int name_of(int dir, const char *path, struct name *name)
{
    int saved = errno;
    static __thread char whole[2 * PATH_MAX], real_parent[PATH_MAX], at[PATH_MAX];
    if (record_fd < 0) return 0;
    if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
    else if (dir == AT_FDCWD) {
        if (!getcwd(at, sizeof at)) { errno = saved; return 0; }
        snprintf(whole, sizeof whole, "%s/%s", at, path);
    } else {
        if (!path_of(dir, at)) { errno = saved; return 0; }
        snprintf(whole, sizeof whole, "%s/%s", at, path);
    }
    size_t n = strlen(whole);
    while (n > 1 && whole[n - 1] == '/') whole[--n] = 0;
    char *slash = strrchr(whole, '/');
    snprintf(name->last, sizeof name->last, "%s", slash + 1);
    *(slash == whole ? slash + 1 : slash) = 0;
    struct stat meta;
    int is = realpath(whole, real_parent) && below(real_parent) && stat(real_parent, &meta) == 0;
    if (is) name->dir = meta.st_ino;
    errno = saved;
    return is;
}

static unsigned long long number_at(int dir, const char *path, mode_t *mode, off_t *size)
{
    struct stat meta;
    int saved = errno;
    int found = fstatat(dir, path, &meta, AT_SYMLINK_NOFOLLOW) == 0;
    errno = saved;
    if (!found) return 0;
    if (mode) *mode = meta.st_mode;
    if (size) *size = meta.st_size;
    return meta.st_ino;
}

static int opened(int (*really)(int, const char *, int, mode_t), int dir, const char *path, int flags, mode_t mode)
{
    struct name name;
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        if (record_fd < 0) return really(dir, path, flags, mode);
        begin();
        int fd = really(dir, path, flags, mode);
        if (fd >= 0 && ours(fd)) say("T\t%llu\n", number(fd));
        end();
        return fd;
    }
    if (!(flags & (O_CREAT | O_TRUNC)) || !name_of(dir, path, &name)) return really(dir, path, flags, mode);
    begin();
    off_t size = 0;
    unsigned long long before = number_at(dir, path, NULL, &size);
    int fd = really(dir, path, flags, mode);
    if (fd >= 0 && ours(fd)) {
        if (before == 0) say("C\t%llu\t%llu\t%s\n", name.dir, number(fd), name.last);
        else if ((flags & O_TRUNC) && size > 0) say("Z\t%llu\t0\n", number(fd));
    }
    end();
    return fd;
}

static int open_really(int dir, const char *path, int flags, mode_t mode)
{ return (int)syscall(SYS_openat, dir, path, flags, mode); }

#define MODE_OF(flags, last) \
    mode_t mode = 0; \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list list; va_start(list, last); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...)
{ MODE_OF(flags, flags) return opened(open_really, AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...)
{ MODE_OF(flags, flags) return opened(open_really, AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...)
{ MODE_OF(flags, flags) return opened(open_really, dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...)
{ MODE_OF(flags, flags) return opened(open_really, dir, path, flags, mode); }

/* What was written from memory. It is not read back: to close the file once more would take SQLite's locks away. */
static void wrote(int fd, off_t at, const struct iovec *parts, int count, ssize_t n)
{
    if (n <= 0) return;
    say("W\t%llu\t%lld\t%zd\n", number(fd), (long long)at, n);
    for (int i = 0; i < count && n > 0; i++) {
        size_t some = parts[i].iov_len < (size_t)n ? parts[i].iov_len : (size_t)n;
        put(parts[i].iov_base, some);
        n -= (ssize_t)some;
    }
}

/* What was copied from file to file, as it is there now. */
static void copied(int fd, off_t at, ssize_t n)
{
    if (n <= 0) return;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int saved = errno;
    int again = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
    char *data = malloc((size_t)n);
    ssize_t have = 0;
    while (again >= 0 && data && have < n) {
        ssize_t got = syscall(SYS_pread64, again, data + have, (size_t)(n - have), at + have);
        DEMAND(got > 0);
        have += got;
    }
    DEMAND(have == n);
    struct iovec part = { data, (size_t)n };
    wrote(fd, at, &part, 1, n);
    free(data);
    syscall(SYS_close, again);
    errno = saved;
}

static void sent(const struct iovec *parts, int count, ssize_t n)
{
    if (n <= 0) return;
    say("O\t%zd\n", n);
    for (int i = 0; i < count && n > 0; i++) {
        size_t some = parts[i].iov_len < (size_t)n ? parts[i].iov_len : (size_t)n;
        put(parts[i].iov_base, some);
        n -= (ssize_t)some;
    }
}

#define SENDING(call, parts, count) \
    if (is_network(fd)) { begin(); ssize_t n = call; sent(parts, count, n); end(); return n; }

#define WRITING(call, record) \
    if (!ours(fd)) return call; \
    begin(); \
    ssize_t n = call; \
    if (n > 0) record; \
    end(); \
    return n

ssize_t write(int fd, const void *data, size_t size)
{ REAL(write);
  struct iovec part = { (void *)data, size };
  SENDING(real(fd, data, size), &part, 1)
  WRITING(real(fd, data, size), wrote(fd, lseek(fd, 0, SEEK_CUR) - n, &part, 1, n)); }
ssize_t writev(int fd, const struct iovec *parts, int count)
{ REAL(writev);
  SENDING(real(fd, parts, count), parts, count)
  WRITING(real(fd, parts, count), wrote(fd, lseek(fd, 0, SEEK_CUR) - n, parts, count, n)); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{ REAL(pwrite);
  struct iovec part = { (void *)data, size };
  WRITING(real(fd, data, size, at), wrote(fd, at, &part, 1, n)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{ REAL(pwrite64);
  struct iovec part = { (void *)data, size };
  WRITING(real(fd, data, size, at), wrote(fd, at, &part, 1, n)); }
ssize_t copy_file_range(int from, off64_t *from_at, int fd, off64_t *at, size_t size, unsigned flags)
{ REAL(copy_file_range);
  off64_t place = at ? *at : -1;
  WRITING(real(from, from_at, fd, at, size, flags), copied(fd, place >= 0 ? place : lseek(fd, 0, SEEK_CUR) - n, n)); }

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

ssize_t send(int fd, const void *data, size_t size, int flags)
{ REAL(send);
  struct iovec part = { (void *)data, size };
  SENDING(real(fd, data, size, flags), &part, 1)
  return real(fd, data, size, flags); }
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{ REAL(sendmsg);
  SENDING(real(fd, message, flags), message->msg_iov, (int)message->msg_iovlen)
  return real(fd, message, flags); }

/* What goes from file to connection is read for the record: the file does not change meanwhile. */
static ssize_t from_file(int fd, int from, off_t at, ssize_t n)
{
    if (n <= 0) return n;
    char *data = malloc((size_t)n);
    ssize_t got = data ? syscall(SYS_pread64, from, data, (size_t)n, at) : 0;
    struct iovec part = { data, got > 0 ? (size_t)got : 0 };
    (void)fd;
    sent(&part, 1, got);
    free(data);
    return n;
}
#define FROM_FILE \
    if (record_fd < 0 || (!is_network(fd) && !ours(fd))) return real(fd, from, at, size); \
    begin(); \
    off_t place = at ? *at : lseek(from, 0, SEEK_CUR); \
    ssize_t n = real(fd, from, at, size); \
    if (is_network(fd)) from_file(fd, from, place, n); \
    else if (n > 0) copied(fd, lseek(fd, 0, SEEK_CUR) - n, n); \
    end(); \
    return n
ssize_t sendfile(int fd, int from, off_t *at, size_t size) { REAL(sendfile); FROM_FILE; }
ssize_t sendfile64(int fd, int from, off64_t *at, size_t size) { REAL(sendfile64); FROM_FILE; }

/* No blocks are shared: what is copied is written, and recorded. */
int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (request == FICLONE && ours(fd)) { errno = EOPNOTSUPP; return -1; }
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

#define SYNCING(name) \
    REAL(name); \
    if (!ours(fd)) return real(fd); \
    begin(); \
    int done = real(fd); \
    if (done == 0) say("F\t%llu\n", number(fd)); \
    end(); \
    return done
int fsync(int fd) { SYNCING(fsync); }
int fdatasync(int fd) { SYNCING(fdatasync); }

static int linked(int da, const char *a, int db, const char *b, int flags)
{
    struct name name;
    if (!name_of(db, b, &name)) return (int)syscall(SYS_linkat, da, a, db, b, flags);
    begin();
    int done = (int)syscall(SYS_linkat, da, a, db, b, flags);
    if (done == 0) say("L\t%llu\t%llu\t%s\n", name.dir, number_at(db, b, NULL, NULL), name.last);
    end();
    return done;
}
int link(const char *a, const char *b) { return linked(AT_FDCWD, a, AT_FDCWD, b, 0); }
int linkat(int da, const char *a, int db, const char *b, int flags) { return linked(da, a, db, b, flags); }

int symlinkat(const char *target, int dir, const char *path)
{
    struct name name;
    if (!name_of(dir, path, &name)) return (int)syscall(SYS_symlinkat, target, dir, path);
    begin();
    int done = (int)syscall(SYS_symlinkat, target, dir, path);
    if (done == 0)
        say("S\t%llu\t%llu\t%s\t%s\n", name.dir, number_at(dir, path, NULL, NULL), name.last, target);
    end();
    return done;
}
int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

int renameat2(int da, const char *a, int db, const char *b, unsigned flags)
{
    struct name from, to;
    int known = name_of(da, a, &from), goes = name_of(db, b, &to);
    if (!known && !goes) return (int)syscall(SYS_renameat2, da, a, db, b, flags);
    DEMAND(known && goes && !(flags & RENAME_EXCHANGE));
    begin();
    int done = (int)syscall(SYS_renameat2, da, a, db, b, flags);
    if (done == 0) say("R\t%llu\t%s\t%llu\t%s\n", from.dir, from.last, to.dir, to.last);
    end();
    return done;
}
int renameat(int da, const char *a, int db, const char *b) { return renameat2(da, a, db, b, 0); }
int rename(const char *a, const char *b) { return renameat2(AT_FDCWD, a, AT_FDCWD, b, 0); }

int mkdirat(int dir, const char *path, mode_t mode)
{
    struct name name;
    if (!name_of(dir, path, &name)) return (int)syscall(SYS_mkdirat, dir, path, mode);
    begin();
    int done = (int)syscall(SYS_mkdirat, dir, path, mode);
    if (done == 0) say("D\t%llu\t%llu\t%s\n", name.dir, number_at(dir, path, NULL, NULL), name.last);
    end();
    return done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int unlinkat(int dir, const char *path, int flags)
{
    struct name name;
    if (!name_of(dir, path, &name)) return (int)syscall(SYS_unlinkat, dir, path, flags);
    begin();
    int done = (int)syscall(SYS_unlinkat, dir, path, flags);
    if (done == 0) say("U\t%llu\t%s\n", name.dir, name.last);
    end();
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path)
{ int done = unlinkat(AT_FDCWD, path, 0); return done != 0 && errno == EISDIR ? rmdir(path) : done; }

static int sized(int fd, off_t size, long call)
{
    if (!ours(fd)) return (int)syscall(call, fd, size);
    begin();
    int done = (int)syscall(call, fd, size);
    if (done == 0) say("Z\t%llu\t%lld\n", number(fd), (long long)size);
    end();
    return done;
}
int ftruncate(int fd, off_t size) { return sized(fd, size, SYS_ftruncate); }
int ftruncate64(int fd, off64_t size) { return sized(fd, size, SYS_ftruncate); }

#define ALLOCATING(call) \
    if (!ours(fd)) return call; \
    begin(); \
    int done = call; \
    if (done == 0) say("A\t%llu\t%lld\t%lld\n", number(fd), (long long)at, (long long)size); \
    end(); \
    return done
int fallocate(int fd, int mode, off_t at, off_t size) { REAL(fallocate); ALLOCATING(real(fd, mode, at, size)); }
int fallocate64(int fd, int mode, off64_t at, off64_t size) { REAL(fallocate64); ALLOCATING(real(fd, mode, at, size)); }
int posix_fallocate(int fd, off_t at, off_t size) { REAL(posix_fallocate); ALLOCATING(real(fd, at, size)); }
int posix_fallocate64(int fd, off64_t at, off64_t size) { REAL(posix_fallocate64); ALLOCATING(real(fd, at, size)); }
