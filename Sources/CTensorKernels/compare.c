#include "CTensorComparison.h"

#include <math.h>
#include <string.h>

#include "minifloats.h"

#pragma STDC FP_CONTRACT OFF

#define ANY __attribute__((aligned(1), may_alias))
typedef uint8_t u8_any ANY;
typedef uint16_t u16_any ANY;
typedef uint32_t u32_any ANY;
typedef uint64_t u64_any ANY;
typedef double f64x8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef int64_t i64x8 __attribute__((vector_size(64), aligned(8), may_alias));

// Elements that are compared at a time; what is known of them stays in the first-level cache.
enum { BLOCK = 512 };

// Real numbers as double, with what their own types say of them.
typedef struct {
  double a[BLOCK], b[BLOCK], ulps[BLOCK];
  int64_t same[BLOCK];  // -1 or 0
} tio_numbers;

// What was found in a block. The sums are those of tio_comparison, in its order.
typedef struct {
  uint64_t different, outside, nans, infinities, finite;
  double absolute, relative, ulps;
  double sums[5];
} tio_found;

typedef void ulps_function(const void *restrict, const void *restrict, double *restrict,
                           int64_t *restrict, size_t);
enum { ULPS_4, ULPS_8, ULPS_UNSIGNED_8, ULPS_16, ULPS_32, ULPS_64, ULPS_COUNT };

typedef struct {
  ulps_function *ulps[ULPS_COUNT];
  void (*steps)(const double *restrict, const double *restrict, double, double, double *restrict,
                int64_t *restrict, size_t);
  void (*compare)(const tio_numbers *, size_t, const tio_tolerance *, int64_t *restrict,
                  tio_found *);
  void (*norm)(const double *, size_t, tio_found *);
} tio_loops;

// Floats as integers that order as they do, both zeros as 0.
#define PLAIN_CODE(x, bits) ((int32_t)(x))
#define SIGNED_CODE(x, bits)                                                  \
  (((x) >> ((bits)-1) & 1) ? -(int32_t)((x) & ((1 << ((bits)-1)) - 1))       \
                           : (int32_t)((x) & ((1 << ((bits)-1)) - 1)))
#define SIGNED_CODE_32(x, bits) \
  ((x) >> 31 ? -(int32_t)((x)&INT32_MAX) : (int32_t)((x)&INT32_MAX))
#define SIGNED_CODE_64(x, bits) \
  ((x) >> 63 ? -(int64_t)((x)&INT64_MAX) : (int64_t)((x)&INT64_MAX))

#define LEVEL(name) name##_portable
#include "compare_loops.h"
#undef LEVEL

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define LEVEL(name) name##_avx2
#include "compare_loops.h"
#undef LEVEL
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))), \
                             apply_to = function)
#define LEVEL(name) name##_avx512
#include "compare_loops.h"
#undef LEVEL
#pragma clang attribute pop
#endif

static const tio_loops *const levels[TIO_LEVELS] = {
    &loops_portable,
#if defined(__x86_64__)
    &loops_avx2,
    &loops_avx512,
#endif
};

static const uint8_t sizes[TIO_X87 + 1] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2,
                                           2, 4, 8, 1, 1, 1, 1, 1, 1, 16};

static size_t element_size(tio_operand of) { return (size_t)(sizes[of.type] * of.parts); }
static bool is_float(int type) { return type > TIO_U64; }
static bool is_wide(int type) { return type == TIO_I64 || type == TIO_U64 || type == TIO_X87; }

static int ulps_loop(int type) {
  switch (type) {
    case TIO_F64: return ULPS_64;
    case TIO_F32: return ULPS_32;
    case TIO_F16: case TIO_BF16: return ULPS_16;
    case TIO_F8_E8M0FNU: return ULPS_UNSIGNED_8;
    case TIO_F4_E2M1: return ULPS_4;
    default: return ULPS_8;
  }
}

// The coarser of two float types, by its steps; TIO_X87 is the finest.
static int coarser(int x, int y) {
  if (x == TIO_X87) return y;
  if (y == TIO_X87) return x;
  double p, q, least;
  tio_steps((tio_number)x, &p, &least);
  tio_steps((tio_number)y, &q, &least);
  return p > q ? x : y;
}

