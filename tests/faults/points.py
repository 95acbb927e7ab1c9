"""tests/faults/points.py - the page of tests/faults/points.c, and building that."""
import mmap
import os
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
WRITE, SYNC, NAME, SEND, RECEIVE, CONNECT, READ, LOCK, OPEN, EXEC, PIPE = (1 << i for i in range(11))
CLASSES = {WRITE: "write", SYNC: "sync", NAME: "name", SEND: "send", RECEIVE: "receive", CONNECT: "connect", READ: "read",
           LOCK: "lock", OPEN: "open", EXEC: "exec", PIPE: "pipe"}
KILL_BEFORE, KILL_WITHIN, FAIL, SHORT, FAIL_ON, POWER, POWER_TORN, JUMP = range(1, 9)
CHOSEN_MAX = 8
HEAD = struct.Struct("=QIIIIIi")
CHOSEN = struct.Struct("=QIiII")
HIT = struct.Struct("=24sQii")
BYTES = HEAD.size + CHOSEN_MAX * (CHOSEN.size + HIT.size)


def build(folder):
    """The library, made anew where its source is younger; its path."""
    out, source = os.path.join(folder, "points.so"), os.path.join(HERE, "points.c")
    newest = max(os.path.getmtime(os.path.join(HERE, name)) for name in ("points.c", "unsynced.h"))
    if not os.path.exists(out) or os.path.getmtime(out) < newest:
        os.makedirs(folder, exist_ok=True)
        made = f"{out}.{os.getpid()}"
        subprocess.run([os.environ.get("CC", "gcc"), "-std=gnu17", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", made, source, "-ldl"],
                       check=True)
        os.replace(made, out)
    return os.path.abspath(out)


class Page:
    """chosen: (at, how, error, classes of which it is to be the first from `at` on, 0: any) in the order in which they are to be hit; each counts from the one before."""

    def __init__(self, path, library, mask, chosen=(), piece=0, trace=False):
        self.path, self.library = path, library
        with open(path, "wb") as f:
            rows = [*((*c, 0, 0)[:5] for c in chosen), *[(0,) * 5] * (CHOSEN_MAX - len(chosen))]
            f.write(HEAD.pack(0, 0, mask, piece, trace, any(how in (POWER, POWER_TORN) for _, how, *_ in chosen), 0) + b"".join(CHOSEN.pack(*row) for row in rows))
            f.write(bytes(BYTES - f.tell()))

    def env(self):
        return dict(os.environ, LD_PRELOAD=self.library, PAWL_POINTS=self.path)

    def _read(self):
        with open(self.path, "rb") as f, mmap.mmap(f.fileno(), BYTES, access=mmap.ACCESS_READ) as m:
            return m[:]

    def count(self):
        """Points since the last hit."""
        return HEAD.unpack_from(self._read())[0]

    def hits(self):
        """What was hit: (name of the call, its number)."""
        data = self._read()
        at = HEAD.size + CHOSEN_MAX * CHOSEN.size
        return [(name.rstrip(b"\0").decode(), n) for name, n, _, _ in
                (HIT.unpack_from(data, at + i * HIT.size) for i in range(HEAD.unpack_from(data)[1]))]

    def traced(self):
        """Of a page with a trace: (process, call, class, what it was on) for each point, from 1 on."""
        with open(self.path + ".trace", encoding="utf-8", errors="replace") as f:
            return [(int(p[1]), p[2], int(p[3]), p[4] if len(p) > 4 else "") for p in (line.split() for line in f)]
