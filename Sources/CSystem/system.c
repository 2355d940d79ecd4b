#define _GNU_SOURCE
#include "CSystem.h"

#include <fcntl.h>

int tio_nameless_file_flag(void) { return O_TMPFILE; }

int tio_allocate(int fd, int64_t offset, int64_t length) {
  return fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length);
}
