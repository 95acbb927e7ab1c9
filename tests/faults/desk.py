"""tests/faults/desk.py - one conversation that has everything in it, played with the real binary, and its judge.

Two reads at once; a change that takes keys, one that can be asked, and one that can do neither, all at once; a refund that
cannot be taken back, behind a yes; a second message of the user; a command that changes a file, and the refund once more,
which a person denies. A person who is asked what happened looks into the mock's ledger. `Desk.play` goes on for as many
lives of pawl as it takes; `Desk.judge` says what was wrong with it: the ending, each effect once by the tools' own
ledger, and no call made again whose result was durable when a life ended."""
import collections
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAWL = os.environ.get("PAWL") or os.path.join(ROOT, os.environ.get("PAWL_BUILD", "build"), "pawl")
PAWL = os.path.abspath(PAWL)
INPUT = "input: {type: object, required: [order_id], properties: {order_id: {type: string}}}"
CONFIG = """version: 1
models:
  main: {provider: openai, base_url: URL/v1, model: main, timeout: {first_token: 60s, total: 60s}, retry: {attempts: 8, first: 5ms, max: 50ms}}
defaults: {retry: {attempts: 8, first: 5ms, max: 50ms}, timeout: 60s}
tools:
  order:  {http: {method: GET, url: "URL/orders/{args.order_id}"}, effect: read, INPUT, output: {type: object, required: [total]}}
  charge: {http: {method: POST, url: URL/charges}, effect: mutate, key: {header: Idempotency-Key}, INPUT}
  parcel: {http: {method: POST, url: URL/parcels}, effect: mutate, INPUT,
           verify: {tool: parcels, by_key: /idempotency_key, args: {order_id: {$arg: /args/order_id}}, settles: 400ms}}
  parcels: {http: {method: GET, url: "URL/parcels/{args.order_id}"}, effect: read, INPUT}
  mail:   {http: {method: POST, url: URL/mails}, effect: mutate, INPUT}
  refund: {http: {method: POST, url: URL/refunds}, effect: irreversible, key: {header: Idempotency-Key}, repeat: confirm, INPUT}
  note:   {command: [./note, "{args.order_id}"], effect: mutate, key: {variable: PAWL_IDEMPOTENCY_KEY}, INPUT}
agents:
  desk: {model: main, tools: [order, charge, parcel, parcels, mail, refund, note], instructions: You look after orders.}
""".replace("INPUT", INPUT)
SCRIPT = """version: 1
models:
  main:
    provider: script
    script:
      - {calls: [{order: {order_id: W1}}, {order: {order_id: W2}}]}
      - {calls: [{charge: {order_id: W1}}, {parcel: {order_id: W1}}, {mail: {order_id: W1}}]}
      - {call: {refund: {order_id: W1}}}
      - {say: It is paid back. Anything else?}
      - {calls: [{note: {order_id: W1}}, {refund: {order_id: W1}}]}
      - {say: It is noted. It was paid back already.}
"""
# As a service that takes keys would be: a change with a key that it knows is not made again.
NOTE = """#!/bin/sh
echo "$PAWL_IDEMPOTENCY_KEY" >>note.calls
grep -qx "$PAWL_IDEMPOTENCY_KEY" note.ledger 2>/dev/null || echo "$PAWL_IDEMPOTENCY_KEY" >>note.ledger
echo '{"noted": true}'
"""
SAYS = ["Order W1 arrived broken", "Note that. And pay it back."]
LIVES_MAX = 60
TOLD = (1, 130)   # it failed, or nobody goes on with it, and says why


class Wrong(Exception):
    """The story did not go as it must."""