// --- blocks of real numbers that double holds ------------------------------------------------------

// As double; answers whether that is exact.
static bool load(int level, int type, const unsigned char *source, double *target, size_t n) {
  memset(target + n, 0, (-n & 7) * sizeof *target);
  if (type == TIO_I64 || type == TIO_U64) {
    const uint64_t limit = UINT64_C(1) << 53;
    const u64_any *bits = (const u64_any *)source;
    uint64_t past = 0;
    for (size_t i = 0; i < n; i++)
      past |= type == TIO_I64 ? bits[i] + limit > 2 * limit : bits[i] > limit;
    if (past) return false;
  }
  if (type == TIO_X87) return false;
  tio_widen(level, (tio_number)type, source, target, n);
  return true;
}

static void describe(int level, int left, int right, const void *a, const void *b, size_t n,
                     tio_numbers *numbers) {
  memset(numbers->ulps + n, 0, (-n & 7) * sizeof *numbers->ulps);
  memset(numbers->same + n, 0xff, (-n & 7) * sizeof *numbers->same);
  // Other bytes than 1 are true as well.
  if (left == right && (is_float(left) || left == TIO_BOOL)) {
    levels[level]->ulps[ulps_loop(left)](a, b, numbers->ulps, numbers->same, n);
    if (is_float(left)) return;
  }
  double step = 1, least = INFINITY;
  if (is_float(left) && is_float(right)) tio_steps((tio_number)coarser(left, right), &step, &least);
  if (left != right || left != TIO_BOOL)
    levels[level]->steps(numbers->a, numbers->b, step, least, numbers->ulps, numbers->same, n);
  // Integers have no ULPs.
  if (!is_float(left) || !is_float(right))
    for (size_t i = 0; i < n; i++) numbers->ulps[i] = INFINITY;
}

// --- blocks of all other numbers -------------------------------------------------------------------

// Parts as long double, which on every Linux holds 64-bit integers and doubles, and their squares.
static void load_wide(int level, tio_operand of, const unsigned char *source, size_t n,
                      long double (*target)[2]) {
  double narrow[2 * BLOCK];
  size_t parts = n * (size_t)of.parts;
  if (!is_wide(of.type)) tio_widen(level, (tio_number)of.type, source, narrow, parts);
  for (size_t i = 0; i < parts; i++) {
    long double x = 0;
    if (of.type == TIO_X87) {
      memcpy(&x, source + 16 * i, 10);
    } else if (is_wide(of.type)) {
      uint64_t bits;
      memcpy(&bits, source + 8 * i, sizeof bits);
      x = of.type == TIO_I64 ? (long double)(int64_t)bits : (long double)bits;
    } else {
      x = narrow[i];
    }
    target[i / (size_t)of.parts][i % (size_t)of.parts] = x;
  }
  if (of.parts == 1)
    for (size_t i = 0; i < n; i++) target[i][1] = 0;
}

static long double size_of(const long double x[2], bool isLong) {
  if (x[1] == 0) return fabsl(x[0]);
  // Of doubles no square is out of range.
  return isLong ? hypotl(x[0], x[1]) : sqrtl(x[0] * x[0] + x[1] * x[1]);
}

static bool same_parts(int left, int right, const unsigned char *a, const unsigned char *b,
                       const long double x[2], const long double y[2], size_t size, int parts) {
  if (left != right) {
    for (int p = 0; p < 2; p++) {
      bool isNaN = x[p] != x[p] && y[p] != y[p];
      if (!isNaN && (x[p] != y[p] || !signbit(x[p]) != !signbit(y[p]))) return false;
    }
    return true;
  }
  size_t unit = left == TIO_X87 ? 16 : size;
  for (int p = 0; p < parts; p++)
    if (memcmp(a + (size_t)p * unit, b + (size_t)p * unit, left == TIO_X87 ? 10 : size)) return false;
  return true;
}

