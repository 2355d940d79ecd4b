// libFuzzer's -malloc_limit_mb works with a sanitizer's allocator only. These stand in front of
// glibc's and cost nothing, so that the bound holds in every execution and at full speed.

#define _GNU_SOURCE
#include "CFuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_OWN_ALLOCATOR 1
#endif
#endif

static size_t most_bytes;

void fuzz_bound_allocations(size_t most) { most_bytes = most; }

// Parallel loops with one core run on the calling thread. Waking threads for inputs of a few hundred
// bytes would cost more than reading them, and would make runs differ.
long __sysconf(int name);
long sysconf(int name) {
  return name == _SC_NPROCESSORS_ONLN ? 1 : __sysconf(name);
}

#ifndef HAS_OWN_ALLOCATOR

static void check(size_t size) {
  if (most_bytes == 0 || size <= most_bytes) return;
  most_bytes = 0;
  static const char text[] = "FUZZ: an allocation past the bound\n";
  (void)!write(2, text, sizeof text - 1);
  abort();
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  check(size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  size_t total;
  if (!__builtin_mul_overflow(count, size, &total)) check(total);
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  check(size);
  return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  check(size);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  check(size);
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : 12;
}

// Large memory comes from here, not from malloc.
void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
  if (flags & MAP_ANONYMOUS) check(size);
  return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

#endif
