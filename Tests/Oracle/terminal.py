"""Runs a command whose standard error is a terminal, and prints what came there.

    terminal.py COMMAND…
"""

import os
import pty
import subprocess
import sys

ours, theirs = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=theirs)
os.close(theirs)
while True:
    try:
        text = os.read(ours, 65536)
    except OSError:
        # What Linux says when the last one has closed the other end.
        break
    if not text:
        break
    sys.stdout.buffer.write(text)
sys.exit(process.wait())
