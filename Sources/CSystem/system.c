#define _GNU_SOURCE
#include "CSystem.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/uio.h>

int tio_nameless_file_flag(void) { return O_TMPFILE; }

int tio_allocate(int fd, int64_t offset, int64_t length) {
  return fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length);
}

ssize_t tio_read_cached(int fd, void *buffer, size_t length, int64_t offset) {
  struct iovec part = {buffer, length};
  return preadv2(fd, &part, 1, offset, RWF_NOWAIT);
}

int tio_lock_exclusively(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }
