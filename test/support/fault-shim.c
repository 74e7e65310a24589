/*
 * Makes system calls on files of a store fail, in a process that is started with this in LD_PRELOAD.
 *
 * While the file that FAULT_ORDER names exists, it says which: "<call> <errno>", or "<call> short" for a write
 * that takes half; "any hang" makes all of them wait until that file is gone, as a mount whose server is away does.
 * Every call that is watched is written to the file that FAULT_LOG names, as "<call> <path>". Only paths with
 * /images/ in them are looked at.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GOES_ON = 0, SHORT = -1 };

static long (*kernel)(long, ...);

__attribute__((constructor)) static void find_kernel(void) {
  kernel = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
}

/* What the order says about this call on this path. */
static int fate(const char *call, const char *path) {
  char line[4200], name[32], what[32];
  const char *order = getenv("FAULT_ORDER"), *log = getenv("FAULT_LOG");
  if (!order || !log || !strstr(path, "/images/")) return GOES_ON;
  int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd >= 0) {
    int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    kernel(SYS_write, fd, line, length);
    kernel(SYS_close, fd);
  }
  fd = open(order, O_RDONLY);
  if (fd < 0) return GOES_ON;
  ssize_t n = read(fd, line, sizeof line - 1);
  kernel(SYS_close, fd);
  if (n <= 0) return GOES_ON;
  line[n] = 0;
  if (sscanf(line, "%31s %31s", name, what) != 2) return GOES_ON;
  if (strcmp(what, "hang") == 0) {
    while (kernel(SYS_faccessat, AT_FDCWD, order, F_OK) == 0) usleep(20000);
    return GOES_ON;
  }
  if (strcmp(name, call) != 0) return GOES_ON;
  return strcmp(what, "short") == 0 ? SHORT : atoi(what);
}

static int fate_of_fd(const char *call, int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return GOES_ON;
  path[n] = 0;
  return fate(call, path);
}

#define FAIL(error)  \
  do {               \
    errno = (error); \
    return -1;       \
  } while (0)

int fdatasync(int fd) {
  int error = fate_of_fd("fdatasync", fd);
  if (error) FAIL(error);
  return kernel(SYS_fdatasync, fd);
}

int fsync(int fd) {
  int error = fate_of_fd("fsync", fd);
  if (error) FAIL(error);
  return kernel(SYS_fsync, fd);
}

/* libuv closes files, and looks at them, by number. */
long syscall(long number, ...) {
  long args[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) args[i] = va_arg(list, long);
  va_end(list);
  int error = number == SYS_close ? fate_of_fd("close", (int)args[0]) : GOES_ON;
  if (number == SYS_statx) error = fate("statx", (const char *)args[1]);
  long result = error && number == SYS_statx ? -1 : kernel(number, args[0], args[1], args[2], args[3], args[4], args[5]);
  if (error) FAIL(error); /* the descriptor is gone either way */
  return result;
}

int rename(const char *from, const char *to) {
  int error = fate("rename", from);
  if (error) FAIL(error);
  return kernel(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  int error = fate_of_fd("pwrite", fd);
  if (error == SHORT) length = length > 1 ? length / 2 : length;
  else if (error) FAIL(error);
  return kernel(SYS_pwrite64, fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return pwrite64(fd, bytes, length, offset);
}

int access(const char *path, int mode) {
  int error = fate("access", path);
  if (error) FAIL(error);
  return kernel(SYS_faccessat, AT_FDCWD, path, mode);
}

int open64(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  int mode = flags & O_CREAT ? va_arg(list, int) : 0;
  va_end(list);
  int error = fate("open", path);
  if (error) FAIL(error);
  return kernel(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  int mode = flags & O_CREAT ? va_arg(list, int) : 0;
  va_end(list);
  return open64(path, flags, mode);
}

int statfs(const char *path, struct statfs *found) {
  int error = fate("statfs", path);
  if (error) FAIL(error);
  return kernel(SYS_statfs, path, found);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) {
  int error = fate_of_fd("pread", fd);
  if (error) FAIL(error);
  return kernel(SYS_pread64, fd, bytes, length, offset);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t offset) {
  return pread64(fd, bytes, length, offset);
}
