#!/usr/bin/env python3
"""tools/verify_chain.py STORE - check the hash chain of every run in a pawl store, by docs/journal.md and nothing of pawl.

Any Python 3 with its sqlite3 module will do; the store must not be in use. Prints a line for each run that is not whole,
then `N runs, M records: whole` or `N runs, M records: K broken`, and exits with 1 where any is."""
import hashlib
import sqlite3
import struct
import sys
from urllib.parse import quote


def u64(n):
    return struct.pack(">Q", n)


def chain(db, last):
    """The records that end in row `last`, the first one first."""
    records = []
    while last is not None:
        r = db.execute("SELECT row, run, previous, seq, at, kind, step, cause, salt, hash, body FROM record WHERE row = ?",
                       (last,)).fetchone()
        if r is None or (records and r[0] >= records[-1][0]):
            raise ValueError("a record is missing")
        records.append(r)
        last = r[2]
    return records[::-1]


def body_bytes(db, body):
    if isinstance(body, int):
        kept, content = db.execute("SELECT hash, bytes FROM blob WHERE n = ?", (body,)).fetchone()
        if hashlib.sha256(content).digest() != kept:
            raise ValueError("a blob is not what its hash says")
        return content
    return b"" if body is None else body.encode()


def check(db, kinds, n, run, seq, last):
    previous, at = bytes(32), None
    records = chain(db, last)
    for i, (_, of, _, number, when, kind, step, cause, salt, kept, body) in enumerate(records, 1):
        if number != i or of != n:
            raise ValueError(f"record {i} is not in its place")
        if at is not None and when < at:
            raise ValueError(f"record {i} is earlier than the one before it")
        name = kinds[kind].encode()
        content = hashlib.sha256(salt + body_bytes(db, body)).digest()
        previous = hashlib.sha256(previous + run + u64(number) + struct.pack(">q", when) + u64(len(name)) + name +
                                  u64(step) + u64(cause) + content).digest()
        if previous != kept:
            raise ValueError(f"record {i} was changed after it was written")
        at = when
    if len(records) != seq:
        raise ValueError(f"expected {seq} records, found {len(records)}")
    return len(records)


def main():
    db = sqlite3.connect(f"file:{quote(sys.argv[1])}?mode=rw", uri=True)  # rw: else it could not read a WAL left behind
    kinds = dict(db.execute("SELECT n, name FROM kind"))
    runs = records = broken = 0
    for n, run, seq, last in db.execute("SELECT n, id, seq, last FROM run ORDER BY n").fetchall():
        runs += 1
        try:
            records += check(db, kinds, n, run, seq, last)
        except (ValueError, KeyError, TypeError) as e:
            broken += 1
            print(f"{run.hex()}: {e}")
    print(f"{runs} runs, {records} records: " + (f"{broken} broken" if broken else "whole"))
    return broken != 0


if __name__ == "__main__":
    sys.exit(main())
