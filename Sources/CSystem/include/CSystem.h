// Linux calls that Swift's Glibc module leaves out because they need _GNU_SOURCE.
#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// open(2) flags for a file without a name: O_TMPFILE.
int tio_nameless_file_flag(void);

// Allocates disk space without changing the size of the file. Returns -1 and sets errno.
int tio_allocate(int fd, int64_t offset, int64_t length);

// Reads without waiting for the disk: preadv2(2) with RWF_NOWAIT. Returns -1 and sets errno where
// bytes are not in the page cache, and where kernel or file system cannot tell.
ssize_t tio_read_cached(int fd, void *buffer, size_t length, int64_t offset);

// flock(2) with LOCK_EX | LOCK_NB, whose name Swift takes for a struct's. Returns -1 and sets errno.
int tio_lock_exclusively(int fd);

#endif