// The most of both parts; integers have none.
static double wide_ulps(int left, int right, const unsigned char *a, const unsigned char *b,
                        const long double x[2], const long double y[2], int parts) {
  if (!is_float(left) || !is_float(right)) return INFINITY;
  int type = coarser(left, right);
  double most = 0, step = 0x1p-63, least = 0;
  if (type != TIO_X87) tio_steps((tio_number)type, &step, &least);
  for (int p = 0; p < parts; p++) {
    double ulps;
    int64_t same;
    if (left == right && left != TIO_X87) {
      size_t at = (size_t)p * sizes[left];
      levels[TIO_PORTABLE]->ulps[ulps_loop(left)](a + at, b + at, &ulps, &same, 1);
    } else {
      long double unit = y[p] == 0 ? 0 : ldexpl(step, ilogbl(y[p]));
      unit = unit > least ? unit : least;
      ulps = x[p] == y[p] ? 0 : (double)(fabsl(x[p] - y[p]) / unit);
    }
    most = ulps > most ? ulps : most;
  }
  return most;
}

static void add(tio_sum *sum, long double value) {
  long double size = fabsl(value);
  if (size > 0x1p900L) sum->large += (double)(value * 0x1p-1200L);
  else if (size < 0x1p-900L) sum->small += (double)(value * 0x1p1200L);
  else sum->middle += (double)value;
}

static void add_sums(tio_comparison *result, const long double sums[5]) {
  tio_sum *all[5] = {&result->errors, &result->squares, &result->left, &result->right,
                     &result->product};
  for (int i = 0; i < 5; i++) add(all[i], sums[i]);
}

static void compare_wide(int level, tio_operand left, tio_operand right, const unsigned char *a,
                         const unsigned char *b, size_t n, uint64_t first,
                         const tio_tolerance *tolerance, tio_comparison *result) {
  long double x[BLOCK][2], y[BLOCK][2], sums[5] = {0};
  load_wide(level, left, a, n, x);
  load_wide(level, right, b, n, y);
  int parts = left.parts > right.parts ? left.parts : right.parts;
  bool isLong = left.type == TIO_X87 || right.type == TIO_X87, isAlike = left.parts == right.parts;
  for (size_t i = 0; i < n; i++) {
    const unsigned char *p = a + i * element_size(left), *q = b + i * element_size(right);
    const long double *u = x[i], *v = y[i], d[2] = {u[0] - v[0], u[1] - v[1]};
    bool isSame = isAlike ? same_parts(left.type, right.type, p, q, u, v, sizes[left.type], parts)
                          : same_parts(-1, -2, p, q, u, v, 0, parts);
    bool aIsNaN = u[0] != u[0] || u[1] != u[1], bIsNaN = v[0] != v[0] || v[1] != v[1];
    bool bIsFinite = v[0] - v[0] == 0 && v[1] - v[1] == 0;
    bool isFinite = bIsFinite && u[0] - u[0] == 0 && u[1] - u[1] == 0;
    bool isEqual = u[0] == v[0] && u[1] == v[1];
    long double error = isFinite ? size_of(d, isLong) : INFINITY;
    long double size = bIsFinite ? size_of(v, isLong) : INFINITY;
    double ulps = isFinite && isAlike ? wide_ulps(left.type, right.type, p, q, u, v, parts) : INFINITY;
    bool isWithin =
        isSame || isEqual ||
        (isFinite && error <= tolerance->absolute + (long double)tolerance->relative * size) ||
        ulps <= tolerance->ulps || (tolerance->equal_nan && aIsNaN && bIsNaN);
    if (!isSame && result->different++ == 0) result->first_different = first + i;
    if (!isWithin && result->outside++ == 0) result->first_outside = first + i;
    result->nans += aIsNaN != bIsNaN;
    result->infinities += !aIsNaN && !bIsNaN && !isFinite && !isEqual;
    if (!isFinite) continue;
    result->finite++;
    if ((double)error > result->max_absolute) {
      result->max_absolute = (double)error;
      result->max_absolute_at = first + i;
    }
    if (error != 0) result->max_relative = fmax(result->max_relative, (double)(error / size));
    if (ulps < INFINITY) result->max_ulps = fmax(result->max_ulps, ulps);
    sums[0] += error;
    sums[1] += error * error;
    sums[2] += u[0] * u[0] + u[1] * u[1];
    sums[3] += v[0] * v[0] + v[1] * v[1];
    sums[4] += u[0] * v[0] + u[1] * v[1];
  }
  add_sums(result, sums);
}

