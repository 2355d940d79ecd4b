// Comparison of the numbers of two tensors. No allocation, no global state that is written; sizes and
// bounds are the caller's to check. Elements need not be aligned; all are little-endian.
#ifndef CTENSORCOMPARISON_H
#define CTENSORCOMPARISON_H

#include "CTensorConversion.h"

// The x87 format in 16 bytes, of which the last six mean nothing; on x86 alone.
enum { TIO_X87 = TIO_NUMBERS };

// What the elements of one side are: a tio_number or TIO_X87, and 2 parts for complex numbers.
typedef struct {
  int32_t type, parts;
} tio_operand;

// a is within the tolerance of b where both are equal, where |a - b| <= absolute + relative * |b| for
// a finite b, or where both are finite and at most so many ULPs apart.
typedef struct {
  double absolute, relative, ulps;
  bool equal_nan;  // NaNs with other bits are within the tolerance of each other
} tio_tolerance;

// large * 2^1200 + middle + small * 2^-1200, so that squares of no double are lost.
typedef struct {
  double small, middle, large;
} tio_sum;

// How two runs of numbers differ. Indexes are UINT64_MAX where there is none.
typedef struct {
  uint64_t different;   // other bits; where the types differ, another number or sign
  uint64_t outside;     // different, and not within the tolerance
  uint64_t nans;        // NaN on one side alone
  uint64_t infinities;  // infinite on one side alone, or of the other sign
  uint64_t finite;      // finite on both sides; what follows is about these
  uint64_t first_different, first_outside;
  double max_absolute, max_relative, max_ulps;
  uint64_t max_absolute_at;
  tio_sum errors, squares;       // of |a - b| and its square
  tio_sum left, right, product;  // of |a|^2, |b|^2, and the real part of a times conj(b)
} tio_comparison;

// Compares `count` elements, of which the first has the index `first`, and adds to `result`. The ULPs
// are those between numbers of one float type; of two, the error in steps of the coarser at b.
// Results are the same at every level.
void tio_compare_numbers(int level, tio_operand left, tio_operand right, const void *a,
                         const void *b, size_t count, uint64_t first,
                         const tio_tolerance *tolerance, tio_comparison *result);

// Numbers as double, exactly but for integers of 64 bits; TIO_BLOCK at most.
void tio_widen(int level, tio_number type, const void *source, double *target, size_t count);

// The distance of neighbours in a float type: `*step` times the binade, but `*least` at least.
void tio_steps(tio_number type, double *step, double *least);

#endif
