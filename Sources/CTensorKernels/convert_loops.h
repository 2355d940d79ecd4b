// The loops of conversion, for one instruction set: included once for each, with LEVEL(name) that
// makes the names of this one.
//
// Every conversion goes through one of three types that hold the source's numbers: float, double,
// or a 64-bit integer. It is `decode` to that, then `encode` from it, block by block in the
// first-level cache; where source or target is that type itself, one of the two is left out. All
// loops are free of branches, so that the compiler makes vectors of them.

#define LOOP for (size_t i = 0; i < n; i++)
#define ARGUMENTS const void *restrict source, void *restrict target, size_t n

// --- decode: to float (rounded once, to nearest), double, or int64_t -------------------------------

#define DECODE(name, type, hub, value)                             \
  static void LEVEL(name)(ARGUMENTS) {                             \
    const type *restrict from = source;                            \
    hub *restrict to = target;                                     \
    LOOP { type x = from[i]; to[i] = (value); }                    \
  }

DECODE(f32_of_bool, u8_any, f32_any, x != 0 ? 1.0f : 0.0f)
DECODE(f32_of_i8, i8_any, f32_any, (float)x)
DECODE(f32_of_i16, i16_any, f32_any, (float)x)
DECODE(f32_of_i32, i32_any, f32_any, (float)x)
DECODE(f32_of_i64, i64_any, f32_any, (float)x)
DECODE(f32_of_u8, u8_any, f32_any, (float)x)
DECODE(f32_of_u16, u16_any, f32_any, (float)x)
DECODE(f32_of_u32, u32_any, f32_any, (float)x)
DECODE(f32_of_u64, u64_any, f32_any, (float)x)
DECODE(f32_of_f16, u16_any, f32_any, HALF_TO_FLOAT(x))
DECODE(f32_of_bf16, u16_any, f32_any, as_float((uint32_t)x << 16))
DECODE(f32_of_f32, f32_any, f32_any, x)
DECODE(f32_of_f64, f64_any, f32_any, (float)x)
DECODE(f32_of_e4m3fn, u8_any, f32_any, of_e4m3fn(x))
DECODE(f32_of_e5m2, u8_any, f32_any, of_e5m2(x))
DECODE(f32_of_e4m3fnuz, u8_any, f32_any, of_fnuz(x, 3, 8))
DECODE(f32_of_e5m2fnuz, u8_any, f32_any, of_fnuz(x, 2, 16))
DECODE(f32_of_e8m0fnu, u8_any, f32_any, of_e8m0fnu(x))
DECODE(f32_of_e2m1, u8_any, f32_any, of_e2m1(x))

DECODE(f64_of_bool, u8_any, f64_any, x != 0 ? 1.0 : 0.0)
DECODE(f64_of_i8, i8_any, f64_any, (double)x)
DECODE(f64_of_i16, i16_any, f64_any, (double)x)
DECODE(f64_of_i32, i32_any, f64_any, (double)x)
DECODE(f64_of_i64, i64_any, f64_any, (double)x)
DECODE(f64_of_u8, u8_any, f64_any, (double)x)
DECODE(f64_of_u16, u16_any, f64_any, (double)x)
DECODE(f64_of_u32, u32_any, f64_any, (double)x)
DECODE(f64_of_u64, u64_any, f64_any, (double)x)

DECODE(i64_of_bool, u8_any, i64_any, x != 0)
DECODE(i64_of_i8, i8_any, i64_any, x)
DECODE(i64_of_i16, i16_any, i64_any, x)
DECODE(i64_of_i32, i32_any, i64_any, x)
DECODE(i64_of_i64, i64_any, i64_any, x)
DECODE(i64_of_u8, u8_any, i64_any, x)
DECODE(i64_of_u16, u16_any, i64_any, x)
DECODE(i64_of_u32, u32_any, i64_any, x)
// Past the largest int64_t the nearest number in every other target is its largest.
DECODE(i64_of_u64, u64_any, i64_any, (int64_t)(x > INT64_MAX ? INT64_MAX : x))
DECODE(i64_of_u64_bits, u64_any, i64_any, (int64_t)x)

