"""tests/faults/sweep.py - what tools/kill-sweep and tools/fault-sweep share: one story with faults at chosen points, many of
them side by side, and the table of what became of them."""
import collections
import concurrent.futures
import errno
import os
import re
import shutil
import subprocess
import time
import desk
import points

PIECE = 200  # bytes of a reply that come at once
KEPT = os.path.join(desk.ROOT, "build-sweep")
# A fault so near to the end of the story may find it over: how many points there are differs by a few from time to time.
LAST = 0.97
LETTERS = {points.KILL_BEFORE: "", points.KILL_WITHIN: "h", points.SHORT: "s", points.POWER: "p", points.POWER_TORN: "t"}


def page_of(library, mask, chosen=(), trace=False):
    return lambda path: points.Page(path, library, mask, chosen, PIECE, trace)


class Played:
    """One story or storm: what is wrong with it, how it went, what was hit, who was asked."""

    def __init__(self, wrong, shop, story=(), doubts=()):
        self.wrong, self.story, self.doubts = wrong, story, doubts
        self.hits, self.kills = shop.page.hits(), shop.kills


def play(library, mask, chosen, late=False, patience_s=60, story=desk.Desk):
    """late: whether it may be over before the fault. patience_s: how long a person looks on while nothing happens."""
    d = story(page_of(library, mask, chosen))
    d.patience_s = patience_s
    d.deadly = [c[1] for c in chosen if c[1] != points.JUMP]
    d.went_back = any(c[1] == points.JUMP and c[2] < 0 for c in chosen)
    try:
        wrong = d.judge(d.play())
    except (desk.Wrong, subprocess.TimeoutExpired, OSError, ValueError, KeyError) as e:
        wrong = [f"{type(e).__name__}: {e}"]
    played = Played(wrong, d, d.story, d.doubts)
    if not played.hits and not late:
        wrong.append("no fault: the story has fewer points than it had")
    if wrong:
        keep(d, chosen)
    d.close()
    return played


def keep(shop, chosen):
    folder = os.path.join(KEPT, "failed-" + "-".join(word(c) for c in chosen))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shop.dir, folder, ignore=lambda _, names: [n for n in names if n.endswith(".sock")])


def word(chosen):
    """217: killed before the 217th point; h: with half of it done; p, t: the power goes; 217:EIO@sync: fails, + from there on; 217-3600: the clock."""
    at, how, error = chosen[:3]
    if how == points.JUMP:
        return f"{at}{error:+}"
    if how in LETTERS:
        return f"{at}{LETTERS[how]}"
    return f"{at}:{errno.errorcode[error]}{'+' if how == points.FAIL_ON else ''}@{points.CLASSES[chosen[3]]}"


def chosen_of(text):
    chosen = []
    for part in text.split(","):
        if m := re.fullmatch(r"(\d+)([+-]\d+)", part):
            chosen.append((int(m[1]), points.JUMP, int(m[2])))
            continue
        m = re.fullmatch(r"(\d+)([hspt]?)(?::(E\w+)(\+?)@(\w+))?", part)
        if not m:
            raise SystemExit(f"not a point: {part}")
        how = next(h for h, letter in LETTERS.items() if letter == m[2])
        if m[3]:
            how = points.FAIL_ON if m[4] else points.FAIL
        classes = next((c for c, name in points.CLASSES.items() if name == m[5]), 0)
        chosen.append((int(m[1]), how, getattr(errno, m[3]) if m[3] else 0, classes))
    return chosen


def kind(call, target):
    """In words: which part of the world a point is about."""
    for word_of, name in (("db-wal", "store: its log"), ("db-journal", "store: its beginning"), (".lock", "store: who owns it"),
                          (".db", "store: its file"), ("pipe:", "a command, or a wake-up")):
        if target.endswith(word_of) or (word_of == "pipe:" and target.startswith(word_of)):
            return name
    if target.startswith("socket:"):
        return {"recv": "network: a piece of a reply", "send": "network: a request or its part"}.get(call, "network: a connection made")
    if call == "execve" or target.count("-") > 4:
        return "a command, or a wake-up"
    return "files and folders"


class Table:
    def __init__(self):
        self.rows = collections.defaultdict(collections.Counter)

    def add(self, name, played):
        self.rows[name].update({"stories": 1, "kills": played.kills, "failed": bool(played.wrong), "asked": len(played.doubts),
                                "happened": sum(h for _, h in played.doubts)})

    def show(self):
        print(f"\n{'at':34}{'stories':>8}{'kills':>8}{'in doubt':>10}{'happened':>10}{'failed':>8}")
        for name, r in sorted(self.rows.items()):
            print(f"{name:34}{r['stories']:8}{r['kills']:8}{r['asked']:10}{r['happened']:10}{r['failed']:8}")


class Sweep:
    def __init__(self, jobs, again):
        """again: the command with which one story is played again."""
        self.again = again
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.jobs, self.passed, self.failed, self.kills, self.table = jobs, 0, 0, 0, Table()

    def one(self, name, row, played):
        self.kills += played.kills
        self.table.add(row, played)
        if not played.wrong:
            self.passed += 1
            return
        self.failed += 1
        print(f"{name} (at {', '.join(f'{c} {n}' for c, n in played.hits)}):")
        for line in [*played.wrong, *played.story[-12:]]:
            print(f"  {line}")
        print(f"  again: {self.again} {'--storm' if name.startswith('storm') else '--at'} {name.split()[-1]}", flush=True)

    def all(self, what, tasks, until):
        """tasks: (name, row of the table, function, arguments); those that have begun by `until` are finished."""
        began, before, total = time.monotonic(), self.passed + self.failed, len(tasks)
        todo, running = collections.deque(tasks), {}
        while todo or running:
            try:
                while todo and len(running) < self.jobs and (until is None or time.monotonic() < until):
                    name, row, function, arguments = todo.popleft()
                    running[self.pool.submit(function, *arguments)] = (name, row)
                if not running:
                    break
                for f in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                    self.one(*running.pop(f), f.result())
            except KeyboardInterrupt:  # what has begun is finished, and counts
                todo.clear()
        print(f"{what}: {self.passed + self.failed - before} of {total}, {self.kills} kills so far, {time.monotonic() - began:.0f} s", flush=True)


def tell_points(trace):
    kinds = collections.Counter(points.CLASSES[t[2]] for t in trace)
    print(f"{len(trace)} points: {', '.join(f'{n} {k}' for k, n in kinds.most_common())}", flush=True)


def late(trace, n, same_class):
    """Whether point n is so near to the end of the story that it may be over before."""
    return n > len(trace) * LAST or (same_class and sum(t[2] == trace[n - 1][2] for t in trace[n:]) < 4)


def spread(rows):
    """The rows in an order of which every beginning is spread evenly over all, whatever repeats itself in them (Weyl)."""
    return [rows[i] for i in sorted(range(len(rows)), key=lambda i: i * 0.6180339887498949 % 1)]


def baseline(library, mask, story=desk.Desk):
    """The points of the story without a kill, as traced; it has to be right."""
    d = story(page_of(library, mask, (), True))
    try:
        wrong = d.judge(d.play())
        if wrong:
            raise desk.Wrong("; ".join(wrong))
        return d.page.traced()
    finally:
        d.close()