class Shop:
    """A folder with `pawl mock`, and pawl's configuration for it."""

    def __init__(self, config, script, services=()):
        self.dir = tempfile.mkdtemp(prefix="pawl-sweep.")
        self.write("story.yaml", script)
        self.write("note", NOTE)
        os.chmod(os.path.join(self.dir, "note"), 0o755)
        self.start_mock(0, services)
        self.write("pawl.yaml", config.replace("URL", self.url))

    def start_mock(self, port, services):
        with open(os.path.join(self.dir, "mock.err"), "ab") as err:
            self.mock = subprocess.Popen([PAWL, "mock", "--quiet", "--listen", f"127.0.0.1:{port}", "--ledger", "shop.ledger", "--script",
                                          "story.yaml", *services], cwd=self.dir, stdout=subprocess.PIPE, stderr=err, text=True)
        said = self.mock.stdout.readline()
        if " on " not in said:
            raise Wrong(f"pawl mock does not begin: {' '.join(self.lines('mock.err'))}")
        self.url = said.split(" on ")[-1].strip()

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def lines(self, name):
        try:
            with open(os.path.join(self.dir, name), encoding="utf-8") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def ledger(self):
        return [json.loads(line) for line in self.lines("shop.ledger")]

    def quiet(self):
        """Returns when the mock has read all that was sent to it before: it answers in the order in which things came."""
        for _ in range(3):
            time.sleep(0.03)
            subprocess.run(["curl", "-sf", "-o", os.devnull, self.url + "/"], check=False)

    def close(self):
        self.mock.terminate()
        self.mock.wait(30)
        self.mock.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Desk(Shop):
    """This story; a class that follows from it tells another one (tests/faults/later.py)."""
    config, script, services = CONFIG, SCRIPT, ()
    start = ("run", "desk", SAYS[0], "--chat", "--key", "story")
    models = ("main",)
    routes = {"order": "GET /orders", "charge": "POST /charges", "parcel": "POST /parcels", "mail": "POST /mails", "refund": "POST /refunds"}
    changes = ("charge", "parcel", "mail", "refund", "note")
    ending = "It is noted. It was paid back already."
    fine = (0, 3, 4)  # done, or it waits for a person

    def __init__(self, page_of):
        """page_of(path): the page to be counted on, or None."""
        super().__init__(self.config, self.script, self.services)
        self.page = page_of(os.path.join(self.dir, "points"))
        self.lives = self.kills = 0
        self.durable = []  # at each kill: steps that had ended by then, and how often each thing had been called
        self.doubts = []  # what a person was asked about: (tool, whether it had happened)
        self.taken = set()  # commands that were acknowledged
        self.patience_s = 60
        self.deadly = True  # whether something may strike a process
        self.went_back = False  # the wall clock: then no key is known to be remembered
        self.early = []  # calls that were made before their intent was in the store
        self.said, self.story = "", []

    def life(self, *args):
        """One process; its exit status, -9 where it was killed. Its output is in `said`."""
        self.lives += 1
        if self.lives > LIVES_MAX:
            raise Wrong(f"it did not end in {LIVES_MAX} lives; the last one said: {self.said[-600:]}")
        hits = len(self.page.hits()) if self.page else 0
        p = subprocess.Popen([PAWL, *args], cwd=self.dir, env=self.page.env() if self.page else None, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        code, out, err = self.outlast(p)
        self.said = out + err
        self.story.append(f"{' '.join(args)} -> {code}{' ' + err.strip() if code not in self.fine else ''}")
        struck = self.deadly and self.page and len(self.page.hits()) > hits
        if code == -9 and struck:
            self.kills += 1
            calls = self.calls()
            self.durable.append((self.ended(), calls))
            self.early += [f"{what} had been called, and no intent was in the store" for what in self.unannounced(calls)]
        elif code not in self.fine and not struck:
            raise Wrong(f"{' '.join(args)}: exit status {code} though nothing had struck it: {self.said[-600:]}")
        elif code not in self.fine and (code not in TOLD or not err.strip()):
            raise Wrong(f"{' '.join(args)}: exit status {code}, and these words: {err[-600:]}")
        if code in self.fine:
            self.acknowledged(args)
        return code

    def outlast(self, p):
        """A store that cannot write for now is tried again every second: a person stops that, and does not wait for the rest."""
        for wait_s in (self.patience_s, 3, 30):
            try:
                out, err = p.communicate(timeout=wait_s)
                # Stopped: 130 is what a shell would say, too, of a command that the signal itself ended.
                return 130 if p.returncode == -signal.SIGINT and wait_s != self.patience_s else p.returncode, out, err
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGINT)
        p.kill()
        raise Wrong(f"it hears no SIGINT: {p.communicate()[1][-600:]}")

    def acknowledged(self, args):
        """What pawl said it had taken is never said to it again."""
        if args[0] in ("show", "resume", "verify"):
            return
        if args in self.taken:
            raise Wrong(f"{' '.join(args)} was taken before, and is lost")
        self.taken.add(args)

    def view(self):
        """None: there is no run."""
        while True:
            code = self.life("show", "@last", "--json")
            if code == 0:
                return json.loads(self.said)
            if code != -9 and "not_found" in self.said:
                return None

    def journal(self):
        """(kind, (run, step), body) of each record in the store as it lies there: a copy is looked at, log and all."""
        if not os.path.exists(os.path.join(self.dir, "pawl.db")):
            return []
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal", "-journal"):
                if os.path.exists(os.path.join(self.dir, "pawl.db" + suffix)):
                    shutil.copy(os.path.join(self.dir, "pawl.db" + suffix), os.path.join(folder, "pawl.db" + suffix))
            db = sqlite3.connect(os.path.join(folder, "pawl.db"))
            try:
                return [(kind, (run, step), body) for kind, run, step, body in
                        db.execute("SELECT kind, run, step, body FROM journal ORDER BY row").fetchall()]
            except sqlite3.DatabaseError as e:
                if "no such table" in str(e):
                    return []
                raise Wrong(f"the store cannot be read: {e}") from e
            finally:
                db.close()

    def ended(self):
        """(model steps that ended, {(tool, order)}) in the store."""
        models, tools, decided = 0, set(), {}
        for kind, (run, step), body in self.journal():
            body = json.loads(body) if kind in ("step.completed", "undo.started", "opinion.asked") else {}
            if kind in ("undo.started", "opinion.asked") and "args" in body:  # calls that no model has decided
                decided[run, step] = (body["name"], body["args"]["order_id"])
            if kind != "step.completed":
                continue
            result = body.get("result")
            if (run, step) in decided:
                tools.add(decided[run, step])
            else:
                models += 1
                for i, call in enumerate(result["tool_calls"]):
                    decided[run, step + 1 + i] = (call["name"], json.loads(call["arguments"]).get("order_id"))
        return models, tools

    def unannounced(self, calls):
        """Output commit: of all that had been called, what has no intent in the store."""
        names = [json.loads(body)["name"] for kind, _, body in self.journal() if kind == "step.intended"]
        asked = sum(isinstance(c, str) for c in calls)
        if asked > sum(names.count(m) for m in self.models):
            yield "the model"
        for what in self.changes:
            if calls[self.routes.get(what, what), "W1"] and what not in names:
                yield what

    def calls(self):
        """How often each thing was called: {(tool, order)} and {digest of a conversation}, in the order of the first time."""
        found = collections.Counter()
        for line in self.ledger():
            if "call" in line:
                found[line.get("conversation") or (line["call"], line.get("of"))] += 1
        found[("note", "W1")] = len(self.lines("note.calls"))
        return found

    def resolve(self, step):
        """A person looks into the ledger, when nothing is on its way any more."""
        self.quiet()
        there = [x["answer"] for x in self.ledger() if x.get("effect") == step["name"] and x.get("key") == step.get("key")]
        at = f"@last/{step['step']}"
        self.doubts.append((step["name"], bool(there)))
        said = ["--happened", json.dumps(there[0])] if there else ["--not-happened"]
        self.life("resolve", at, *said)

    def step_on(self, view):
        """What a person, or whoever looks after it, does next."""
        steps = view["steps"]
        for s in steps:
            if s["state"] == "in_doubt":
                return self.resolve(s)
            if s["state"] == "asked":
                again = any(o["name"] == "refund" and o["state"] == "done" for o in steps)
                return self.life("deny" if again else "approve", f"@last/{s['step']}", "--digest", s["asked"]["digest"])
        if view.get("waiting") == "message" and len(view["turns"]) < len(SAYS):
            return self.life("send", "@last", SAYS[len(view["turns"])], "--end")
        return self.life("resume", "@last")

    def play(self):
        while self.life(*self.start) not in self.fine:
            pass
        while True:
            view = self.view()
            if view is None:
                raise Wrong(f"the run is gone: {self.said[-600:]}")
            if self.over(view):
                return view
            self.step_on(view)

    def over(self, view):
        return view["status"] in ("done", "failed", "cancelled", "dead")

    def judge(self, view):
        """What is wrong; nothing: []."""
        wrong = list(self.early)
        ending = (view["status"], view.get("output"))
        if ending != ("done", self.ending):
            wrong.append(f"it ended as {ending} {view.get('class')} {view.get('message')}")
        wrong += [*self.wrong_steps(view), *self.wrong_effects(), *self.made_again()]
        if self.page and self.lives and subprocess.run([PAWL, "verify"], cwd=self.dir, capture_output=True, check=False).returncode:
            wrong.append("pawl verify finds damage")
        return wrong

    def wrong_steps(self, view):
        steps = [(s["name"], s["state"], s.get("class")) for s in view["steps"] if s["kind"] == "tool"]
        wanted = [("order", "done", None)] * 2 + [(n, "done", None) for n in ("charge", "parcel", "mail", "refund", "note")] + \
                 [("refund", "failed", "denied")]
        if steps != wanted:
            yield f"its steps are {steps}"
        for tool, _ in self.doubts:
            if tool != "mail" and not self.went_back:
                yield f"a person was asked whether {tool} happened, which could have been found out"

    def wrong_effects(self):
        effects = collections.Counter((x["effect"], x["of"]) for x in self.ledger() if "effect" in x and x["of"] in ("W1", "W2"))
        effects["note", "W1"] = len(self.lines("note.ledger"))
        for what in self.changes:
            if effects.pop((what, "W1"), 0) != 1:
                yield f"{what}: not once"
        if effects:
            yield f"also done: {dict(effects)}"

    def made_again(self):
        """No call is made again whose result was durable when a life ended."""
        last = self.calls()
        for (models, tools), then in self.durable:
            conversations = [c for c in then if isinstance(c, str)]
            for c in conversations[:models]:
                if last[c] != then[c]:
                    yield f"the model was asked again for what it had decided durably: {then[c]}, now {last[c]}"
            for tool, order in tools:
                call = (self.routes.get(tool, tool), order)
                if last[call] != then[call]:
                    yield f"{call} was called again though its result was durable: {then[call]}, now {last[call]}"
