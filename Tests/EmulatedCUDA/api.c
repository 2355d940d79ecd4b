// The driver's functions. What frees something frees it even when it is told to fail: a real driver
// then reports what an earlier copy did.
#include "emulated.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { deepest = 16 };
static _Thread_local int pushed[deepest];
static _Thread_local int depth;

#define ENTER(name)                                            \
  int fault = enter(name);                                     \
  if (fault == success && !state.is_initialized) fault = not_initialized; \
  if (fault != success) return leave(fault)

// The device of the current context, or -1.
static int current(void) {
  if (depth == 0 || state.retained[pushed[depth - 1]] == 0) return -1;
  return pushed[depth - 1];
}

static void *context(int device) { return (char *)&state.retained[device]; }

int cuGetErrorName(int status, const char **text) {
  switch (status) {
    case success: *text = "CUDA_SUCCESS"; break;
    case invalid_value: *text = "CUDA_ERROR_INVALID_VALUE"; break;
    case out_of_memory: *text = "CUDA_ERROR_OUT_OF_MEMORY"; break;
    case not_initialized: *text = "CUDA_ERROR_NOT_INITIALIZED"; break;
    case no_device: *text = "CUDA_ERROR_NO_DEVICE"; break;
    case invalid_device: *text = "CUDA_ERROR_INVALID_DEVICE"; break;
    case invalid_context: *text = "CUDA_ERROR_INVALID_CONTEXT"; break;
    case invalid_handle: *text = "CUDA_ERROR_INVALID_HANDLE"; break;
    case illegal_address: *text = "CUDA_ERROR_ILLEGAL_ADDRESS"; break;
    case 719: *text = "CUDA_ERROR_LAUNCH_FAILED"; break;
    default: *text = NULL; return invalid_value;
  }
  return success;
}

int cuGetErrorString(int status, const char **text) {
  *text = status == out_of_memory ? "out of memory" : "emulated failure";
  return status == 12345 ? invalid_value : success;
}

int cuInit(unsigned flags) {
  int fault = enter("cuInit");
  if (fault == success && flags != 0) fault = invalid_value;
  if (fault == success) fault = (int)settings.init_status;
  if (fault == success && settings.devices == 0) fault = no_device;
  if (fault == success) state.is_initialized = true;
  return leave(fault);
}

int cuDriverGetVersion(int *version) {
  int fault = enter("cuDriverGetVersion");
  *version = (int)settings.driver_version;
  return leave(fault);
}

int cuDeviceGetCount(int *count) {
  ENTER("cuDeviceGetCount");
  *count = (int)settings.devices;
  return leave(success);
}

int cuDeviceGet(int *device, int ordinal) {
  ENTER("cuDeviceGet");
  if (ordinal < 0 || ordinal >= settings.devices) return leave(invalid_device);
  *device = ordinal;
  return leave(success);
}

int cuDeviceGetName(char *name, int capacity, int device) {
  ENTER("cuDeviceGetName");
  snprintf(name, (size_t)capacity, "Emulated GPU %d", device);
  return leave(success);
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  ENTER("cuDeviceTotalMem");
  (void)device;
  *bytes = (size_t)settings.memory;
  return leave(success);
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  ENTER("cuDeviceGetAttribute");
  (void)device;
  *value = attribute == 75 ? 9 : attribute == 41 ? 1 : 0;
  return leave(success);
}

int cuDevicePrimaryCtxRetain(void **handle, int device) {
  ENTER("cuDevicePrimaryCtxRetain");
  if (device < 0 || device >= settings.devices) return leave(invalid_device);
  if (state.retained[device]++ == 0) counters.live_contexts++;
  *handle = context(device);
  return leave(success);
}

int cuDevicePrimaryCtxRelease_v2(int device) {
  int fault = enter("cuDevicePrimaryCtxRelease");
  if (device < 0 || device >= most_devices || state.retained[device] == 0) {
    misuse("a context released too often", (uint64_t)device);
    return leave(invalid_context);
  }
  if (--state.retained[device] == 0) {
    counters.live_contexts--;
    if (state.used[device] > 0) misuse("a context released before its memory", (uint64_t)device);
  }
  return leave(fault);
}

int cuCtxPushCurrent_v2(void *handle) {
  ENTER("cuCtxPushCurrent");
  for (int device = 0; device < most_devices; device++) {
    if (handle != context(device) || state.retained[device] == 0) continue;
    if (depth == deepest) abort();
    pushed[depth++] = device;
    return leave(success);
  }
  misuse("an unknown context", (uint64_t)(uintptr_t)handle);
  return leave(invalid_context);
}

int cuCtxPopCurrent_v2(void **handle) {
  int fault = enter("cuCtxPopCurrent");
  if (depth == 0) {
    misuse("no context to pop", 0);
    return leave(invalid_context);
  }
  *handle = context(pushed[--depth]);
  return leave(fault);
}

int cuMemGetInfo_v2(size_t *free, size_t *total) {
  ENTER("cuMemGetInfo");
  if (current() < 0) return leave(invalid_context);
  *free = (size_t)(settings.memory - state.used[current()]);
  *total = (size_t)settings.memory;
  return leave(success);
}

static block *add_block(size_t size, bool is_pinned) {
  block *added = calloc(1, sizeof *added);
  if (added == NULL) abort();
  added->bytes = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
  if (added->bytes == NULL) abort();
  // What was never written is to be noticed.
  memset(added->bytes, 0xa5, size);
  added->size = size;
  added->is_pinned = is_pinned;
  added->next = state.blocks;
  state.blocks = added;
  return added;
}

int cuMemAlloc_v2(uint64_t *address, size_t size) {
  ENTER("cuMemAlloc");
  int device = current();
  if (device < 0) return leave(invalid_context);
  if (size == 0) return leave(invalid_value);
  if (++counters.allocations == settings.fail_allocation) return leave(out_of_memory);
  if ((int64_t)size > settings.memory - state.used[device]) return leave(out_of_memory);
  block *added = add_block(size, false);
  added->device = device;
  added->address = state.next_address;
  // A gap behind each block catches what runs over its end.
  state.next_address += (size + 4096 + 511) / 512 * 512;
  state.used[device] += (int64_t)size;
  counters.live_allocations++;
  counters.live_bytes += (int64_t)size;
  *address = added->address;
  return leave(success);
}

int cuMemFree_v2(uint64_t address) {
  int fault = enter("cuMemFree");
  block *gone = find_device(address, 0);
  if (gone == NULL || gone->address != address) {
    misuse("device memory freed twice, or never allocated", address);
    return leave(invalid_value);
  }
  discard(gone);
  return leave(fault);
}

int cuMemHostAlloc(void **memory, size_t size, unsigned flags) {
  ENTER("cuMemHostAlloc");
  (void)flags;
  if (current() < 0) return leave(invalid_context);
  if (size == 0) return leave(invalid_value);
  *memory = add_block(size, true)->bytes;
  counters.live_pinned++;
  counters.live_pinned_bytes += (int64_t)size;
  if (counters.live_pinned_bytes > counters.peak_pinned_bytes)
    counters.peak_pinned_bytes = counters.live_pinned_bytes;
  return leave(success);
}

int cuMemFreeHost(void *memory) {
  int fault = enter("cuMemFreeHost");
  block *gone = find_pinned(memory, 0);
  if (gone == NULL || gone->bytes != memory) {
    misuse("pinned memory freed twice, or never allocated", (uint64_t)(uintptr_t)memory);
    return leave(invalid_value);
  }
  discard(gone);
  return leave(fault);
}

static int copy(bool is_upload, uint64_t address, void *host, size_t size, void *handle) {
  stream *on = find_stream(handle);
  block *device = find_device(address, size);
  if (on == NULL) {
    misuse("a copy on an unknown stream", (uint64_t)(uintptr_t)handle);
    return invalid_handle;
  }
  if (device == NULL) {
    misuse("a copy outside device memory", address);
    return illegal_address;
  }
  if (current() < 0) return invalid_context;
  block *pinned = find_pinned(host, size);
  unsigned char *there = device->bytes + (address - device->address);
  if (pinned == NULL) {
    // A real driver copies such memory slowly and at once.
    counters.pageable_copies++;
    drain(on);
    memcpy(is_upload ? there : host, is_upload ? host : there, size);
    return success;
  }
  device->pending++;
  pinned->pending++;
  enqueue(on, (operation){.target = is_upload ? there : host,
                          .source = is_upload ? host : there,
                          .size = size,
                          .device = device,
                          .host = pinned,
                          .is_upload = is_upload});
  return success;
}

int cuMemcpyHtoDAsync_v2(uint64_t target, const void *source, size_t size, void *handle) {
  ENTER("cuMemcpyHtoDAsync");
  return leave(copy(true, target, (void *)(uintptr_t)source, size, handle));
}

int cuMemcpyDtoHAsync_v2(void *target, uint64_t source, size_t size, void *handle) {
  ENTER("cuMemcpyDtoHAsync");
  return leave(copy(false, source, target, size, handle));
}

int cuStreamCreate(void **handle, unsigned flags) {
  ENTER("cuStreamCreate");
  (void)flags;
  if (current() < 0) return leave(invalid_context);
  stream *added = calloc(1, sizeof *added);
  if (added == NULL) abort();
  add_stream(added);
  *handle = added;
  return leave(success);
}

int cuStreamDestroy_v2(void *handle) {
  int fault = enter("cuStreamDestroy");
  stream *gone = find_stream(handle);
  if (gone == NULL) {
    misuse("a stream destroyed twice, or never created", (uint64_t)(uintptr_t)handle);
    return leave(invalid_handle);
  }
  stop(gone);
  return leave(fault);
}

int cuStreamSynchronize(void *handle) {
  // The wait is over even where it is to fail: a driver answers only then.
  int fault = enter("cuStreamSynchronize");
  stream *on = find_stream(handle);
  if (on == NULL) {
    misuse("an unknown stream is waited for", (uint64_t)(uintptr_t)handle);
    return leave(invalid_handle);
  }
  drain(on);
  return leave(fault != success ? fault : on->status);
}

int cuEventCreate(void **handle, unsigned flags) {
  ENTER("cuEventCreate");
  (void)flags;
  if (current() < 0) return leave(invalid_context);
  event *added = calloc(1, sizeof *added);
  if (added == NULL) abort();
  added->next = state.events;
  state.events = added;
  counters.live_events++;
  *handle = added;
  return leave(success);
}

int cuEventDestroy_v2(void *handle) {
  int fault = enter("cuEventDestroy");
  event *gone = find_event(handle);
  if (gone == NULL) {
    misuse("an event destroyed twice, or never created", (uint64_t)(uintptr_t)handle);
    return leave(invalid_handle);
  }
  gone->is_dead = true;
  counters.live_events--;
  return leave(fault);
}

int cuEventRecord(void *handle, void *on) {
  ENTER("cuEventRecord");
  event *recorded = find_event(handle);
  if (recorded == NULL || find_stream(on) == NULL) {
    misuse("an unknown event or stream in a record", (uint64_t)(uintptr_t)handle);
    return leave(invalid_handle);
  }
  recorded->recorded++;
  recorded->stream = on;
  enqueue(on, (operation){.event = recorded});
  return leave(success);
}

int cuEventSynchronize(void *handle) {
  int fault = enter("cuEventSynchronize");
  event *awaited = find_event(handle);
  if (awaited == NULL) {
    misuse("an unknown event is waited for", (uint64_t)(uintptr_t)handle);
    return leave(invalid_handle);
  }
  if (fault != success) return leave(fault);
  while (awaited->completed < awaited->recorded) pthread_cond_wait(&state.changed, &state.lock);
  return leave(awaited->stream == NULL ? success : awaited->stream->status);
}
