// What the fuzz targets need of C: zlib and a bound on every allocation.

#ifndef CFUZZ_H
#define CFUZZ_H

#include <stddef.h>
#include <stdint.h>

// A file without a name, which can be opened as /proc/self/fd/N.
int fuzz_memory_file(void);

// From now on no single allocation may be larger; 0 lifts the bound. Past it the process aborts,
// which libFuzzer reports with the input.
void fuzz_bound_allocations(size_t most);

uint32_t fuzz_crc32(const uint8_t *bytes, size_t count);

// Inflates a raw deflate stream as far as it goes, and says how many bytes came out.
size_t fuzz_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t room);

#endif
