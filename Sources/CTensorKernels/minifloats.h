// Single numbers of the small floats, without branches.
#ifndef MINIFLOATS_H
#define MINIFLOATS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline, unused))

INLINE float as_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
INLINE uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
INLINE double as_double(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
INLINE uint64_t double_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

enum { FLOAT_INFINITY = 0x7f800000 };

// The code without sign of the nearest small float with `m` mantissa bits and exponent bias `bias`,
// ties to even; past the last one codes go on.
INLINE uint32_t small_code(uint32_t magnitude, uint32_t m, uint32_t bias) {
  uint32_t odd = (magnitude >> (23 - m)) & 1;
  uint32_t normal =
      (magnitude + ((UINT32_C(1) << (22 - m)) - 1) + odd - ((127 - bias) << 23)) >> (23 - m);
  // Adding a float whose steps are those of the subnormal numbers rounds to these.
  uint32_t anchor = (127 + 24 - bias - m) << 23;
  uint32_t subnormal = float_bits(as_float(magnitude) + as_float(anchor)) - anchor;
  return magnitude < (128 - bias) << 23 ? subnormal : normal;
}

// The largest number for what is too large, infinities too: as PyTorch has it since 2026.
INLINE uint8_t e4m3fn(float x) {
  uint32_t bits = float_bits(x), magnitude = bits & 0x7fffffff;
  uint32_t code = small_code(magnitude, 3, 7);
  code = code > 0x7e ? 0x7e : code;
  return (uint8_t)((magnitude > FLOAT_INFINITY ? 0x7f : code) | bits >> 31 << 7);
}

INLINE uint8_t e5m2(float x) {
  uint32_t bits = float_bits(x), magnitude = bits & 0x7fffffff;
  uint32_t code = small_code(magnitude, 2, 15);
  code = code > 0x7c ? 0x7c : code;
  code = magnitude > FLOAT_INFINITY ? 0x7f : code;
  return (uint8_t)(code | bits >> 31 << 7);
}

// Without a negative zero, whose code is NaN.
INLINE uint8_t unsigned_zero(uint32_t code, uint32_t bits) {
  uint32_t sign = code == 0 ? 0 : bits >> 31 << 7;
  return (uint8_t)(code > 0x7f ? 0x80 : code | sign);
}
INLINE uint8_t e4m3fnuz(float x) {
  uint32_t bits = float_bits(x);
  return unsigned_zero(small_code(bits & 0x7fffffff, 3, 8), bits);
}
INLINE uint8_t e5m2fnuz(float x) {
  uint32_t bits = float_bits(x);
  return unsigned_zero(small_code(bits & 0x7fffffff, 2, 16), bits);
}

// The nearest power of two, ties upwards; but between the least two it is the upper one, and signs are
// dropped. So does PyTorch.
INLINE uint8_t e8m0fnu(float x) {
  uint32_t magnitude = float_bits(x) & 0x7fffffff;
  uint32_t exponent = magnitude >> 23, fraction = magnitude & 0x7fffff;
  uint32_t up = fraction > 0x400000 || (fraction == 0x400000 && exponent > 0);
  return (uint8_t)(exponent == 255 ? 255 : exponent + up);
}

// The largest number for what is too large; 0 for NaN, which it has not.
INLINE uint8_t e2m1(float x) {
  uint32_t bits = float_bits(x), magnitude = bits & 0x7fffffff;
  uint32_t code = small_code(magnitude, 1, 1);
  return (uint8_t)(magnitude > FLOAT_INFINITY ? 0 : (code > 7 ? 7 : code) | (bits >> 31 << 3));
}

// NaN keeps its sign and the upper part of its payload, and is quiet.
INLINE uint16_t bfloat16(float x) {
  uint32_t bits = float_bits(x);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return (uint16_t)(x == x ? rounded : bits >> 16 | 0x40);
}

INLINE uint16_t float_to_half(float x) {
  uint32_t bits = float_bits(x), magnitude = bits & 0x7fffffff;
  uint32_t code = small_code(magnitude, 10, 15);
  code = code > 0x7c00 ? 0x7c00 : code;
  code = magnitude > FLOAT_INFINITY ? 0x7e00 | (magnitude >> 13 & 0x3ff) : code;
  return (uint16_t)(code | bits >> 31 << 15);
}

// The bits of the float that a code without sign stands for; codes of infinity and NaN are numbers.
INLINE uint32_t small_bits(uint32_t code, uint32_t m, uint32_t bias) {
  // Subnormal numbers are whole multiples of their step.
  float step = as_float((127 + 1 - bias - m) << 23);
  uint32_t subnormal = float_bits((float)(int32_t)(code & ((UINT32_C(1) << m) - 1)) * step);
  uint32_t normal = (code << (23 - m)) + ((127 - bias) << 23);
  return code >> m == 0 ? subnormal : normal;
}

INLINE float half_to_float(uint16_t half) {
  uint32_t code = half & 0x7fff;
  uint32_t special = code << 13 | FLOAT_INFINITY | (code & 0x3ff ? 0x400000 : 0);
  uint32_t bits = code >= 0x7c00 ? special : small_bits(code, 10, 15);
  return as_float(bits | (uint32_t)(half >> 15) << 31);
}

enum { QUIET_NAN = 0x7fc00000 };

INLINE float of_e4m3fn(uint8_t x) {
  uint32_t code = x & 0x7f, bits = code == 0x7f ? QUIET_NAN : small_bits(code, 3, 7);
  return as_float(bits | (uint32_t)(x >> 7) << 31);
}
INLINE float of_e5m2(uint8_t x) {
  // Its codes are the upper halves of those of binary16.
  return half_to_float((uint16_t)(x << 8));
}
INLINE float of_fnuz(uint8_t x, uint32_t m, uint32_t bias) {
  uint32_t bits = small_bits(x & 0x7f, m, bias) | (uint32_t)(x >> 7) << 31;
  return as_float(x == 0x80 ? QUIET_NAN : bits);
}
INLINE float of_e2m1(uint8_t x) {
  return as_float(small_bits(x & 7, 1, 1) | (uint32_t)(x >> 3 & 1) << 31);
}
INLINE float of_e8m0fnu(uint8_t x) {
  uint32_t bits = x == 0 ? 0x00400000 : (uint32_t)x << 23;
  return as_float(x == 0xff ? QUIET_NAN : bits);
}

// A float that rounds to any shorter one as `x` does: the inexact ones are odd.
INLINE float odd_float(double x) {
  float y = (float)x;
  uint32_t bits = float_bits(y);
  // Towards zero, then odd.
  uint32_t isAway = fabs((double)y) > fabs(x);
  uint32_t isInexact = (double)y != x && x == x;
  bits = isInexact ? (bits - isAway) | 1 : bits;
  return as_float(bits);
}

#endif