// --- all blocks ------------------------------------------------------------------------------------

static bool is_in_range(double sum) { return sum == 0 || (sum > 0x1p-900 && sum < 0x1p900); }

// Whether no square fell out of range; squares of all 0 are looked at again, which costs little.
static bool is_exact(const tio_found *found, int left, int right) {
  if (left != TIO_F64 && right != TIO_F64) return true;
  return found->absolute < 0x1p400 && is_in_range(found->sums[0]) && is_in_range(found->sums[1]) &&
         found->sums[2] != 0 && found->sums[3] != 0 && is_in_range(found->sums[2]) &&
         is_in_range(found->sums[3]);
}

static void merge(const tio_found *found, const tio_numbers *numbers, const int64_t *within,
                  size_t n, uint64_t first, bool hasULPs, tio_comparison *result) {
  if (found->different && result->different == 0)
    for (size_t i = 0; i < n; i++)
      if (!numbers->same[i]) { result->first_different = first + i; break; }
  if (found->outside && result->outside == 0)
    for (size_t i = 0; i < n; i++)
      if (!within[i]) { result->first_outside = first + i; break; }
  if (found->absolute > result->max_absolute) {
    result->max_absolute = found->absolute;
    for (size_t i = 0; i < n; i++)
      if (fabs(numbers->a[i] - numbers->b[i]) == found->absolute) {
        result->max_absolute_at = first + i;
        break;
      }
  }
  result->different += found->different;
  result->outside += found->outside;
  result->nans += found->nans;
  result->infinities += found->infinities;
  result->finite += found->finite;
  result->max_relative = fmax(result->max_relative, found->relative);
  if (hasULPs) result->max_ulps = fmax(result->max_ulps, found->ulps);
  long double sums[5];
  for (int i = 0; i < 5; i++) sums[i] = found->sums[i];
  add_sums(result, sums);
}

// Answers whether the block was compared: with real numbers that double holds.
static bool compare_narrow(int level, int left, int right, const unsigned char *a,
                           const unsigned char *b, size_t n, uint64_t first,
                           const tio_tolerance *tolerance, tio_comparison *result) {
  tio_numbers numbers;
  int64_t within[BLOCK];
  tio_found found = {.relative = result->max_relative};
  if (!load(level, left, a, numbers.a, n)) return false;
  bool isEqual = left == right && memcmp(a, b, n * sizes[left]) == 0;
  if (isEqual) {
    levels[level]->norm(numbers.a, n, &found);
  } else {
    if (!load(level, right, b, numbers.b, n)) return false;
    describe(level, left, right, a, b, n, &numbers);
    levels[level]->compare(&numbers, n, tolerance, within, &found);
  }
  if (!is_exact(&found, left, right)) return false;
  bool hasULPs = is_float(left) && is_float(right);
  merge(&found, &numbers, within, n, first, hasULPs && !isEqual, result);
  return true;
}

void tio_compare_numbers(int level, tio_operand left, tio_operand right, const void *a,
                         const void *b, size_t count, uint64_t first,
                         const tio_tolerance *tolerance, tio_comparison *result) {
  const unsigned char *p = a, *q = b;
  for (size_t done = 0; done < count; done += BLOCK) {
    size_t n = count - done < BLOCK ? count - done : BLOCK;
    const unsigned char *u = p + done * element_size(left), *v = q + done * element_size(right);
    bool isReal = left.parts == 1 && right.parts == 1;
    if (isReal && compare_narrow(level, left.type, right.type, u, v, n, first + done, tolerance,
                                 result))
      continue;
    compare_wide(level, left, right, u, v, n, first + done, tolerance, result);
  }
}
