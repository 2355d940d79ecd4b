"""What script/batch-check needs: inputs, comparisons, and the end of a process.

    batch.py inputs WORK COUNT TENSORIO
    batch.py check WORK FOLDER LINES [CONVERTED | again]
    batch.py missing WORK FOLDER
    batch.py kill FOLDER COUNT
"""

import collections
import hashlib
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time
import zipfile


def npy(shape, values):
    """A float32 array as np.save writes it; Spark's Python has no NumPy."""
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %r, }" % (shape,)
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(
        "<%df" % len(values), *values)


def inputs(work, count, tensorio):
    arrays = work / "arrays"
    (work / "in").mkdir()
    arrays.mkdir()
    for index in range(int(count)):
        # Every second one becomes a .pt.
        folder = arrays if index % 2 else work / "in"
        with zipfile.ZipFile(folder / f"f{index:05}.npz", "w") as archive:
            for name, shape in [("weight", (32, 32)), ("bias", (32,))]:
                size = shape[0] * (shape[1] if len(shape) > 1 else 1)
                values = [(index * 7 + place) / 3 for place in range(size)]
                archive.writestr(name + ".npy", npy(shape, values))
    subprocess.run(
        [tensorio, "convert", "--out-dir", work / "in", "--to", "pt", arrays], check=True,
        stderr=subprocess.DEVNULL)
    for manifest in (work / "in").glob("*.manifest.json"):
        manifest.unlink()


def outputs(folder):
    """The hashes of all files, manifests too."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def names(work):
    return (work / "lines").read_text().splitlines()


def check(work, folder, lines, converted=""):
    expected = outputs(work / "one")
    found = outputs(work / folder)
    assert len(expected) == 2 * len(names(work)), f"{len(expected)} files of one process"
    assert found == expected, f"{len(found)} files, {len(found.items() ^ expected.items())} differ"
    objects = [json.loads(line) for line in (work / lines).read_text().splitlines()]
    assert sorted(item["input"] for item in objects) == sorted(names(work)), "not a line each"
    statuses = collections.Counter(item["status"] for item in objects)
    assert set(statuses) <= {"converted", "skipped"}, statuses
    if converted == "again":
        assert statuses["skipped"] > 0 and statuses["converted"] > 0, statuses
    elif converted:
        assert statuses["converted"] == int(converted), statuses
    print(f"batch-check: {folder}: {len(objects)} lines, {dict(statuses)}, the same bytes as one",
          file=sys.stderr)


def missing(work, folder):
    """How many outputs are not what one process made."""
    expected, found = outputs(work / "one"), outputs(work / folder)
    made = [name for name in expected if not name.endswith(".json")]
    print(sum(found.get(name) != expected[name] for name in made))


def processes(folder):
    """Commands that write into a folder, by their arguments."""
    for entry in os.listdir("/proc"):
        try:
            words = pathlib.Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.path.basename(words[0]) == b"tensorio" and os.fsencode(folder) in words:
            yield int(entry)


def kill(folder, count):
    """Kills one command when so many outputs are there."""
    for _ in range(200_000):
        try:
            made = sum(not name.endswith(".json") for name in os.listdir(folder))
        except FileNotFoundError:
            made = 0
        if made >= int(count):
            for identifier in processes(folder):
                os.kill(identifier, signal.SIGKILL)
                print(f"batch-check: killed process {identifier}, {made} outputs were there",
                      file=sys.stderr)
                return
        time.sleep(0.0005)
    sys.exit(1)


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    arguments[0] = pathlib.Path(arguments[0])
    {"inputs": inputs, "check": check, "missing": missing, "kill": kill}[verb](*arguments)
