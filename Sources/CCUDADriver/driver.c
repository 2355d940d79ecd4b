#include "CCUDADriver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One row a function: our name, the library's symbol (with the version of its interface), and what
// it takes. Every row is needed: all of them are in each driver since CUDA 11.
#define FUNCTIONS(ROW)                                                                   \
  ROW(error_name, cuGetErrorName, (int, const char **))                                  \
  ROW(error_text, cuGetErrorString, (int, const char **))                                \
  ROW(init, cuInit, (unsigned))                                                          \
  ROW(driver_version, cuDriverGetVersion, (int *))                                       \
  ROW(device_count, cuDeviceGetCount, (int *))                                           \
  ROW(device_get, cuDeviceGet, (int *, int))                                             \
  ROW(device_name, cuDeviceGetName, (char *, int, int))                                  \
  ROW(device_memory, cuDeviceTotalMem_v2, (size_t *, int))                               \
  ROW(device_attribute, cuDeviceGetAttribute, (int *, int, int))                         \
  ROW(context_retain, cuDevicePrimaryCtxRetain, (tio_cuda_context *, int))               \
  ROW(context_release, cuDevicePrimaryCtxRelease_v2, (int))                              \
  ROW(context_push, cuCtxPushCurrent_v2, (tio_cuda_context))                             \
  ROW(context_pop, cuCtxPopCurrent_v2, (tio_cuda_context *))                             \
  ROW(memory_info, cuMemGetInfo_v2, (size_t *, size_t *))                                \
  ROW(allocate, cuMemAlloc_v2, (tio_cuda_address *, size_t))                             \
  ROW(free, cuMemFree_v2, (tio_cuda_address))                                            \
  ROW(host_allocate, cuMemHostAlloc, (void **, size_t, unsigned))                        \
  ROW(host_free, cuMemFreeHost, (void *))                                                \
  ROW(copy_to_device, cuMemcpyHtoDAsync_v2,                                              \
      (tio_cuda_address, const void *, size_t, tio_cuda_stream))                         \
  ROW(copy_to_host, cuMemcpyDtoHAsync_v2,                                                \
      (void *, tio_cuda_address, size_t, tio_cuda_stream))                               \
  ROW(stream_create, cuStreamCreate, (tio_cuda_stream *, unsigned))                      \
  ROW(stream_destroy, cuStreamDestroy_v2, (tio_cuda_stream))                             \
  ROW(stream_synchronize, cuStreamSynchronize, (tio_cuda_stream))                        \
  ROW(event_create, cuEventCreate, (tio_cuda_event *, unsigned))                         \
  ROW(event_destroy, cuEventDestroy_v2, (tio_cuda_event))                                \
  ROW(event_record, cuEventRecord, (tio_cuda_event, tio_cuda_stream))                    \
  ROW(event_synchronize, cuEventSynchronize, (tio_cuda_event))

#define MEMBER(name, symbol, arguments) int(*name) arguments;
struct tio_cuda_driver {
  FUNCTIONS(MEMBER)
};

// The table is filled as an array of addresses.
typedef void *address;
#define NAME(name, symbol, arguments) #symbol,
static const char *const symbols[] = {FUNCTIONS(NAME)};
enum { symbol_count = sizeof symbols / sizeof symbols[0] };
_Static_assert(sizeof(struct tio_cuda_driver) == symbol_count * sizeof(address),
               "the table has a slot a symbol");

tio_cuda_driver *tio_cuda_open(const char *path, char *reason, size_t capacity) {
  if (path == NULL) path = getenv("TENSORIO_CUDA_DRIVER");
  if (path == NULL || *path == 0) path = "libcuda.so.1";
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    const char *words = dlerror();
    snprintf(reason, capacity, "the CUDA driver %s cannot be opened: %s", path,
             words != NULL ? words : "no reason given");
    return NULL;
  }
  struct tio_cuda_driver *driver = malloc(sizeof *driver);
  if (driver == NULL) {
    snprintf(reason, capacity, "no memory for the CUDA driver's functions");
    return NULL;
  }
  for (size_t i = 0; i < symbol_count; i++) {
    address function = dlsym(library, symbols[i]);
    if (function == NULL) {
      snprintf(reason, capacity, "%s has no %s; it is no CUDA driver, or an old one", path,
               symbols[i]);
      free(driver);
      return NULL;
    }
    memcpy((char *)driver + i * sizeof function, &function, sizeof function);
  }
  return driver;
}

