#include <string.h>

#include "CTensorKernels.h"

// Units at a distance that is not theirs, one by one.
#define SWAP_LOOP(type, builtin)                     \
  for (size_t i = 0; i < count; i++, at += stride) { \
    type value;                                      \
    memcpy(&value, at, sizeof value);                \
    value = builtin(value);                          \
    memcpy(at, &value, sizeof value);                \
  }

// Units side by side; the compiler makes vectors of these loops, once for each set of instructions.
typedef uint16_t u16_any __attribute__((aligned(1), may_alias));
typedef uint32_t u32_any __attribute__((aligned(1), may_alias));
typedef uint64_t u64_any __attribute__((aligned(1), may_alias));

#define DENSE(name, attributes)                                                      \
  attributes static void name(void *bytes, size_t unit, size_t count) {              \
    if (unit == 2) {                                                                 \
      u16_any *at = bytes;                                                           \
      for (size_t i = 0; i < count; i++) at[i] = __builtin_bswap16(at[i]);           \
    } else if (unit == 4) {                                                          \
      u32_any *at = bytes;                                                           \
      for (size_t i = 0; i < count; i++) at[i] = __builtin_bswap32(at[i]);           \
    } else {                                                                         \
      u64_any *at = bytes;                                                           \
      for (size_t i = 0; i < count; i++) at[i] = __builtin_bswap64(at[i]);           \
    }                                                                                \
  }

DENSE(dense_portable, )
#if defined(__x86_64__)
DENSE(dense_avx2, __attribute__((target("avx2"))))
DENSE(dense_avx512, __attribute__((target("avx512f,avx512bw,avx512vl"))))
#endif

static void dense(void *bytes, size_t unit, size_t count) {
  switch (tio_best_level()) {
#if defined(__x86_64__)
    case TIO_AVX512: dense_avx512(bytes, unit, count); break;
    case TIO_AVX2: dense_avx2(bytes, unit, count); break;
#endif
    default: dense_portable(bytes, unit, count); break;
  }
}

void tio_swap_bytes(void *bytes, size_t unit, size_t count, size_t stride) {
  unsigned char *at = bytes;
  if (unit == stride && (unit == 2 || unit == 4 || unit == 8)) {
    dense(bytes, unit, count);
    return;
  }
  switch (unit) {
    case 2: SWAP_LOOP(uint16_t, __builtin_bswap16) break;
    case 4: SWAP_LOOP(uint32_t, __builtin_bswap32) break;
    case 8: SWAP_LOOP(uint64_t, __builtin_bswap64) break;
    case 16:
      for (size_t i = 0; i < count; i++, at += stride) {
        uint64_t half[2], swapped[2];
        memcpy(half, at, sizeof half);
        swapped[0] = __builtin_bswap64(half[1]);
        swapped[1] = __builtin_bswap64(half[0]);
        memcpy(at, swapped, sizeof swapped);
      }
      break;
    default: break;
  }
}
