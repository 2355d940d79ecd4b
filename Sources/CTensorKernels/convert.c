#include "CTensorConversion.h"

#include <math.h>
#include <string.h>

#include "minifloats.h"

// Elements of files are aligned to nothing.
#define ANY __attribute__((aligned(1), may_alias))
typedef int8_t i8_any ANY;
typedef int16_t i16_any ANY;
typedef int32_t i32_any ANY;
typedef int64_t i64_any ANY;
typedef uint8_t u8_any ANY;
typedef uint16_t u16_any ANY;
typedef uint32_t u32_any ANY;
typedef uint64_t u64_any ANY;
typedef float f32_any ANY;
typedef double f64_any ANY;

typedef void decoder(const void *restrict source, void *restrict target, size_t n);
typedef bool encoder(const void *restrict source, void *restrict target, size_t n);

// What a float can hold. `low` and `high` are its last finite numbers, `first_below` and
// `first_above` the nearest doubles to them that round to none of these. Steps are the distance of
// neighbours: `step` times the binade, but `least_step` at least.
typedef struct {
  double low, high, first_below, first_above, step, least_step;
  bool has_infinity;
} tio_limits;

static const tio_limits tio_limits_of[TIO_NUMBERS] = {
    // Of bool every number but 0 is a faithful image.
    [TIO_BOOL] = {0, 1, -INFINITY, INFINITY, 1, 1, false},
    [TIO_F16] = {-65504, 65504, -65520, 65520, 0x1p-10, 0x1p-24, true},
    [TIO_BF16] = {-0x1.fep127, 0x1.fep127, -0x1.ffp127, 0x1.ffp127, 0x1p-7, 0x1p-133, true},
    [TIO_F32] = {-0x1.fffffep127, 0x1.fffffep127, -0x1.ffffffp127, 0x1.ffffffp127, 0x1p-23,
                 0x1p-149, true},
    [TIO_F64] = {-INFINITY, INFINITY, -INFINITY, INFINITY, 0x1p-52, 0x1p-1074, true},
    [TIO_F8_E4M3FN] = {-448, 448, -0x1.d000000000001p8, 0x1.d000000000001p8, 0x1p-3, 0x1p-9, false},
    [TIO_F8_E5M2] = {-57344, 57344, -61440, 61440, 0x1p-2, 0x1p-16, true},
    [TIO_F8_E4M3FNUZ] = {-240, 240, -248, 248, 0x1p-3, 0x1p-10, false},
    [TIO_F8_E5M2FNUZ] = {-57344, 57344, -61440, 61440, 0x1p-2, 0x1p-17, false},
    // Powers of two alone: neighbours are a binade apart.
    [TIO_F8_E8M0FNU] = {0x1p-127, 0x1p127, -0x1p-1074, 0x1.8p127, 1, 0x1p-127, false},
    [TIO_F4_E2M1] = {-6, 6, -7, 7, 0x1p-1, 0x1p-1, false},
};

#define LEVEL(name) name##_portable
#define HALF_TO_FLOAT(x) half_to_float(x)
#define FLOAT_TO_HALF(x) float_to_half(x)
#include "convert_loops.h"
#undef LEVEL
#undef HALF_TO_FLOAT
#undef FLOAT_TO_HALF

#if defined(__x86_64__)
// The compiler makes the processor's own instructions of these.
typedef _Float16 f16_bits;
static inline __attribute__((always_inline)) float native_to_float(uint16_t x) {
  f16_bits half;
  memcpy(&half, &x, sizeof half);
  return (float)half;
}
static inline __attribute__((always_inline)) uint16_t native_to_half(float x) {
  f16_bits half = (f16_bits)x;
  uint16_t bits;
  memcpy(&bits, &half, sizeof bits);
  return bits;
}
#define HALF_TO_FLOAT(x) native_to_float(x)
#define FLOAT_TO_HALF(x) native_to_half(x)

#pragma clang attribute push(__attribute__((target("avx2,f16c"))), apply_to = function)
#define LEVEL(name) name##_avx2
#include "convert_loops.h"
#undef LEVEL
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c"))), \
                             apply_to = function)
#define LEVEL(name) name##_avx512
#include "convert_loops.h"
#undef LEVEL
#pragma clang attribute pop
#endif

typedef bool block_function(tio_number, tio_number, tio_range, const void *restrict,
                            void *restrict, size_t);
typedef void widen_function(tio_number, const void *restrict, double *restrict, size_t);
typedef void differences_function(tio_number, const double *, const double *, size_t,
                                  tio_differences *);