static decoder *const LEVEL(to_f32)[TIO_NUMBERS] = {
    LEVEL(f32_of_bool), LEVEL(f32_of_i8), LEVEL(f32_of_i16), LEVEL(f32_of_i32), LEVEL(f32_of_i64),
    LEVEL(f32_of_u8), LEVEL(f32_of_u16), LEVEL(f32_of_u32), LEVEL(f32_of_u64), LEVEL(f32_of_f16),
    LEVEL(f32_of_bf16), LEVEL(f32_of_f32), LEVEL(f32_of_f64), LEVEL(f32_of_e4m3fn),
    LEVEL(f32_of_e5m2), LEVEL(f32_of_e4m3fnuz), LEVEL(f32_of_e5m2fnuz), LEVEL(f32_of_e8m0fnu),
    LEVEL(f32_of_e2m1)};
static decoder *const LEVEL(to_f64)[TIO_U64 + 1] = {
    LEVEL(f64_of_bool), LEVEL(f64_of_i8), LEVEL(f64_of_i16), LEVEL(f64_of_i32), LEVEL(f64_of_i64),
    LEVEL(f64_of_u8), LEVEL(f64_of_u16), LEVEL(f64_of_u32), LEVEL(f64_of_u64)};
static decoder *const LEVEL(to_i64)[TIO_U64 + 1] = {
    LEVEL(i64_of_bool), LEVEL(i64_of_i8), LEVEL(i64_of_i16), LEVEL(i64_of_i32), LEVEL(i64_of_i64),
    LEVEL(i64_of_u8), LEVEL(i64_of_u16), LEVEL(i64_of_u32), LEVEL(i64_of_u64)};

// --- encode: from float, double or int64_t; answers whether a number was out of range --------------

#define ENCODE(name, hub, type, accumulator, value, isOutside)     \
  static bool LEVEL(name)(ARGUMENTS) {                             \
    const hub *restrict from = source;                             \
    type *restrict to = target;                                    \
    accumulator outside = 0;                                       \
    LOOP {                                                         \
      hub x = from[i];                                             \
      to[i] = (value);                                             \
      outside += (accumulator)(isOutside);                         \
    }                                                              \
    return outside != 0;                                           \
  }

ENCODE(bool_of_f32, f32_any, u8_any, uint32_t, x != 0, 0)
ENCODE(f16_of_f32, f32_any, u16_any, uint32_t, FLOAT_TO_HALF(x), 0)
ENCODE(bf16_of_f32, f32_any, u16_any, uint32_t, bfloat16(x), 0)
ENCODE(f32_of_f32_, f32_any, f32_any, uint32_t, x, 0)
ENCODE(f64_of_f32, f32_any, f64_any, uint32_t, (double)x, 0)
ENCODE(e4m3fn_of_f32, f32_any, u8_any, uint32_t, e4m3fn(x), fabsf(x) > 464)
ENCODE(e5m2_of_f32, f32_any, u8_any, uint32_t, e5m2(x), 0)
ENCODE(e4m3fnuz_of_f32, f32_any, u8_any, uint32_t, e4m3fnuz(x), (e4m3fnuz(x) == 0x80) & (x == x))
ENCODE(e5m2fnuz_of_f32, f32_any, u8_any, uint32_t, e5m2fnuz(x), (e5m2fnuz(x) == 0x80) & (x == x))
ENCODE(e8m0fnu_of_f32, f32_any, u8_any, uint32_t, e8m0fnu(x),
       (x < 0) | ((e8m0fnu(x) == 0xff) & (x == x)))
ENCODE(e2m1_of_f32, f32_any, u8_any, uint32_t, e2m1(x), !(fabsf(x) < 7))

// Integers of floats: `low` and `high` are the last floats inside of the range, `past` the first
// above it; a float is inside when its whole part is.
#define INTEGERS(hub, width, type, name, low, high, past, isInside)                         \
  ENCODE(name, hub, type, width,                                                            \
         x >= (past) ? (type)MAX_OF(type)                                                   \
                     : (type)(x == x ? (x < (low) ? (low) : x > (high) ? (high) : x) : 0),  \
         !(isInside))

#define MAX_OF(type) \
  ((type)-1 > 0 ? (type)-1 : (type)((UINT64_C(1) << (8 * sizeof(type) - 1)) - 1))

