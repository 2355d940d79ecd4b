"""Reads a PNG file of 8-bit samples without filters by hand, and prints it: width, height, channels, and
the samples in hexadecimal, or with --sha256 their hash.

    png.py [--sha256] FILE
"""

import hashlib
import struct
import sys
import zlib

data = open(sys.argv[-1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
position, chunks = 8, []
while position < len(data):
    length, name = struct.unpack(">I4s", data[position:position + 8])
    body = data[position + 8:position + 8 + length]
    assert len(body) == length
    crc, = struct.unpack(">I", data[position + 8 + length:position + 12 + length])
    assert crc == zlib.crc32(name + body), name
    chunks.append((name, body))
    position += 12 + length
names = [name for name, _ in chunks]
assert names[0] == b"IHDR" and names[-1] == b"IEND" and set(names[1:-1]) == {b"IDAT"}, names
width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
assert depth == 8 and rest == [0, 0, 0]
channels = {0: 1, 2: 3, 6: 4}[kind]
stream = zlib.decompressobj()
rows = stream.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
# Its Adler-32 was there, and right.
assert stream.eof and not stream.unused_data
stride = 1 + width * channels
assert len(rows) == height * stride
assert all(rows[y * stride] == 0 for y in range(height))
samples = b"".join(rows[y * stride + 1:(y + 1) * stride] for y in range(height))
print(width, height, channels)
print(hashlib.sha256(samples).hexdigest() if "--sha256" in sys.argv else samples.hex())
