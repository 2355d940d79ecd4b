// The CUDA driver, opened while the program runs: nothing of CUDA is needed to build, and a machine
// without it only gets told so. Every call answers the driver's status, 0 for success.
#ifndef CCUDADRIVER_H
#define CCUDADRIVER_H

#include <stddef.h>
#include <stdint.h>

// One opened library with its functions.
typedef struct tio_cuda_driver tio_cuda_driver;

// The driver's handles. A device address is a number: the host cannot follow it.
typedef void *tio_cuda_context;
typedef void *tio_cuda_stream;
typedef void *tio_cuda_event;
typedef uint64_t tio_cuda_address;

enum {
  tio_cuda_success = 0,
  tio_cuda_out_of_memory = 2,
  tio_cuda_no_device = 100,
  tio_cuda_not_ready = 600,
};

enum {
  tio_cuda_attribute_unified_addressing = 41,
  tio_cuda_attribute_major = 75,
  tio_cuda_attribute_minor = 76,
};

// Opens the library at `path`; NULL means the one that TENSORIO_CUDA_DRIVER names, or else
// libcuda.so.1. NULL comes back when it or one of its functions is missing: `reason` then says what
// was looked for. A library stays loaded for good, for it may have threads of its own.
tio_cuda_driver *tio_cuda_open(const char *path, char *reason, size_t capacity);

// Frees the table, not the library.
void tio_cuda_forget(tio_cuda_driver *driver);

// The driver's name and words for a status; NULL for one that it does not know.
const char *tio_cuda_error_name(const tio_cuda_driver *driver, int status);
const char *tio_cuda_error_text(const tio_cuda_driver *driver, int status);

int tio_cuda_init(const tio_cuda_driver *driver);
int tio_cuda_driver_version(const tio_cuda_driver *driver, int *version);
int tio_cuda_device_count(const tio_cuda_driver *driver, int *count);
int tio_cuda_device_get(const tio_cuda_driver *driver, int *device, int ordinal);
int tio_cuda_device_name(const tio_cuda_driver *driver, char *name, int capacity, int device);
int tio_cuda_device_memory(const tio_cuda_driver *driver, size_t *bytes, int device);
int tio_cuda_device_attribute(const tio_cuda_driver *driver, int *value, int attribute, int device);

int tio_cuda_context_retain(const tio_cuda_driver *driver, tio_cuda_context *context, int device);
int tio_cuda_context_release(const tio_cuda_driver *driver, int device);
int tio_cuda_context_push(const tio_cuda_driver *driver, tio_cuda_context context);
int tio_cuda_context_pop(const tio_cuda_driver *driver);

// These need a current context.
int tio_cuda_memory_info(const tio_cuda_driver *driver, size_t *free, size_t *total);
int tio_cuda_allocate(const tio_cuda_driver *driver, tio_cuda_address *address, size_t bytes);
int tio_cuda_free(const tio_cuda_driver *driver, tio_cuda_address address);
// Pinned host memory, which every context may copy from and to.
int tio_cuda_host_allocate(const tio_cuda_driver *driver, void **memory, size_t bytes);
int tio_cuda_host_free(const tio_cuda_driver *driver, void *memory);
int tio_cuda_copy_to_device(const tio_cuda_driver *driver, tio_cuda_address target,
                            const void *source, size_t bytes, tio_cuda_stream stream);
int tio_cuda_copy_to_host(const tio_cuda_driver *driver, void *target, tio_cuda_address source,
                          size_t bytes, tio_cuda_stream stream);

// A stream that does not wait for the default one.
int tio_cuda_stream_create(const tio_cuda_driver *driver, tio_cuda_stream *stream);
int tio_cuda_stream_destroy(const tio_cuda_driver *driver, tio_cuda_stream stream);
int tio_cuda_stream_synchronize(const tio_cuda_driver *driver, tio_cuda_stream stream);
// An event without time, on which a thread sleeps.
int tio_cuda_event_create(const tio_cuda_driver *driver, tio_cuda_event *event);
int tio_cuda_event_destroy(const tio_cuda_driver *driver, tio_cuda_event event);
int tio_cuda_event_record(const tio_cuda_driver *driver, tio_cuda_event event,
                          tio_cuda_stream stream);
int tio_cuda_event_synchronize(const tio_cuda_driver *driver, tio_cuda_event event);

#endif