INTEGERS(f32_any, uint32_t, i8_any, i8_of_f32, -128.0f, 127.0f, 128.0f, (x > -129.0f) & (x < 128.0f))
INTEGERS(f32_any, uint32_t, i16_any, i16_of_f32, -32768.0f, 32767.0f, 32768.0f,
         (x > -32769.0f) & (x < 32768.0f))
INTEGERS(f32_any, uint32_t, i32_any, i32_of_f32, -0x1p31f, 0x1.fffffep30f, 0x1p31f,
         (x >= -0x1p31f) & (x < 0x1p31f))
INTEGERS(f32_any, uint64_t, i64_any, i64_of_f32, -0x1p63f, 0x1.fffffep62f, 0x1p63f,
         (x >= -0x1p63f) & (x < 0x1p63f))
INTEGERS(f32_any, uint32_t, u8_any, u8_of_f32, 0.0f, 255.0f, 256.0f, (x > -1.0f) & (x < 256.0f))
INTEGERS(f32_any, uint32_t, u16_any, u16_of_f32, 0.0f, 65535.0f, 65536.0f,
         (x > -1.0f) & (x < 65536.0f))
INTEGERS(f32_any, uint32_t, u32_any, u32_of_f32, 0.0f, 0x1.fffffep31f, 0x1p32f,
         (x > -1.0f) & (x < 0x1p32f))
INTEGERS(f32_any, uint64_t, u64_any, u64_of_f32, 0.0f, 0x1.fffffep63f, 0x1p64f,
         (x > -1.0f) & (x < 0x1p64f))

ENCODE(bool_of_f64, f64_any, u8_any, uint64_t, x != 0, 0)
ENCODE(f16_of_f64, f64_any, u16_any, uint64_t, FLOAT_TO_HALF(odd_float(x)), 0)
INTEGERS(f64_any, uint64_t, i8_any, i8_of_f64, -128.0, 127.0, 128.0, (x > -129.0) & (x < 128.0))
INTEGERS(f64_any, uint64_t, i16_any, i16_of_f64, -32768.0, 32767.0, 32768.0,
         (x > -32769.0) & (x < 32768.0))
INTEGERS(f64_any, uint64_t, i32_any, i32_of_f64, -0x1p31, 0x1p31 - 1, 0x1p31,
         (x > -0x1p31 - 1) & (x < 0x1p31))
INTEGERS(f64_any, uint64_t, i64_any, i64_of_f64, -0x1p63, 0x1.fffffffffffffp62, 0x1p63,
         (x >= -0x1p63) & (x < 0x1p63))
INTEGERS(f64_any, uint64_t, u8_any, u8_of_f64, 0.0, 255.0, 256.0, (x > -1.0) & (x < 256.0))
INTEGERS(f64_any, uint64_t, u16_any, u16_of_f64, 0.0, 65535.0, 65536.0, (x > -1.0) & (x < 65536.0))
INTEGERS(f64_any, uint64_t, u32_any, u32_of_f64, 0.0, 0x1p32 - 1, 0x1p32, (x > -1.0) & (x < 0x1p32))
INTEGERS(f64_any, uint64_t, u64_any, u64_of_f64, 0.0, 0x1.fffffffffffffp63, 0x1p64,
         (x > -1.0) & (x < 0x1p64))

#define CLAMPED(name, type, low, high)                                            \
  ENCODE(name, i64_any, type, uint64_t, (type)(x < (low) ? (low) : x > (high) ? (high) : x), \
         (x < (low)) | (x > (high)))

ENCODE(bool_of_i64, i64_any, u8_any, uint64_t, x != 0, 0)
CLAMPED(i8_of_i64, i8_any, INT8_MIN, INT8_MAX)
CLAMPED(i16_of_i64, i16_any, INT16_MIN, INT16_MAX)
CLAMPED(i32_of_i64, i32_any, INT32_MIN, INT32_MAX)
CLAMPED(i64_of_i64_, i64_any, INT64_MIN, INT64_MAX)
CLAMPED(u8_of_i64, u8_any, 0, UINT8_MAX)
CLAMPED(u16_of_i64, u16_any, 0, UINT16_MAX)
CLAMPED(u32_of_i64, u32_any, 0, UINT32_MAX)
CLAMPED(u64_of_i64, u64_any, 0, INT64_MAX)

