// Conversion of numbers between element types. No allocation, no global state that is written twice;
// sizes and bounds are the caller's to check. Elements need not be aligned; all are little-endian.
#ifndef CTENSORCONVERSION_H
#define CTENSORCONVERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The real numbers. The order is that of the tables in convert_loops.h.
typedef enum {
  TIO_BOOL,
  TIO_I8, TIO_I16, TIO_I32, TIO_I64,
  TIO_U8, TIO_U16, TIO_U32, TIO_U64,
  TIO_F16, TIO_BF16, TIO_F32, TIO_F64,
  TIO_F8_E4M3FN, TIO_F8_E5M2, TIO_F8_E4M3FNUZ, TIO_F8_E5M2FNUZ, TIO_F8_E8M0FNU,
  TIO_F4_E2M1,  // one in the lower half of each byte; the upper half is ignored, and 0 when written
  TIO_NUMBERS
} tio_number;

// Instruction sets: each level needs what the ones before it need.
enum { TIO_PORTABLE, TIO_AVX2, TIO_AVX512, TIO_LEVELS };

// The best level that this processor has.
int tio_best_level(void);

// The elements that are converted at a time; what tio_convert answers is a multiple of it.
enum { TIO_BLOCK = 1024 };

// What becomes of a number that the target cannot hold: one outside of an integer's range, and one
// for which a float has neither a number nor an infinity.
typedef enum {
  // Conversion stops in front of its block.
  TIO_STOP,
  // It becomes the nearest number, finite where it was; NaN becomes the integer 0. Nothing stops.
  TIO_SATURATE,
  // Integers become integers modulo 2^bits, floats floats as they come; conversion of floats to
  // integers stops in front of the block.
  TIO_WRAP
} tio_range;

// Converts `count` numbers as C does, floats rounded to nearest, ties to even. Answers how many are
// done: `count`, or the start of the first block with a number out of range. The target's elements
// from there on are undefined. Source and target must not overlap.
size_t tio_convert(int level, tio_number from, tio_number to, tio_range range, const void *source,
                   void *target, size_t count);

// How numbers and what they became differ.
typedef struct {
  uint64_t changed;     // elements that have another value (NaN is the same as NaN)
  uint64_t overflowed;  // numbers that became infinite, or another integer than their whole part
  uint64_t nans;        // numbers that became NaN, and NaNs that became numbers
  double absolute, relative, ulps;  // the largest errors of the rest; ulps in the target's steps
} tio_differences;

// Compares `count` numbers with what they became, and adds to `differences`.
void tio_compare(int level, tio_number from, tio_number to, const void *source, const void *target,
                 size_t count, tio_differences *differences);

// Pairs of 4-bit numbers, the lower half of a byte first, as one number a byte, and back.
void tio_split_nibbles(const void *source, void *target, size_t pairs);
void tio_join_nibbles(const void *source, void *target, size_t pairs);

// Complex numbers with an imaginary part of 0, of parts of `size` bytes (1, 2, 4, 8 or 16).
void tio_join_parts(size_t size, const void *source, void *target, size_t count);

// The real parts of complex numbers; answers how many imaginary parts are not 0, NaN among them.
size_t tio_split_parts(size_t size, const void *source, void *target, size_t count);

#endif
