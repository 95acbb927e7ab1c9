"""tests/faults/soak.py - hours of it: customers who start runs, say yes, stop some and lose patience with some; a model and
services that misbehave; pawl's processes killed, the one that owns the store too; the services gone for a moment.

One process is kept as the owner (tests/faults/keeper.c), so that what it takes can be watched as it grows older; it is killed
every few minutes. Its memory, files and the store's size are told once a minute. At the end everything has
ended, and the tools' own ledger is held against the journal, key by key."""
import collections
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
import desk

DESKS, CUSTOMERS = 96, 6
FAULTS = "429,500_before,500_after,503,drop_before,drop_after,reset_after,cut,half,garbage,hang_after,slow"
STUCK_S = 60
CHANGES = ("charge", "parcel", "mail", "refund")


def config():
    head, tools = desk.CONFIG[:desk.CONFIG.index("agents:")].split("defaults:")
    line = head.split("\n")[2].replace("60s", "3s").replace("attempts: 8", "attempts: 30").replace("max: 50ms", "max: 400ms")
    tools = tools.replace("attempts: 8", "attempts: 30").replace("max: 50ms", "max: 400ms").replace("timeout: 60s", "timeout: 3s")
    # services are gone for moments here: what is found to be back after minutes would look like a stuck run
    tools = tools.replace("{retry:", "{breaker: {cooldown: 1s, cooldown_max: 8s}, retry:", 1)
    models = "\n".join(line.replace("main:", f"m{i}:").replace("model: main", f"model: m{i}") for i in range(DESKS))
    agents = "\n".join(f"  d{i}: {{model: m{i}, tools: [order, charge, parcel, parcels, mail, refund]}}" for i in range(DESKS))
    return (f"version: 1\nmodels:\n{models}\n"
            f"defaults:{tools}agents:\n{agents}\n")


def script():
    return "version: 1\nmodels:\n" + "".join(f"""  m{i}:
    provider: script
    script: [{{calls: [{{order: {{order_id: S{i}}}}}, {{order: {{order_id: T{i}}}}}]}},
             {{calls: [{{charge: {{order_id: S{i}}}}}, {{parcel: {{order_id: S{i}}}}}, {{mail: {{order_id: S{i}}}}}]}},
             {{call: {{refund: {{order_id: S{i}}}}}}}, {{say: done}}]
""" for i in range(DESKS))


