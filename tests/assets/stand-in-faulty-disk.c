/* A stand-in for a disk that fails, for LD_PRELOAD: calls of libc on files whose path contains $FAULT_PATH fail, or the process
 * gets a signal right before one of them. Everything else goes through.
 *
 *   FAULT=read    reads fail with $FAULT_ERRNO once $FAULT_AFTER bytes of a file were given, while there is a file $FAULT_WHILE
 *   FAULT=write   writes fail with $FAULT_ERRNO once $FAULT_AFTER bytes were taken, as on a full disk
 *   FAULT=open    opening for writing, making folders, renaming and removing fail with $FAULT_ERRNO, as in a read-only folder
 *   FAULT=sync    fsync and fdatasync fail with $FAULT_ERRNO
 *   FAULT=kill    before change number $FAULT_AFTER (opening for writing, writing, syncing, renaming, linking, removing) the
 *                 process gets signal $FAULT_ERRNO
 *   FAULT=clock   the clock of day goes back an hour each time it is read; no path is needed
 *
 * There are no files without a name (O_TMPFILE), as on NFS, unless $FAULT_UNNAMED is set: then all of them are meant.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FILES 4096
static char watched[FILES];
static long taken[FILES];
static long changes;

static int is(const char *fault) {
    const char *wanted = getenv("FAULT");
    return wanted && !strcmp(wanted, fault);
}
static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}
static int meant(const char *path) {
    const char *part = getenv("FAULT_PATH");
    return part && path && strstr(path, part) != NULL;
}
static int fails(void) {
    errno = (int)number("FAULT_ERRNO");
    return -1;
}
static void changing(void) {
    if (is("kill") && __atomic_add_fetch(&changes, 1, __ATOMIC_SEQ_CST) == number("FAULT_AFTER"))
        kill(getpid(), (int)number("FAULT_ERRNO"));
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int opened(int file, const char *path) {
    if (file >= 0 && file < FILES) {
        watched[file] = (char)meant(path);
        taken[file] = 0;
    }
    return file;
}
static int refused(const char *path, int flags) {
    if (!meant(path) || !(flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)))
        return 0;
    changing();
    return is("open");
}
#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...) {                          \
        const char *folder = path;                                        \
        va_list rest;                                                     \
        va_start(rest, flags);                                            \
        mode_t mode = (mode_t)va_arg(rest, int);                          \
        va_end(rest);                                                     \
        if ((flags & O_TMPFILE) == O_TMPFILE) {                           \
            if (!getenv("FAULT_UNNAMED")) {                               \
                errno = EOPNOTSUPP;                                       \
                return -1;                                                \
            }                                                             \
            path = getenv("FAULT_PATH");                                  \
            if (refused(path, flags))                                     \
                return fails();                                           \
            return opened(REAL(name)(folder, flags, mode), path);         \
        }                                                                 \
        if (refused(path, flags))                                         \
            return fails();                                               \
        return opened(REAL(name)(path, flags, mode), path);               \
    }
OPEN(open)
OPEN(open64)

/* A copy of a descriptor is the same file. */
#define CONTROL(name)                                                     \
    int name(int file, int what, ...) {                                   \
        va_list rest;                                                     \
        va_start(rest, what);                                             \
        void *argument = va_arg(rest, void *);                            \
        va_end(rest);                                                     \
        int done = REAL(name)(file, what, argument);                      \
        int copies = what == F_DUPFD || what == F_DUPFD_CLOEXEC;          \
        if (copies && done >= 0 && done < FILES && file >= 0 && file < FILES) { \
            watched[done] = watched[file];                                \
            taken[done] = taken[file];                                    \
        }                                                                 \
        return done;                                                      \
    }
CONTROL(fcntl)
CONTROL(fcntl64)

static int seen(int file) { return file >= 0 && file < FILES && watched[file]; }

/* How much of `count` may pass; -1 if nothing may any longer. */
static ssize_t share(int file, size_t count, const char *fault) {
    if (!seen(file) || !is(fault))
        return (ssize_t)count;
    const char *only = getenv("FAULT_WHILE");
    if (only && access(only, F_OK))
        return (ssize_t)count;
    long left = number("FAULT_AFTER") - taken[file];
    if (left <= 0)
        return -1;
    return (size_t)left < count ? (ssize_t)left : (ssize_t)count;
}
ssize_t read(int file, void *bytes, size_t count) {
    ssize_t part = share(file, count, "read");
    if (part < 0)
        return fails();
    ssize_t got = REAL(read)(file, bytes, (size_t)part);
    if (got > 0 && seen(file))
        taken[file] += got;
    return got;
}
ssize_t write(int file, const void *bytes, size_t count) {
    if (seen(file))
        changing();
    ssize_t part = share(file, count, "write");
    if (part < 0)
        return fails();
    ssize_t got = REAL(write)(file, bytes, (size_t)part);
    if (got > 0 && seen(file))
        taken[file] += got;
    return got;
}
ssize_t writev(int file, const struct iovec *parts, int count) {
    return seen(file) && count > 0 ? write(file, parts[0].iov_base, parts[0].iov_len) : REAL(writev)(file, parts, count);
}
#define SYNC(name)                      \
    int name(int file) {                \
        if (seen(file)) {               \
            changing();                 \
            if (is("sync"))             \
                return fails();         \
        }                               \
        return REAL(name)(file);        \
    }
SYNC(fsync)
SYNC(fdatasync)

#define PLACE(name)                                                          \
    int name(const char *from, const char *to) {                             \
        if (meant(to) || meant(from)) {                                      \
            changing();                                                      \
            if (is("open"))                                                  \
                return fails();                                              \
        }                                                                    \
        return REAL(name)(from, to);                                         \
    }
PLACE(rename)
PLACE(link)
int linkat(int a, const char *from, int b, const char *to, int flags) {
    if (meant(to)) {
        changing();
        if (is("open"))
            return fails();
    }
    return REAL(linkat)(a, from, b, to, flags);
}
int unlink(const char *path) {
    if (meant(path))
        changing();
    return REAL(unlink)(path);
}
int mkdir(const char *path, mode_t mode) {
    if (meant(path)) {
        changing();
        if (is("open"))
            return fails();
    }
    return REAL(mkdir)(path, mode);
}
int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = REAL(clock_gettime)(clock, time);
    if (clock == CLOCK_REALTIME && is("clock"))
        time->tv_sec -= 3600 * __atomic_add_fetch(&changes, 1, __ATOMIC_SEQ_CST);
    return done;
}
