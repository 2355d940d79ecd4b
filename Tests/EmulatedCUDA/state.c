#include "emulated.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t first_address = UINT64_C(0x00de000000000000);

emulation state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
    .next_address = first_address,
};

static const settings_t defaults = {
    .devices = 1, .memory = INT64_C(1) << 30, .driver_version = 12040, .fail_status = 719};
settings_t settings = {
    .devices = 1, .memory = INT64_C(1) << 30, .driver_version = 12040, .fail_status = 719};
counters_t counters;

typedef struct {
  const char *name;
  int64_t *value;
} row;

static const row setting_rows[] = {
    {"devices", &settings.devices},
    {"memory", &settings.memory},                      // bytes a device has
    {"init_status", &settings.init_status},            // what cuInit answers
    {"driver_version", &settings.driver_version},
    {"late_microseconds", &settings.late_microseconds},  // before each copy
    {"fail_at", &settings.fail_at},                    // the n-th call of any kind
    {"fail_from", &settings.fail_from},                // the n-th and all later ones: a lost device
    {"fail_allocation", &settings.fail_allocation},    // the n-th: out of memory
    {"fail_copy", &settings.fail_copy},                // the n-th, found when its stream is waited for
    {"corrupt_copy", &settings.corrupt_copy},          // the n-th changes a bit
    {"fail_nth", &settings.fail_nth},                  // of the function named by tio_emulated_fail
    {"fail_status", &settings.fail_status},
};

static const row counter_rows[] = {
    {"calls", &counters.calls},
    {"allocations", &counters.allocations},
    {"copies", &counters.copies},
    {"misuses", &counters.misuses},
    {"pageable_copies", &counters.pageable_copies},
    {"uploaded_bytes", &counters.uploaded_bytes},
    {"downloaded_bytes", &counters.downloaded_bytes},
    {"live_allocations", &counters.live_allocations},
    {"live_bytes", &counters.live_bytes},
    {"live_pinned", &counters.live_pinned},
    {"live_pinned_bytes", &counters.live_pinned_bytes},
    {"peak_pinned_bytes", &counters.peak_pinned_bytes},
    {"live_streams", &counters.live_streams},
    {"live_events", &counters.live_events},
    {"live_contexts", &counters.live_contexts},
};

enum {
  setting_count = sizeof setting_rows / sizeof setting_rows[0],
  counter_count = sizeof counter_rows / sizeof counter_rows[0],
};

static int64_t *find(const row *rows, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(rows[i].name, name) == 0) return rows[i].value;
  fprintf(stderr, "the emulated CUDA driver knows no '%s'\n", name);
  abort();
}

void tio_emulated_set(const char *name, int64_t value) {
  pthread_mutex_lock(&state.lock);
  *find(setting_rows, setting_count, name) = value;
  pthread_mutex_unlock(&state.lock);
}

int64_t tio_emulated_get(const char *name) {
  pthread_mutex_lock(&state.lock);
  int64_t value = *find(counter_rows, counter_count, name);
  pthread_mutex_unlock(&state.lock);
  return value;
}

// The n-th call from now on of one function fails.
void tio_emulated_fail(const char *function, int64_t nth, int64_t status) {
  pthread_mutex_lock(&state.lock);
  snprintf(state.failing_function, sizeof state.failing_function, "%s", function);
  counters.named_calls = 0;
  settings.fail_nth = nth;
  settings.fail_status = status;
  pthread_mutex_unlock(&state.lock);
}

// The first misuse, in words; empty when there was none.
const char *tio_emulated_misuse(void) { return state.first_error; }

// Where the host finds device memory: for kernels of tests.
void *tio_emulated_host(uint64_t address, size_t size) {
  pthread_mutex_lock(&state.lock);
  block *found = find_device(address, size);
  void *bytes = found == NULL ? NULL : found->bytes + (address - found->address);
  pthread_mutex_unlock(&state.lock);
  return bytes;
}

