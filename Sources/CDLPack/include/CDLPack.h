// The structures of DLPack 1.x, by which libraries hand each other tensors without a copy. The
// layout is the standard's; the names are ours.
#ifndef CDLPACK_H
#define CDLPACK_H

#include <stdint.h>

enum { tio_dl_major = 1, tio_dl_minor = 1 };

enum {
  tio_dl_cpu = 1,
  tio_dl_cuda = 2,
  tio_dl_cuda_host = 3,
};

enum {
  tio_dl_int = 0,
  tio_dl_uint = 1,
  tio_dl_float = 2,
  tio_dl_bfloat = 4,
  tio_dl_complex = 5,
  tio_dl_bool = 6,
  tio_dl_float8_e4m3fn = 10,
  tio_dl_float8_e4m3fnuz = 11,
  tio_dl_float8_e5m2 = 12,
  tio_dl_float8_e5m2fnuz = 13,
  tio_dl_float8_e8m0fnu = 14,
  tio_dl_float4_e2m1fn = 17,
};

enum { tio_dl_read_only = 1 };

typedef struct {
  uint32_t major, minor;
} tio_dl_version;

typedef struct {
  int32_t type, id;
} tio_dl_device;

typedef struct {
  uint8_t code, bits;
  uint16_t lanes;
} tio_dl_dtype;

typedef struct {
  void *data;
  tio_dl_device device;
  int32_t ndim;
  tio_dl_dtype dtype;
  int64_t *shape;
  int64_t *strides;  // in elements; NULL is row-major
  uint64_t byte_offset;
} tio_dl_tensor;

// The standard's DLManagedTensorVersioned: whoever holds it calls `deleter` once.
typedef struct tio_dl_managed {
  tio_dl_version version;
  void *manager_context;
  void (*deleter)(struct tio_dl_managed *self);
  uint64_t flags;
  tio_dl_tensor tensor;
} tio_dl_managed;

#endif