void tio_cuda_forget(tio_cuda_driver *driver) { free(driver); }

const char *tio_cuda_error_name(const tio_cuda_driver *driver, int status) {
  const char *text = NULL;
  return driver->error_name(status, &text) == tio_cuda_success ? text : NULL;
}

const char *tio_cuda_error_text(const tio_cuda_driver *driver, int status) {
  const char *text = NULL;
  return driver->error_text(status, &text) == tio_cuda_success ? text : NULL;
}

int tio_cuda_init(const tio_cuda_driver *driver) { return driver->init(0); }

int tio_cuda_driver_version(const tio_cuda_driver *driver, int *version) {
  return driver->driver_version(version);
}

int tio_cuda_device_count(const tio_cuda_driver *driver, int *count) {
  return driver->device_count(count);
}

int tio_cuda_device_get(const tio_cuda_driver *driver, int *device, int ordinal) {
  return driver->device_get(device, ordinal);
}

int tio_cuda_device_name(const tio_cuda_driver *driver, char *name, int capacity, int device) {
  return driver->device_name(name, capacity, device);
}

int tio_cuda_device_memory(const tio_cuda_driver *driver, size_t *bytes, int device) {
  return driver->device_memory(bytes, device);
}

int tio_cuda_device_attribute(const tio_cuda_driver *driver, int *value, int attribute,
                              int device) {
  return driver->device_attribute(value, attribute, device);
}

int tio_cuda_context_retain(const tio_cuda_driver *driver, tio_cuda_context *context, int device) {
  return driver->context_retain(context, device);
}

int tio_cuda_context_release(const tio_cuda_driver *driver, int device) {
  return driver->context_release(device);
}

int tio_cuda_context_push(const tio_cuda_driver *driver, tio_cuda_context context) {
  return driver->context_push(context);
}

int tio_cuda_context_pop(const tio_cuda_driver *driver) {
  tio_cuda_context ignored;
  return driver->context_pop(&ignored);
}

int tio_cuda_memory_info(const tio_cuda_driver *driver, size_t *free, size_t *total) {
  return driver->memory_info(free, total);
}

int tio_cuda_allocate(const tio_cuda_driver *driver, tio_cuda_address *address, size_t bytes) {
  return driver->allocate(address, bytes);
}

int tio_cuda_free(const tio_cuda_driver *driver, tio_cuda_address address) {
  return driver->free(address);
}

int tio_cuda_host_allocate(const tio_cuda_driver *driver, void **memory, size_t bytes) {
  enum { portable = 1 };
  return driver->host_allocate(memory, bytes, portable);
}

int tio_cuda_host_free(const tio_cuda_driver *driver, void *memory) {
  return driver->host_free(memory);
}

int tio_cuda_copy_to_device(const tio_cuda_driver *driver, tio_cuda_address target,
                            const void *source, size_t bytes, tio_cuda_stream stream) {
  return driver->copy_to_device(target, source, bytes, stream);
}

int tio_cuda_copy_to_host(const tio_cuda_driver *driver, void *target, tio_cuda_address source,
                          size_t bytes, tio_cuda_stream stream) {
  return driver->copy_to_host(target, source, bytes, stream);
}

int tio_cuda_stream_create(const tio_cuda_driver *driver, tio_cuda_stream *stream) {
  enum { non_blocking = 1 };
  return driver->stream_create(stream, non_blocking);
}

int tio_cuda_stream_destroy(const tio_cuda_driver *driver, tio_cuda_stream stream) {
  return driver->stream_destroy(stream);
}

int tio_cuda_stream_synchronize(const tio_cuda_driver *driver, tio_cuda_stream stream) {
  return driver->stream_synchronize(stream);
}

int tio_cuda_event_create(const tio_cuda_driver *driver, tio_cuda_event *event) {
  enum { blocking_sync = 1, disable_timing = 2 };
  return driver->event_create(event, blocking_sync | disable_timing);
}

int tio_cuda_event_destroy(const tio_cuda_driver *driver, tio_cuda_event event) {
  return driver->event_destroy(event);
}

int tio_cuda_event_record(const tio_cuda_driver *driver, tio_cuda_event event,
                          tio_cuda_stream stream) {
  return driver->event_record(event, stream);
}

int tio_cuda_event_synchronize(const tio_cuda_driver *driver, tio_cuda_event event) {
  return driver->event_synchronize(event);
}