// Frees everything and forgets all settings and counts. No call may be under way.
void tio_emulated_reset(void) {
  pthread_mutex_lock(&state.lock);
  for (stream *each = state.streams; each != NULL; each = each->next) stop(each);
  while (state.blocks != NULL) discard(state.blocks);
  for (stream *next, *each = state.streams; each != NULL; each = next) {
    next = each->next;
    free(each);
  }
  for (event *next, *each = state.events; each != NULL; each = next) {
    next = each->next;
    free(each);
  }
  state.streams = NULL;
  state.events = NULL;
  state.is_initialized = false;
  state.first_error[0] = 0;
  memset(state.retained, 0, sizeof state.retained);
  memset(state.used, 0, sizeof state.used);
  settings = defaults;
  memset(&counters, 0, sizeof counters);
  pthread_mutex_unlock(&state.lock);
}

// TENSORIO_EMULATED_CUDA=devices=2,fail_at=7 sets what the functions above set.
__attribute__((constructor)) static void read_environment(void) {
  const char *text = getenv("TENSORIO_EMULATED_CUDA");
  char name[64];
  while (text != NULL && *text != 0) {
    int64_t value;
    int length = 0;
    if (sscanf(text, "%63[a-z_]=%" SCNd64 "%n", name, &value, &length) != 2) {
      fprintf(stderr, "TENSORIO_EMULATED_CUDA wants name=value,…\n");
      abort();
    }
    tio_emulated_set(name, value);
    text += length;
    if (*text == ',') text++;
  }
}

// TENSORIO_EMULATED_CUDA_REPORT=FILE gets the counts, a line each, when the process ends.
__attribute__((destructor)) static void write_report(void) {
  const char *path = getenv("TENSORIO_EMULATED_CUDA_REPORT");
  FILE *file = path == NULL ? NULL : fopen(path, "w");
  if (file == NULL) return;
  for (size_t i = 0; i < counter_count; i++)
    fprintf(file, "%s=%" PRId64 "\n", counter_rows[i].name, *counter_rows[i].value);
  fprintf(file, "misuse=%s\n", state.first_error);
  fclose(file);
}

int enter(const char *function) {
  pthread_mutex_lock(&state.lock);
  counters.calls++;
  bool is_named = strcmp(function, state.failing_function) == 0;
  if (is_named) counters.named_calls++;
  if (counters.calls == settings.fail_at) return (int)settings.fail_status;
  if (settings.fail_from > 0 && counters.calls >= settings.fail_from)
    return (int)settings.fail_status;
  if (is_named && counters.named_calls == settings.fail_nth) return (int)settings.fail_status;
  return success;
}

int leave(int status) {
  pthread_mutex_unlock(&state.lock);
  return status;
}

void misuse(const char *what, uint64_t value) {
  if (counters.misuses++ == 0)
    snprintf(state.first_error, sizeof state.first_error, "%s: %#" PRIx64, what, value);
}

block *find_device(uint64_t address, size_t size) {
  for (block *each = state.blocks; each != NULL; each = each->next)
    if (!each->is_pinned && address >= each->address && size <= each->size &&
        address - each->address <= each->size - size)
      return each;
  return NULL;
}

block *find_pinned(const void *memory, size_t size) {
  uintptr_t at = (uintptr_t)memory;
  for (block *each = state.blocks; each != NULL; each = each->next) {
    uintptr_t start = (uintptr_t)each->bytes;
    if (each->is_pinned && at >= start && size <= each->size && at - start <= each->size - size)
      return each;
  }
  return NULL;
}

void discard(block *gone) {
  if (gone->pending > 0) misuse("freed while a copy is under way", gone->address);
  while (gone->pending > 0) pthread_cond_wait(&state.changed, &state.lock);
  for (block **link = &state.blocks; *link != NULL; link = &(*link)->next) {
    if (*link != gone) continue;
    *link = gone->next;
    break;
  }
  if (gone->is_pinned) {
    counters.live_pinned--;
    counters.live_pinned_bytes -= (int64_t)gone->size;
  } else {
    counters.live_allocations--;
    counters.live_bytes -= (int64_t)gone->size;
    state.used[gone->device] -= (int64_t)gone->size;
  }
  free(gone->bytes);
  free(gone);
}