// The one case that the clamped numbers cannot tell.
ENCODE(i64_of_u64_, u64_any, i64_any, uint64_t, (int64_t)(x > INT64_MAX ? INT64_MAX : x),
       x > INT64_MAX)
ENCODE(wrapped_8, i64_any, u8_any, uint64_t, (uint8_t)x, 0)
ENCODE(wrapped_16, i64_any, u16_any, uint64_t, (uint16_t)x, 0)
ENCODE(wrapped_32, i64_any, u32_any, uint64_t, (uint32_t)x, 0)
ENCODE(wrapped_64, i64_any, i64_any, uint64_t, x, 0)

static encoder *const LEVEL(of_f32)[TIO_NUMBERS] = {
    LEVEL(bool_of_f32), LEVEL(i8_of_f32), LEVEL(i16_of_f32), LEVEL(i32_of_f32), LEVEL(i64_of_f32),
    LEVEL(u8_of_f32), LEVEL(u16_of_f32), LEVEL(u32_of_f32), LEVEL(u64_of_f32), LEVEL(f16_of_f32),
    LEVEL(bf16_of_f32), LEVEL(f32_of_f32_), LEVEL(f64_of_f32), LEVEL(e4m3fn_of_f32),
    LEVEL(e5m2_of_f32), LEVEL(e4m3fnuz_of_f32), LEVEL(e5m2fnuz_of_f32), LEVEL(e8m0fnu_of_f32),
    LEVEL(e2m1_of_f32)};
static encoder *const LEVEL(of_f64)[TIO_F16 + 1] = {
    LEVEL(bool_of_f64), LEVEL(i8_of_f64), LEVEL(i16_of_f64), LEVEL(i32_of_f64), LEVEL(i64_of_f64),
    LEVEL(u8_of_f64), LEVEL(u16_of_f64), LEVEL(u32_of_f64), LEVEL(u64_of_f64), LEVEL(f16_of_f64)};
static encoder *const LEVEL(of_i64)[TIO_U64 + 1] = {
    LEVEL(bool_of_i64), LEVEL(i8_of_i64), LEVEL(i16_of_i64), LEVEL(i32_of_i64), LEVEL(i64_of_i64_),
    LEVEL(u8_of_i64), LEVEL(u16_of_i64), LEVEL(u32_of_i64), LEVEL(u64_of_i64)};
static encoder *const LEVEL(wrapped_of_i64)[TIO_U64 + 1] = {
    LEVEL(bool_of_i64), LEVEL(wrapped_8), LEVEL(wrapped_16), LEVEL(wrapped_32), LEVEL(wrapped_64),
    LEVEL(wrapped_8), LEVEL(wrapped_16), LEVEL(wrapped_32), LEVEL(wrapped_64)};

// --- limit: finite numbers to a range, in place; infinities stay if `keep` ------------------------

#define LIMIT(name, type, isFinite)                                                   \
  static void LEVEL(name)(void *numbers, size_t n, type low, type high, bool keep) {  \
    type *all = numbers;                                                              \
    LOOP {                                                                            \
      type x = all[i];                                                                \
      bool stays = keep && !(isFinite);                                               \
      x = x < low && !stays ? low : x;                                                \
      all[i] = x > high && !stays ? high : x;                                         \
    }                                                                                 \
  }

LIMIT(limit_f32, f32_any, x >= -0x1.fffffep127f && x <= 0x1.fffffep127f)
LIMIT(limit_f64, f64_any, x >= -0x1.fffffffffffffp1023 && x <= 0x1.fffffffffffffp1023)

// --- a block of any pair ---------------------------------------------------------------------------

