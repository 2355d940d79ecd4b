#include "emulated.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

stream *find_stream(void *handle) {
  for (stream *each = state.streams; each != NULL; each = each->next)
    if (each == handle && !each->is_dead) return each;
  return NULL;
}

event *find_event(void *handle) {
  for (event *each = state.events; each != NULL; each = each->next)
    if (each == handle && !each->is_dead) return each;
  return NULL;
}

static void copy(stream *on, const operation *step) {
  int64_t number = ++counters.copies;
  bool fails = number == settings.fail_copy;
  bool is_corrupt = number == settings.corrupt_copy;
  useconds_t late = (useconds_t)settings.late_microseconds;
  // The blocks cannot go meanwhile: the copy is pending in them.
  pthread_mutex_unlock(&state.lock);
  if (late > 0) usleep(late);
  if (!fails) memcpy(step->target, step->source, step->size);
  if (is_corrupt && step->size > 0) ((unsigned char *)step->target)[step->size / 2] ^= 0x10;
  pthread_mutex_lock(&state.lock);
  if (fails) on->status = (int)settings.fail_status;
  step->device->pending--;
  step->host->pending--;
  *(step->is_upload ? &counters.uploaded_bytes : &counters.downloaded_bytes) +=
      (int64_t)step->size;
}

static void *work(void *argument) {
  stream *self = argument;
  pthread_mutex_lock(&state.lock);
  while (true) {
    operation *step = self->first;
    if (step == NULL) {
      if (self->is_stopping) break;
      pthread_cond_wait(&state.changed, &state.lock);
      continue;
    }
    self->first = step->next;
    if (self->first == NULL) self->last = NULL;
    self->is_busy = true;
    if (step->event != NULL) {
      step->event->completed++;
    } else {
      copy(self, step);
    }
    self->is_busy = false;
    free(step);
    pthread_cond_broadcast(&state.changed);
  }
  pthread_mutex_unlock(&state.lock);
  return NULL;
}

void add_stream(stream *added) {
  added->next = state.streams;
  state.streams = added;
  counters.live_streams++;
  if (pthread_create(&added->thread, NULL, work, added) != 0) abort();
}

void enqueue(stream *on, operation added) {
  operation *step = malloc(sizeof *step);
  if (step == NULL) abort();
  *step = added;
  if (on->last != NULL) on->last->next = step;
  else on->first = step;
  on->last = step;
  pthread_cond_broadcast(&state.changed);
}

void drain(stream *of) {
  while (of->first != NULL || of->is_busy) pthread_cond_wait(&state.changed, &state.lock);
}

void stop(stream *gone) {
  if (gone->is_dead) return;
  drain(gone);
  gone->is_stopping = true;
  gone->is_dead = true;
  counters.live_streams--;
  pthread_cond_broadcast(&state.changed);
  pthread_t thread = gone->thread;
  pthread_mutex_unlock(&state.lock);
  pthread_join(thread, NULL);
  pthread_mutex_lock(&state.lock);
}
