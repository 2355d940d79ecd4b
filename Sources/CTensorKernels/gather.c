#include "CTensorKernels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Two axes of the source: `outer_*` walks the slow axis of the target, `inner_*` the fast one.
typedef struct {
  intptr_t outer_count, inner_count;
  intptr_t outer_stride, inner_stride;  // in the source
  intptr_t outer_step;                  // in the target; the inner step is the item size
} plane;

// A tile is small enough that its source lines stay in the first-level cache while the target walks
// across them.
enum { tile = 32 };

#define COPY_PLANE(size)                                                                \
  static void copy_plane_##size(unsigned char *target, const unsigned char *source,      \
                                const plane *p) {                                        \
    for (intptr_t i0 = 0; i0 < p->outer_count; i0 += tile) {                             \
      intptr_t i1 = i0 + tile < p->outer_count ? i0 + tile : p->outer_count;             \
      for (intptr_t j0 = 0; j0 < p->inner_count; j0 += tile) {                           \
        intptr_t j1 = j0 + tile < p->inner_count ? j0 + tile : p->inner_count;           \
        for (intptr_t i = i0; i < i1; i++) {                                             \
          unsigned char *to = target + i * p->outer_step + j0 * size;                    \
          const unsigned char *from = source + i * p->outer_stride + j0 * p->inner_stride; \
          for (intptr_t j = j0; j < j1; j++, to += size, from += p->inner_stride)        \
            memcpy(to, from, size);                                                      \
        }                                                                                \
      }                                                                                  \
    }                                                                                    \
  }

COPY_PLANE(1)
COPY_PLANE(2)
COPY_PLANE(4)
COPY_PLANE(8)
COPY_PLANE(16)

static void copy_plane_any(unsigned char *target, const unsigned char *source, size_t size,
                           const plane *p) {
  for (intptr_t i = 0; i < p->outer_count; i++) {
    unsigned char *to = target + i * p->outer_step;
    const unsigned char *from = source + i * p->outer_stride;
    for (intptr_t j = 0; j < p->inner_count; j++, to += size, from += p->inner_stride)
      memcpy(to, from, size);
  }
}

static void copy_plane(unsigned char *target, const unsigned char *source, size_t size,
                       const plane *p) {
  if (p->inner_stride == (intptr_t)size) {
    for (intptr_t i = 0; i < p->outer_count; i++)
      memcpy(target + i * p->outer_step, source + i * p->outer_stride, p->inner_count * size);
    return;
  }
  switch (size) {
    case 1: copy_plane_1(target, source, p); break;
    case 2: copy_plane_2(target, source, p); break;
    case 4: copy_plane_4(target, source, p); break;
    case 8: copy_plane_8(target, source, p); break;
    case 16: copy_plane_16(target, source, p); break;
    default: copy_plane_any(target, source, size, p); break;
  }
}

void tio_gather(void *target, const void *source, size_t item_size, size_t rank,
                const intptr_t *shape, const intptr_t *strides) {
  if (rank > 64) return;  // Tensors have 64 axes at most.
  if (rank == 0) {
    memcpy(target, source, item_size);
    return;
  }
  size_t inner = rank - 1;
  // The plane's outer axis is the one that lies densest in the source, so that tiles use whole
  // cache lines of it (a transposed matrix); the other axes are counted like an odometer.
  size_t outer = inner;
  for (size_t axis = 0; axis < inner; axis++)
    if (shape[axis] > 1 && (outer == inner || labs(strides[axis]) < labs(strides[outer])))
      outer = axis;
  bool flat = outer == inner;

  intptr_t steps[64], index[64] = {0};
  steps[inner] = (intptr_t)item_size;
  for (size_t axis = inner; axis-- > 0;) steps[axis] = steps[axis + 1] * shape[axis + 1];
  plane p = {flat ? 1 : shape[outer], shape[inner], flat ? 0 : strides[outer], strides[inner],
             flat ? 0 : steps[outer]};
  unsigned char *to = target;
  const unsigned char *from = source;
  while (true) {
    copy_plane(to, from, item_size, &p);
    size_t axis = inner;
    while (axis-- > 0) {
      if (axis == outer && !flat) continue;
      to += steps[axis];
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      to -= steps[axis] * shape[axis];
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
    if (axis == (size_t)-1) return;
  }
}
