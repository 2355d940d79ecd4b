#define _GNU_SOURCE
#include "CSystem.h"

#include <fcntl.h>
#include <sys/file.h>

int tio_nameless_file_flag(void) { return O_TMPFILE; }

int tio_allocate(int fd, int64_t offset, int64_t length) {
  return fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length);
}

int tio_lock_exclusively(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }
