// A CUDA driver in host memory, for tests: counts what is held, notices misuse, fails on request.
//
// Device addresses are numbers that the host cannot follow, and are never used twice. Streams copy on
// threads of their own, as late as asked for.
#ifndef EMULATED_H
#define EMULATED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  success = 0,
  invalid_value = 1,
  out_of_memory = 2,
  not_initialized = 3,
  no_device = 100,
  invalid_device = 101,
  invalid_context = 201,
  invalid_handle = 400,
  illegal_address = 700,
  most_devices = 8,
};

// A block of device memory, or of pinned host memory (which has no address).
typedef struct block {
  struct block *next;
  uint64_t address;
  unsigned char *bytes;
  size_t size;
  int device;
  int pending;  // copies that were asked for and are not done
  bool is_pinned;
} block;

typedef struct stream stream;

typedef struct event {
  struct event *next;
  int64_t recorded, completed;
  stream *stream;
  bool is_dead;
} event;

// A copy, or the record of an event.
typedef struct operation {
  struct operation *next;
  void *target;
  const void *source;
  size_t size;
  block *device, *host;
  event *event;
  bool is_upload;
} operation;

struct stream {
  struct stream *next;
  operation *first, *last;
  pthread_t thread;
  int status;  // of a copy that failed
  bool is_busy, is_stopping, is_dead;
};

// Everything, under one lock; `changed` tells of every step.
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  block *blocks;
  stream *streams;
  event *events;
  uint64_t next_address;
  bool is_initialized;
  int retained[most_devices];
  int64_t used[most_devices];
  char first_error[256];
  char failing_function[64];
} emulation;

extern emulation state;

// What can be set and read by name; see the rows in state.c.
typedef struct {
  int64_t devices, memory, init_status, driver_version, late_microseconds;
  int64_t fail_at, fail_from, fail_allocation, fail_copy, corrupt_copy, fail_nth, fail_status;
} settings_t;
typedef struct {
  int64_t calls, allocations, copies, named_calls, misuses, pageable_copies;
  int64_t uploaded_bytes, downloaded_bytes;
  int64_t live_allocations, live_bytes, live_pinned, live_pinned_bytes, peak_pinned_bytes;
  int64_t live_streams, live_events, live_contexts;
} counters_t;
extern settings_t settings;
extern counters_t counters;

// Takes the lock, counts the call, and answers the status that it is to fail with, or success.
int enter(const char *function);
// Frees the lock.
int leave(int status);
// Notes that the program did what no program may.
void misuse(const char *what, uint64_t value);

// The live block that holds all of a range, or NULL.
block *find_device(uint64_t address, size_t size);
block *find_pinned(const void *memory, size_t size);
// Frees a block once its copies are done; those that were not are a misuse.
void discard(block *gone);

stream *find_stream(void *handle);
event *find_event(void *handle);
void add_stream(stream *added);
void enqueue(stream *on, operation added);
void drain(stream *of);
void stop(stream *gone);

#endif