// Converts `n` numbers, TIO_BLOCK at most; answers whether one was out of range.
static bool LEVEL(block)(tio_number from, tio_number to, tio_range range, ARGUMENTS) {
  union { float f32[TIO_BLOCK]; double f64[TIO_BLOCK]; int64_t i64[TIO_BLOCK]; } hub, narrow;
  bool limits = range == TIO_SATURATE && to >= TIO_F16 && to != TIO_F64;
  const tio_limits *most = &tio_limits_of[to];
  if (from <= TIO_U64 && to <= TIO_U64) {
    if (range != TIO_WRAP && from == TIO_U64 && to == TIO_I64)
      return LEVEL(i64_of_u64_)(source, target, n);
    decoder *decode = LEVEL(to_i64)[from];
    if (range == TIO_WRAP && from == TIO_U64) decode = LEVEL(i64_of_u64_bits);
    encoder *encode = (range == TIO_WRAP ? LEVEL(wrapped_of_i64) : LEVEL(of_i64))[to];
    if (from == TIO_I64) return encode(source, target, n);
    decode(source, hub.i64, n);
    return encode(hub.i64, target, n);
  }
  if (from <= TIO_U64 && to == TIO_F64) {
    LEVEL(to_f64)[from](source, target, n);
    return false;
  }
  if (from == TIO_F64) {
    if (to <= TIO_U64 || (to == TIO_F16 && !limits)) return LEVEL(of_f64)[to](source, target, n);
    if (limits) {
      memcpy(hub.f64, source, n * sizeof(double));
      LEVEL(limit_f64)(hub.f64, n, most->low, most->high, most->has_infinity);
      if (to == TIO_F16) return LEVEL(of_f64)[to](hub.f64, target, n);
      source = hub.f64;
    }
    if (to == TIO_F32) {
      LEVEL(f32_of_f64)(source, target, n);
      return false;
    }
    LEVEL(f32_of_f64)(source, narrow.f32, n);
    return LEVEL(of_f32)[to](narrow.f32, target, n);
  }
  if (to == TIO_F32) {
    LEVEL(to_f32)[from](source, target, n);
    return false;
  }
  if (from == TIO_F32 && !limits) return LEVEL(of_f32)[to](source, target, n);
  LEVEL(to_f32)[from](source, hub.f32, n);
  if (limits) LEVEL(limit_f32)(hub.f32, n, (float)most->low, (float)most->high, most->has_infinity);
  return LEVEL(of_f32)[to](hub.f32, target, n);
}

// Numbers as double, exactly: all but integers of 64 bits.
static void LEVEL(widen)(tio_number from, const void *restrict source, double *restrict target,
                         size_t n) {
  if (from == TIO_F64) {
    memcpy(target, source, n * sizeof(double));
  } else if (from <= TIO_U64) {
    LEVEL(to_f64)[from](source, target, n);
  } else {
    float hub[TIO_BLOCK];
    LEVEL(to_f32)[from](source, hub, n);
    LEVEL(f64_of_f32)(hub, target, n);
  }
}

// Errors are not negative, so that their bits order as they do.
static void LEVEL(differences)(tio_number to, const double *x, const double *y, size_t n,
                               tio_differences *sum) {
  bool isInteger = to != TIO_BOOL && to <= TIO_U64;
  double low = tio_limits_of[to].first_below, high = tio_limits_of[to].first_above;
  double least = tio_limits_of[to].least_step, step = tio_limits_of[to].step;
  uint64_t changed = 0, overflowed = 0, nans = 0;
  int64_t absolute = 0, relative = 0, ulps = 0;
  LOOP {
    double a = x[i], b = y[i];
    bool isLost = (a == a) != (b == b);
    bool differs = a != b && (a == a || b == b);
    bool isFinite = a - a == 0;
    bool isOver = isInteger ? !(b == trunc(a)) : isFinite && (a <= low || a >= high || b - b != 0);
    changed += differs;
    nans += isLost;
    overflowed += isOver;
    double error = fabs(a - b);
    // The size of the result's binade; zeros and the least numbers have the least step.
    double binade = as_double(double_bits(b) & UINT64_C(0x7ff0000000000000));
    double unit = isInteger ? 1 : binade * step > least ? binade * step : least;
    bool counts = differs && !isOver && !isLost && isFinite;
    int64_t e = counts ? (int64_t)double_bits(error) : 0;
    int64_t r = counts && a != 0 ? (int64_t)double_bits(error / fabs(a)) : 0;
    int64_t u = counts ? (int64_t)double_bits(error / unit) : 0;
    absolute = e > absolute ? e : absolute;
    relative = r > relative ? r : relative;
    ulps = u > ulps ? u : ulps;
  }
  sum->changed += changed;
  sum->overflowed += overflowed;
  sum->nans += nans;
  sum->absolute = fmax(sum->absolute, as_double((uint64_t)absolute));
  sum->relative = fmax(sum->relative, as_double((uint64_t)relative));
  sum->ulps = fmax(sum->ulps, as_double((uint64_t)ulps));
}
