#include "CTensorConversion.h"

#include <string.h>

void tio_split_nibbles(const void *source, void *target, size_t pairs) {
  const uint8_t *restrict s = source;
  uint8_t *restrict t = target;
  for (size_t i = 0; i < pairs; i++) {
    uint8_t pair = s[i];
    t[2 * i] = pair & 15;
    t[2 * i + 1] = pair >> 4;
  }
}

void tio_join_nibbles(const void *source, void *target, size_t pairs) {
  const uint8_t *restrict s = source;
  uint8_t *restrict t = target;
  for (size_t i = 0; i < pairs; i++) t[i] = (uint8_t)((s[2 * i] & 15) | s[2 * i + 1] << 4);
}

void tio_join_parts(size_t size, const void *source, void *target, size_t count) {
  const unsigned char *s = source;
  unsigned char *t = target;
  memset(target, 0, 2 * size * count);
  for (size_t i = 0; i < count; i++) memcpy(t + 2 * i * size, s + i * size, size);
}

// Whether a part is 0 or -0. The x87 format has its sign in byte 9, and padding above.
static bool is_zero(const unsigned char *part, size_t size) {
  size_t sign = size == 16 ? 9 : size - 1;
  unsigned char bits = part[sign] & 0x7f;
  for (size_t i = 0; i < sign; i++) bits |= part[i];
  return bits == 0;
}

size_t tio_split_parts(size_t size, const void *source, void *target, size_t count) {
  const unsigned char *s = source;
  unsigned char *t = target;
  size_t imaginary = 0;
  for (size_t i = 0; i < count; i++) {
    memcpy(t + i * size, s + 2 * i * size, size);
    imaginary += !is_zero(s + (2 * i + 1) * size, size);
  }
  return imaginary;
}
