// The loops of comparison, for one instruction set: included once for each, with LEVEL(name) that
// makes the names of this one.
//
// Sums have eight lanes at every level, and nothing is fused, so that all levels agree to the last bit.

// The distance of two numbers of one type in ULPs, and whether they have the same bits (-1 or 0).
// Codes of floats order as their magnitudes do. NaN gets some distance, which nobody looks at.
#define ULPS(name, type, wide, bits, code)                                                     \
  static void LEVEL(name)(const void *restrict a, const void *restrict b, double *restrict ulps, \
                          int64_t *restrict same, size_t n) {                                  \
    const type *restrict x = a, *restrict y = b;                                               \
    for (size_t i = 0; i < n; i++) {                                                           \
      wide p = code(x[i], bits), q = code(y[i], bits);                                         \
      ulps[i] = (double)(u##wide)(p > q ? (u##wide)p - (u##wide)q : (u##wide)q - (u##wide)p);  \
      same[i] = -(int64_t)(x[i] == y[i]);                                                      \
    }                                                                                          \
  }

ULPS(ulps_32, u32_any, int32_t, 32, SIGNED_CODE_32)
ULPS(ulps_64, u64_any, int64_t, 64, SIGNED_CODE_64)
ULPS(ulps_16, u16_any, int32_t, 16, SIGNED_CODE)
ULPS(ulps_8, u8_any, int32_t, 8, SIGNED_CODE)
ULPS(ulps_4, u8_any, int32_t, 4, SIGNED_CODE)
ULPS(ulps_unsigned_8, u8_any, int32_t, 8, PLAIN_CODE)

// Whether numbers are the same that come from different types, and their distance in steps.
static void LEVEL(steps)(const double *restrict a, const double *restrict b, double step,
                         double least, double *restrict ulps, int64_t *restrict same, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double x = a[i], y = b[i];
    // The size of the binade; zeros and the least numbers have the least step.
    double binade = as_double(double_bits(y) & UINT64_C(0x7ff0000000000000));
    double unit = binade * step > least ? binade * step : least;
    ulps[i] = fabs(x - y) / unit;
    bool isSame = (x == y && double_bits(x) >> 63 == double_bits(y) >> 63) || (x != x && y != y);
    same[i] = -(int64_t)isSame;
  }
}

static double LEVEL(total)(const f64x8 *lanes) {
  double sum = 0;
  for (int i = 0; i < 8; i++) sum += (*lanes)[i];
  return sum;
}

static int64_t LEVEL(count)(const i64x8 *lanes) {
  int64_t sum = 0;
  for (int i = 0; i < 8; i++) sum -= (*lanes)[i];
  return sum;
}

static double LEVEL(greatest)(const i64x8 *lanes) {
  int64_t most = 0;
  for (int i = 0; i < 8; i++) most = (*lanes)[i] > most ? (*lanes)[i] : most;
  return as_double((uint64_t)most);
}

// Elements `n` and up to the next multiple of eight are 0 on both sides, and the same. `out` has the
// largest relative error so far.
static void LEVEL(compare)(const tio_numbers *in, size_t n, const tio_tolerance *tolerance,
                           int64_t *restrict within, tio_found *out) {
  const i64x8 magnitude = (i64x8){} + INT64_MAX;
  const f64x8 finite = (f64x8){} + 0x1.fffffffffffffp1023;
  f64x8 errors = {}, squares = {}, left = {}, right = {}, product = {};
  i64x8 different = {}, outside = {}, nans = {}, infinities = {}, finites = {};
  i64x8 absolute = {}, ulps = {};
  double relative = out->relative;
  i64x8 nanIsEqual = (i64x8){} - (int64_t)tolerance->equal_nan;
  for (size_t i = 0; i < n; i += 8) {
    f64x8 a = *(const f64x8 *)(in->a + i), b = *(const f64x8 *)(in->b + i);
    f64x8 steps = *(const f64x8 *)(in->ulps + i);
    i64x8 same = *(const i64x8 *)(in->same + i);
    f64x8 error = (f64x8)((i64x8)(a - b) & magnitude);
    f64x8 size = (f64x8)((i64x8)b & magnitude);
    i64x8 aIsNaN = a != a, bIsNaN = b != b;
    i64x8 isFinite = ((f64x8)((i64x8)a & magnitude) <= finite) & (size <= finite);
    i64x8 isWithin = same | (a == b) |
                     (isFinite & (error <= tolerance->absolute + tolerance->relative * size)) |
                     (isFinite & (steps <= tolerance->ulps)) | (nanIsEqual & aIsNaN & bIsNaN);
    *(i64x8 *)(within + i) = isWithin;
    different += ~same;
    outside += ~isWithin;
    nans += aIsNaN ^ bIsNaN;
    infinities += ~(aIsNaN | bIsNaN | isFinite | (a == b));
    finites += isFinite;
    i64x8 e = (i64x8)error & isFinite;
    // Few are larger than all before, and division is slow; what the product rounds is less than
    // what it leaves. An error at 0 is infinite relative to it.
    if (__builtin_reduce_or((f64x8)e > relative * (1 - 0x1p-50) * size)) {
      i64x8 r = (i64x8)((f64x8)e / size) & ((f64x8)e != 0) & isFinite;
      relative = fmax(relative, LEVEL(greatest)(&r));
    }
    i64x8 u = (i64x8)steps & isFinite;
    absolute = __builtin_elementwise_max(absolute, e);
    ulps = __builtin_elementwise_max(ulps, u);
    f64x8 p = (f64x8)((i64x8)a & isFinite), q = (f64x8)((i64x8)b & isFinite);
    errors += (f64x8)e;
    squares += (f64x8)e * (f64x8)e;
    left += p * p;
    right += q * q;
    product += p * q;
  }
  out->different = (uint64_t)LEVEL(count)(&different);
  out->outside = (uint64_t)LEVEL(count)(&outside);
  out->nans = (uint64_t)LEVEL(count)(&nans);
  out->infinities = (uint64_t)LEVEL(count)(&infinities);
  out->finite = (uint64_t)LEVEL(count)(&finites) - (-n & 7);
  out->absolute = LEVEL(greatest)(&absolute);
  out->relative = relative;
  out->ulps = LEVEL(greatest)(&ulps);
  out->sums[0] = LEVEL(total)(&errors);
  out->sums[1] = LEVEL(total)(&squares);
  out->sums[2] = LEVEL(total)(&left);
  out->sums[3] = LEVEL(total)(&right);
  out->sums[4] = LEVEL(total)(&product);
}

// What there is to know of numbers that are the same on both sides.
static void LEVEL(norm)(const double *a, size_t n, tio_found *out) {
  const i64x8 magnitude = (i64x8){} + INT64_MAX;
  f64x8 sum = {};
  i64x8 finites = {};
  for (size_t i = 0; i < n; i += 8) {
    i64x8 x = *(const i64x8 *)(a + i);
    i64x8 isFinite = (f64x8)(x & magnitude) <= 0x1.fffffffffffffp1023;
    f64x8 p = (f64x8)(x & isFinite);
    finites += isFinite;
    sum += p * p;
  }
  out->finite = (uint64_t)LEVEL(count)(&finites) - (-n & 7);
  out->sums[2] = out->sums[3] = out->sums[4] = LEVEL(total)(&sum);
}

static const tio_loops LEVEL(loops) = {
    {LEVEL(ulps_4), LEVEL(ulps_8), LEVEL(ulps_unsigned_8), LEVEL(ulps_16), LEVEL(ulps_32),
     LEVEL(ulps_64)},
    LEVEL(steps), LEVEL(compare), LEVEL(norm)};
