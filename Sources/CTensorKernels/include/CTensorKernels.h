// Element loops that Swift calls on raw memory. No allocation, no global state, no failure: sizes
// and bounds are the caller's to check.
#ifndef CTENSORKERNELS_H
#define CTENSORKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "CTensorComparison.h"
#include "CTensorConversion.h"

// Reverses the bytes of each of `count` units of `unit` bytes (2, 4, 8 or 16; 1 does nothing).
// `stride` is the distance in bytes from one unit to the next. A unit need not be aligned.
void tio_swap_bytes(void *bytes, size_t unit, size_t count, size_t stride);

// Copies a strided array of `rank` axes to contiguous row-major memory. `source` points at the
// element of index 0; `strides` are in bytes and may be 0 or negative; every axis is at least 1.
void tio_gather(void *target, const void *source, size_t item_size, size_t rank,
                const intptr_t *shape, const intptr_t *strides);

// Has memory that will be read soon fetched into the second-level cache, which can wait for more lines
// at a time than the first one; reads nothing, so any address will do.
static inline void tio_prefetch(const void *start, size_t length) {
  for (size_t line = 0; line < length; line += 64) __builtin_prefetch((const char *)start + line, 0, 2);
}

// Multiplies numbers by a factor and adds an offset, in place; both operations round.
void tio_scale_float(void *numbers, size_t count, float factor, float offset);
void tio_scale_double(void *numbers, size_t count, double factor, double offset);

#endif
