"""tests/faults/storm.py - many runs at once in one owner, its clients beside it, and kills among them: whoever makes the call
that was chosen dies, the owner most often. Then everybody says again what they had said, until all is done. Each run reads,
makes a change that takes keys and one that can be asked; the mock's ledger judges."""
import collections
import json
import subprocess
import threading
import desk

RUNS = 64
LIVES_MAX = 12
TOOLS = desk.CONFIG[:desk.CONFIG.index("agents:")].replace("model: main", "model: WHICH")


def config():
    head, tools = desk.CONFIG[:desk.CONFIG.index("agents:")].split("defaults:")
    line = head.split("\n")[2]
    models = "\n".join(line.replace("main:", f"m{i}:").replace("model: main", f"model: m{i}") for i in range(RUNS))
    agents = "\n".join(f"  a{i}: {{model: m{i}, tools: [order, charge, parcel, parcels]}}" for i in range(RUNS))
    return f"version: 1\nmodels:\n{models}\ndefaults:{tools}agents:\n{agents}\n"


def script():
    return "version: 1\nmodels:\n" + "".join(f"""  m{i}:
    provider: script
    script: [{{call: {{order: {{order_id: S{i}}}}}}}, {{calls: [{{charge: {{order_id: S{i}}}}}, {{parcel: {{order_id: S{i}}}}}]}}, {{say: done {i}}}]
""" for i in range(RUNS))


class Storm(desk.Shop):
    def __init__(self, page_of):
        super().__init__(config(), script())
        self.page = page_of(self.dir + "/points")
        self.kills, self.wrong, self.lock = 0, [], threading.Lock()

    def customer(self, i):
        """Says what it wants until it has its answer."""
        last = ""
        for _ in range(LIVES_MAX):
            got = subprocess.run([desk.PAWL, "run", f"a{i}", "go", "--key", f"k{i}", "--json"], cwd=self.dir, env=self.page.env(),
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False)
            if got.returncode == -9:
                with self.lock:
                    self.kills += 1
            last = f"exit {got.returncode}: {got.stdout[-500:]} {got.stderr[-500:]}"
            if got.returncode == 0:
                end = json.loads(got.stdout.splitlines()[-1])["end"]
                if (end["status"], end.get("output")) != ("done", f"done {i}"):
                    self.tell(f"run {i} ended as {end}")
                return
        self.tell(f"run {i} did not end in {LIVES_MAX} lives: {last}")

    def tell(self, what):
        with self.lock:
            self.wrong.append(what)

    def play(self):
        customers = [threading.Thread(target=self.customer, args=(i,)) for i in range(RUNS)]
        for c in customers:
            c.start()
        for c in customers:
            c.join()

    def judge(self):
        effects = collections.Counter((x["effect"], x["of"]) for x in self.ledger() if "effect" in x)
        for i in range(RUNS):
            for what in ("charge", "parcel"):
                if effects[what, f"S{i}"] != 1:
                    self.wrong.append(f"{what} of run {i}: {effects[what, f'S{i}']} times")
        if subprocess.run([desk.PAWL, "verify"], cwd=self.dir, capture_output=True, check=False).returncode:
            self.wrong.append("pawl verify finds damage")
        return self.wrong