static const struct {
  block_function *block;
  widen_function *widen;
  differences_function *differences;
} levels[TIO_LEVELS] = {
    {block_portable, widen_portable, differences_portable},
#if defined(__x86_64__)
    {block_avx2, widen_avx2, differences_avx2},
    {block_avx512, widen_avx512, differences_avx512},
#endif
};

int tio_best_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("f16c")) return TIO_PORTABLE;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    return TIO_AVX512;
  return TIO_AVX2;
#else
  return TIO_PORTABLE;
#endif
}

static const uint8_t sizes[TIO_NUMBERS] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 1, 1, 1, 1, 1, 1};

size_t tio_convert(int level, tio_number from, tio_number to, tio_range range, const void *source,
                   void *target, size_t count) {
  bool stops = range == TIO_STOP || (range == TIO_WRAP && from > TIO_U64 && to <= TIO_U64);
  const unsigned char *s = source;
  unsigned char *t = target;
  for (size_t done = 0; done < count; done += TIO_BLOCK) {
    size_t n = count - done < TIO_BLOCK ? count - done : TIO_BLOCK;
    bool isOutside = levels[level].block(from, to, range, s + done * sizes[from],
                                         t + done * sizes[to], n);
    if (isOutside && stops) return done;
  }
  return count;
}

// --- comparison of integers of 64 bits -------------------------------------------------------------

static bool is_wide(tio_number number) { return number == TIO_I64 || number == TIO_U64; }

// A number in a type that holds all of 64 bits and all doubles: what long double is wherever Linux
// runs.
static void load_wide(int level, tio_number from, const unsigned char *source, size_t n,
                      long double *target) {
  if (is_wide(from)) {
    for (size_t i = 0; i < n; i++) {
      uint64_t bits;
      memcpy(&bits, source + 8 * i, sizeof bits);
      target[i] = from == TIO_I64 ? (long double)(int64_t)bits : (long double)bits;
    }
    return;
  }
  double narrow[TIO_BLOCK];
  levels[level].widen(from, source, narrow, n);
  for (size_t i = 0; i < n; i++) target[i] = narrow[i];
}

static void differences_wide(tio_number to, const long double *x, const long double *y, size_t n,
                             tio_differences *sum) {
  bool isInteger = to != TIO_BOOL && to <= TIO_U64;
  const tio_limits *most = &tio_limits_of[to];
  for (size_t i = 0; i < n; i++) {
    long double a = x[i], b = y[i];
    if (a == b || (a != a && b != b)) continue;
    bool isLost = (a == a) != (b == b), isFinite = a - a == 0;
    bool isOver = isInteger ? b != truncl(a)
                            : isFinite && (a <= most->first_below || a >= most->first_above || b - b != 0);
    sum->changed++;
    sum->nans += isLost;
    sum->overflowed += isOver;
    if (isLost || isOver || !isFinite) continue;
    double error = (double)fabsl(a - b);
    double binade = b == 0 ? 0 : exp2((double)ilogbl(b));
    double unit = isInteger ? 1 : fmax(binade * most->step, most->least_step);
    sum->absolute = fmax(sum->absolute, error);
    if (a != 0) sum->relative = fmax(sum->relative, (double)(error / fabsl(a)));
    sum->ulps = fmax(sum->ulps, error / unit);
  }
}

void tio_compare(int level, tio_number from, tio_number to, const void *source, const void *target,
                 size_t count, tio_differences *differences) {
  const unsigned char *s = source, *t = target;
  for (size_t done = 0; done < count; done += TIO_BLOCK) {
    size_t n = count - done < TIO_BLOCK ? count - done : TIO_BLOCK;
    const unsigned char *a = s + done * sizes[from], *b = t + done * sizes[to];
    if (is_wide(from) || is_wide(to)) {
      long double x[TIO_BLOCK], y[TIO_BLOCK];
      load_wide(level, from, a, n, x);
      load_wide(level, to, b, n, y);
      differences_wide(to, x, y, n, differences);
    } else {
      double x[TIO_BLOCK], y[TIO_BLOCK];
      levels[level].widen(from, a, x, n);
      levels[level].widen(to, b, y, n);
      levels[level].differences(to, x, y, n, differences);
    }
  }
}

// --- for compare.c ---------------------------------------------------------------------------------

void tio_widen(int level, tio_number type, const void *source, double *target, size_t count) {
  levels[level].widen(type, source, target, count);
}

void tio_steps(tio_number type, double *step, double *least) {
  *step = tio_limits_of[type].step;
  *least = tio_limits_of[type].least_step;
}
