#include "CTensorKernels.h"

#include <string.h>

#define SWAP_LOOP(type, builtin)                      \
  for (size_t i = 0; i < count; i++, at += stride) { \
    type value;                                       \
    memcpy(&value, at, sizeof value);                 \
    value = builtin(value);                           \
    memcpy(at, &value, sizeof value);                 \
  }

void tio_swap_bytes(void *bytes, size_t unit, size_t count, size_t stride) {
  unsigned char *at = bytes;
  // The dense cases have a stride the compiler knows, so that it can vectorise them.
  switch (unit) {
    case 2:
      if (stride == 2) { stride = 2; SWAP_LOOP(uint16_t, __builtin_bswap16) }
      else SWAP_LOOP(uint16_t, __builtin_bswap16)
      break;
    case 4:
      if (stride == 4) { stride = 4; SWAP_LOOP(uint32_t, __builtin_bswap32) }
      else SWAP_LOOP(uint32_t, __builtin_bswap32)
      break;
    case 8:
      if (stride == 8) { stride = 8; SWAP_LOOP(uint64_t, __builtin_bswap64) }
      else SWAP_LOOP(uint64_t, __builtin_bswap64)
      break;
    case 16:
      for (size_t i = 0; i < count; i++, at += stride) {
        uint64_t half[2], swapped[2];
        memcpy(half, at, sizeof half);
        swapped[0] = __builtin_bswap64(half[1]);
        swapped[1] = __builtin_bswap64(half[0]);
        memcpy(at, swapped, sizeof swapped);
      }
      break;
    default:
      break;
  }
}
