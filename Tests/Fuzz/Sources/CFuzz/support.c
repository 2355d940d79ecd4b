#define _GNU_SOURCE
#include "CFuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

int fuzz_memory_file(void) { return memfd_create("fuzz-input", MFD_CLOEXEC); }

uint32_t fuzz_crc32(const uint8_t *bytes, size_t count) {
  return (uint32_t)crc32(0, bytes, (uInt)count);
}

size_t fuzz_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t room) {
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (inflateInit2(&stream, -15) != Z_OK) return 0;
  stream.next_in = (Bytef *)bytes;
  stream.avail_in = (uInt)count;
  stream.next_out = output;
  stream.avail_out = (uInt)room;
  inflate(&stream, Z_FINISH);
  size_t done = room - stream.avail_out;
  inflateEnd(&stream);
  return done;
}