class Soak(desk.Shop):
    def __init__(self, seed):
        super().__init__(config(), script(), self.services(seed))
        self.seed, self.random, self.lock = seed, random.Random(seed), threading.Lock()
        self.count, self.wrong, self.under_way = collections.Counter(), [], {}
        self.stop, self.rest = threading.Event(), threading.Event()
        self.keeper, self.effects, self.read_to = None, collections.Counter(), 0
        self.answers = {}

    def services(self, seed):
        return ["--rate", "4%", "--seed", str(seed), "--faults", FAULTS]

    def draw(self):
        with self.lock:
            return self.random.random()

    def add(self, what, n=1):
        with self.lock:
            self.count[what] += n

    def tell(self, what):
        with self.lock:
            self.wrong.append(what)
            print("  " + what, flush=True)

    def pawl(self, *args, kill_after_s=None):
        """(exit status, standard output); killed in the middle where it is asked for."""
        p = subprocess.Popen([desk.PAWL, *args], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = p.communicate(timeout=kill_after_s or 2 * STUCK_S)
        except subprocess.TimeoutExpired:
            p.kill()
            self.add("kills")
            if kill_after_s is None:
                self.tell(f"{' '.join(args)}: no end in {2 * STUCK_S} s")
            out, err = p.communicate()
        if p.returncode < 0 and p.returncode != -signal.SIGKILL:
            self.tell(f"{' '.join(args)}: died by signal {-p.returncode}: {err[-300:]}")
        return p.returncode, out, err

    def read_ledger(self):
        """What is new in it; one reader at a time."""
        with self.lock:
            with open(os.path.join(self.dir, "shop.ledger"), encoding="utf-8") as f:
                f.seek(self.read_to)
                for line in iter(f.readline, ""):
                    if not line.endswith("\n"):
                        break
                    self.read_to += len(line.encode())
                    x = json.loads(line)
                    self.count["calls"] += "call" in x
                    if "effect" in x and "key" in x:
                        self.effects[x["key"]] += 1
                        self.answers[x["key"]] = x["answer"]

    def step_on(self, run):
        """One thing that a person does about a run; its status."""
        code, out, _ = self.pawl("show", run, "--json")
        if code != 0:
            return None
        view = json.loads(out)
        for s in view["steps"]:
            at = f"{run}/{s['step']}"
            if s["state"] == "in_doubt":
                time.sleep(0.4)
                self.read_ledger()
                happened = self.answers.get(s["key"])
                self.pawl("resolve", at, *(["--happened", json.dumps(happened)] if happened else ["--not-happened"]))
                self.add("resolved")
            elif s["state"] == "asked":
                self.pawl("approve", at, "--digest", s["asked"]["digest"])
                self.add("approved")
        return view["status"]

    def customer(self, i):
        n = 0
        while not self.stop.is_set():
            if self.rest.is_set():
                time.sleep(0.05)
                continue
            n += 1
            # A desk has one customer: GET /parcels/ID shows the last one only, and another's would hide ours (docs/guarantees.md).
            self.one(f"k{i}-{n}", f"d{int(self.draw() * DESKS) // CUSTOMERS * CUSTOMERS + i}")

    def one(self, key, agent):
        """One run from its start to its end."""
        with self.lock:
            self.under_way[key] = time.monotonic()
        run, status, dice = None, None, self.draw()
        while status not in ("done", "failed", "cancelled", "dead"):
            patience_s = 0.01 + self.draw() * 0.2 if self.draw() < 0.08 else None
            if run is None:
                _, out, _ = self.pawl("run", agent, "go", "--key", key, "--json", kill_after_s=patience_s)
                lines = out.splitlines()
                run = json.loads(lines[0]).get("run") if lines else None
                continue
            if dice < 0.05:
                self.pawl("cancel", run)
                dice = 1
            status = self.step_on(run)
            if status not in ("done", "failed", "cancelled", "dead"):
                self.pawl("resume", run, "--json", kill_after_s=patience_s)
        self.add(status)
        with self.lock:
            del self.under_way[key]

    # the owner

    def keep(self):
        program = os.path.join(self.dir, "keeper")
        if not os.path.exists(program):
            build = os.path.dirname(desk.PAWL)
            subprocess.run(["gcc", "-O1", "-o", program, os.path.join(desk.ROOT, "tests/faults/keeper.c"), "-I" + os.path.join(desk.ROOT, "include"),
                            "-L" + build, "-lpawl", "-Wl,-rpath," + build], check=True)
        with open(os.path.join(self.dir, "keeper.err"), "ab") as err:
            self.keeper = subprocess.Popen([program], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=err, stderr=err)

    def kill_keeper(self):
        self.keeper.kill()
        self.keeper.wait()
        self.add("owner kills")
        self.keep()

    def start(self):
        self.keep()
        while self.memory_kib() is None and self.keeper.poll() is None:
            time.sleep(0.02)
        self.customers = [threading.Thread(target=self.customer, args=(i,), daemon=True) for i in range(CUSTOMERS)]
        for c in self.customers:
            c.start()

    def outage(self):
        """The model and the services are gone for half a second, and come back at the same place."""
        self.mock.terminate()
        self.mock.wait(30)
        self.mock.stdout.close()
        time.sleep(0.5)
        self.start_mock(self.url.rsplit(":", 1)[1], self.services(self.seed + self.count["outages"] + 1))
        self.add("outages")

    def memory_kib(self):
        """(memory that only the keeper's process has, its open files); None where it does not own the store for now."""
        try:
            with open(os.path.join(self.dir, "pawl.db.lock"), encoding="utf-8") as f:
                owner = int(f.read().split()[0])
            if owner != self.keeper.pid:
                return None
            with open(f"/proc/{owner}/smaps_rollup", encoding="utf-8") as f:
                fields = dict(line.split(":") for line in f if line.startswith("Pss_"))
            return int(fields["Pss_Dirty"].split()[0]), len(os.listdir(f"/proc/{owner}/fd"))
        except (OSError, ValueError, KeyError, IndexError):
            return None

    def at_rest(self):
        """The same when nothing has been asked of it for two seconds: pages of the store that it holds are given back then."""
        self.rest.set()
        until = time.monotonic() + 15
        while self.under_way and time.monotonic() < until and not self.stop.is_set():
            time.sleep(0.05)
        time.sleep(2.2)
        seen = None if self.under_way else self.memory_kib()
        self.rest.clear()
        return seen

    def bytes_of(self, suffix):
        try:
            return os.path.getsize(os.path.join(self.dir, "pawl.db" + suffix))
        except OSError:
            return 0

    def oldest_s(self):
        with self.lock:
            return max((time.monotonic() - t for t in self.under_way.values()), default=0)

    def end(self):
        """Everybody goes home; what is left is finished; the ledger is held against the journal."""
        self.stop.set()
        for c in self.customers:
            c.join(4 * STUCK_S)
        self.keeper.terminate()
        if self.keeper.wait(60) != 0:
            self.tell(f"the owner: {' '.join(self.lines('keeper.err'))}")
        self.pawl("resume", "--all")
        code, out, err = self.pawl("verify")
        if code:
            self.tell(f"pawl verify: {out[-300:]}{err[-300:]}")
        self.read_ledger()
        self.judge()

    def judge(self):
        db = sqlite3.connect(os.path.join(self.dir, "pawl.db"))
        open_runs = db.execute("SELECT count(*) FROM runs WHERE status NOT IN ('done', 'failed', 'cancelled', 'dead')").fetchone()[0]
        if open_runs:
            self.tell(f"{open_runs} runs have not ended")
        keys, ended = {}, {}
        for run, kind, step, body in db.execute("SELECT run, kind, step, body FROM journal WHERE kind LIKE 'step.%' ORDER BY run, seq"):
            if kind == "step.intended":
                intent = json.loads(body)
                if intent["name"] in CHANGES:
                    keys[run, step] = intent["key"]
            elif kind in ("step.completed", "step.failed"):
                ended[run, step] = kind
        db.close()
        known = set(keys.values())
        for at, key in keys.items():
            done, times = ended.get(at), self.effects[key]
            if times > 1:
                self.tell(f"{at}: done {times} times")
            if done == "step.completed" and times != 1:
                self.tell(f"{at}: completed, and {times} effects")
            if done is None:
                self.tell(f"{at}: its run has ended and it has not")
        for key in self.effects:
            if key not in known:
                self.tell(f"an effect of key {key}, which is in no journal")
        self.add("changes", len(keys))
        self.add("changes done", sum(ended.get(at) == "step.completed" for at in keys))
