/* A disk that fails, and signals, at numbered calls of the system.
 *
 * Preloaded, it stands between all code of a process (Python, HDF5, Arrow) and the C library. Calls that change a
 * folder are counted once `chaos_arm` has named it; at the call of a number they fail, from there on too if the fault
 * lasts, or a signal is raised. A write is cut in half first, as disks do that are full.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, MKDIR = 2, WRITE = 4, SYNC = 8, RENAME = 16, REMOVE = 32, CLOSE = 64, LOCK = 128 };

static char root[PATH_MAX];
static atomic_long calls;
static atomic_bool is_armed;
static long point;
static int fault, raised, lasting, record = -1;

#define REAL(name) ({ static typeof(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name); real; })

/* `lasts` holds the kinds of calls that fail from the point on; none if the fault passes. */
void chaos_arm(const char *folder, long at, int error, int number, int lasts, int log)
{
    strncpy(root, folder, sizeof root - 1);
    point = at, fault = error, raised = number, lasting = lasts, record = log;
    atomic_store(&calls, 0);
    atomic_store(&is_armed, true);
}

long chaos_calls(void) { return atomic_load(&calls); }

/* Whether this call of a kind on a path is where something happens. */
static bool strikes(int kind, const char *word, const char *path)
{
    if (strncmp(path, root, strlen(root)) != 0)
        return false;
    long number = atomic_fetch_add(&calls, 1) + 1;
    if (record >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%ld %s %s\n", number, word, path + strlen(root));
        REAL(write)(record, line, length);
    }
    return number == point || (number > point && point > 0 && (lasting & kind));
}

static bool strikes_path(int kind, const char *word, int folder, const char *path)
{
    if (!atomic_load(&is_armed))
        return false;
    if (path[0] == '/')
        return strikes(kind, word, path);
    char name[64], whole[2 * PATH_MAX];
    int keep = errno;
    snprintf(name, sizeof name, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t length = readlink(name, whole, PATH_MAX);
    errno = keep;
    if (length < 0)
        return false;
    snprintf(whole + length, PATH_MAX, "/%s", path);
    return strikes(kind, word, whole);
}

static bool strikes_file(int kind, const char *word, int descriptor)
{
    if (!atomic_load(&is_armed) || descriptor == record)
        return false;
    char name[64], path[PATH_MAX];
    int keep = errno, flags = fcntl(descriptor, F_GETFL);
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(name, path, sizeof path - 1);
    errno = keep;
    if (length < 0 || flags < 0 || (kind == CLOSE && (flags & O_ACCMODE) == O_RDONLY))
        return false;
    path[length] = 0;
    return strikes(kind, word, path);
}

/* After the call was done or half done: end in an error, or with a signal on its way. */
static long strike(long done)
{
    if (raised) {
        kill(getpid(), raised);
        return done;
    }
    errno = fault;
    return -1;
}

#define CHANGES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))
#define FAULTY(kind, where, real) \
    bool is_struck = where; \
    long done = is_struck && !raised && kind != CLOSE ? -1 : (real); \
    return is_struck ? strike(done) : done

#define OPENING(name, decl, args, folder) \
    int name decl { \
        mode_t mode = 0; \
        if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        FAULTY(OPEN, CHANGES(flags) && strikes_path(OPEN, "open", folder, path), REAL(name) args); \
    }
OPENING(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENING(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)
OPENING(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)

#define HALF(size) ((size) > 1 ? (size) / 2 : (size))
#define WRITING(name, decl, descriptor, all, half) \
    ssize_t name decl { \
        if (!strikes_file(WRITE, "write", descriptor)) \
            return REAL(name) all; \
        bool is_first = atomic_load(&calls) == point; \
        if (raised || (lasting && is_first && HALF(size) < size)) { \
            long done = REAL(name) half; \
            return raised ? strike(done) : done; \
        } \
        return strike(-1); \
    }
WRITING(write, (int file, const void *data, size_t size), file, (file, data, size), (file, data, HALF(size)))
WRITING(pwrite, (int file, const void *data, size_t size, off_t at), file, (file, data, size, at),
        (file, data, HALF(size), at))
WRITING(pwrite64, (int file, const void *data, size_t size, off64_t at), file, (file, data, size, at),
        (file, data, HALF(size), at))

ssize_t writev(int file, const struct iovec *data, int size)
{
    FAULTY(WRITE, strikes_file(WRITE, "write", file), REAL(writev)(file, data, size));
}

int ftruncate(int file, off_t size) { FAULTY(WRITE, strikes_file(WRITE, "truncate", file), REAL(ftruncate)(file, size)); }
int ftruncate64(int file, off64_t size)
{
    FAULTY(WRITE, strikes_file(WRITE, "truncate", file), REAL(ftruncate64)(file, size));
}
int fsync(int file) { FAULTY(SYNC, strikes_file(SYNC, "fsync", file), REAL(fsync)(file)); }
int fdatasync(int file) { FAULTY(SYNC, strikes_file(SYNC, "fsync", file), REAL(fdatasync)(file)); }
int flock(int file, int how) { FAULTY(LOCK, strikes_file(LOCK, "lock", file), REAL(flock)(file, how)); }
int close(int file) { FAULTY(CLOSE, strikes_file(CLOSE, "close", file), REAL(close)(file)); }

int mkdir(const char *path, mode_t mode)
{
    FAULTY(MKDIR, strikes_path(MKDIR, "mkdir", AT_FDCWD, path), REAL(mkdir)(path, mode));
}
int rename(const char *from, const char *path)
{
    FAULTY(RENAME, strikes_path(RENAME, "rename", AT_FDCWD, path), REAL(rename)(from, path));
}
int unlink(const char *path)
{
    FAULTY(REMOVE, strikes_path(REMOVE, "unlink", AT_FDCWD, path), REAL(unlink)(path));
}
int unlinkat(int folder, const char *path, int flags)
{
    FAULTY(REMOVE, strikes_path(REMOVE, "unlink", folder, path), REAL(unlinkat)(folder, path, flags));
}
int rmdir(const char *path)
{
    FAULTY(REMOVE, strikes_path(REMOVE, "rmdir", AT_FDCWD, path), REAL(rmdir)(path));
}
