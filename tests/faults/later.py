"""tests/faults/later.py - the other story of tools/kill-sweep: things that end later, or elsewhere. A change that is accepted
(202) and asked for; a signal that a person gives; a run of another agent, with a change of its own; two changes in a row, so
that a guard asks; budgets on the run, on its agent and on all runs. Its judge: as that of desk.py, and what was paid for
adds up: each call that reached the model is settled, nothing stays reserved, what runs share is the sum of them."""
import collections
import json
import subprocess
import desk

PRICED = "price: {input: 1, output: 2}, max_tokens: 200, timeout: {first_token: 60s, total: 60s}, retry: {attempts: 8, first: 5ms, max: 50ms}"
CONFIG = """version: 1
models:
  main:   {provider: openai, base_url: URL/v1, model: main, PRICED}
  helper: {provider: openai, base_url: URL/v1, model: helper, PRICED}
defaults: {retry: {attempts: 8, first: 5ms, max: 50ms}, timeout: 60s}
tools:
  ship:   {http: {method: POST, url: URL/shipments}, effect: mutate, key: {header: Idempotency-Key}, INPUT,
           async: {deadline: 5m, poll: {first: 20ms, max: 100ms}}}
  paid:   {signal: {name: paid, timeout: 24h}, INPUT, output: {type: object, required: [amount]}}
  triage: {agent: helper, INPUT, output: {type: object, required: [severity]}}
  label:  {http: {method: POST, url: URL/labels}, effect: mutate, key: {header: Idempotency-Key}, INPUT}
  charge: {http: {method: POST, url: URL/charges}, effect: mutate, key: {header: Idempotency-Key}, INPUT}
agents:
  desk: {model: main, tools: [ship, paid, triage, charge], guards: {destructive_in_a_row: {2: ask}},
         budget: {tokens: 60k, cost: "1 USD", all: {tokens: 100k}}}
  helper: {model: helper, tools: [label], output: {type: object}, budget: {tokens: 20k}}
budget: {all: {tokens: 150k}}
""".replace("INPUT", desk.INPUT).replace("PRICED", PRICED)
SCRIPT = """version: 1
models:
  main:
    provider: script
    script:
      - {call: {ship: {order_id: W1}}}
      - {call: {paid: {order_id: W1}}}
      - {call: {triage: {order_id: W1}}}
      - {call: {charge: {order_id: W1}}}
      - {call: {charge: {order_id: W2}}}
      - {say: All is settled.}
  helper:
    provider: script
    script:
      - {call: {label: {order_id: W1}}}
      - {say: '{"severity": 3}'}
"""
LIMITS = {"run": 60000, "agent desk": 100000, "all": 150000}


class Later(desk.Desk):
    config, script = CONFIG, SCRIPT
    services = ("--service", "shipments:keys:look", "--service", "labels:keys", "--fault", "POST /shipments#*=poll:100ms")
    start = ("run", "desk", "Settle order W1", "--key", "story")
    models = ("main", "helper")
    routes = {"ship": "POST /shipments", "label": "POST /labels", "charge": "POST /charges"}
    changes = ("ship", "label", "charge")
    ending = "All is settled."

    def step_on(self, view):
        kept = any("taken_by" not in s for s in view.get("signals", []))
        if view.get("waiting") == "signal" and not kept:
            return self.life("signal", "@last", "paid", '{"amount": 7}', "--key", "evt_1")
        return super().step_on(view)

    def wrong_steps(self, view):
        steps = [(s["kind"], s["name"], s["state"]) for s in view["steps"] if s["kind"] != "model"]
        wanted = [("tool", "ship", "done"), ("wait", "paid", "done"), ("child", "triage", "done"), ("tool", "charge", "done"), ("tool", "charge", "done")]
        if steps != wanted:
            yield f"its steps are {steps}"
        if not any("guard" in s["asked"]["why"] for s in view["steps"] if "asked" in s):
            yield "no guard has asked"
        for tool, _ in self.doubts:
            yield f"a person was asked whether {tool} happened, which could have been found out"
        yield from self.wrong_spending()

    def wrong_effects(self):
        effects = collections.Counter((x["effect"], x["of"]) for x in self.ledger() if "effect" in x and x["of"] in ("W1", "W2"))
        if effects != {("shipment", "W1"): 1, ("label", "W1"): 1, ("charge", "W1"): 1, ("charge", "W2"): 1}:
            yield f"done is {dict(effects)}"

    def wrong_spending(self):
        """What the records say of each call that reached the model, and what runs share, held against each other."""
        reached = sum(line.get("call") == "model" for line in self.ledger())
        settled = [json.loads(body) for kind, _, body in self.journal() if kind == "budget.settled"]
        if len(settled) < reached:
            yield f"{reached} calls reached the model, {len(settled)} are settled"
        runs = {}
        for kind, (run, _), body in self.journal():
            if kind == "budget.settled":
                runs[run] = runs.get(run, 0) + json.loads(body)["tokens"]
        if len(runs) != 2:
            yield f"{len(runs)} runs have spent something"
        shared = {}
        said = subprocess.run([desk.PAWL, "budget", "--json"], cwd=self.dir, capture_output=True, text=True, check=True).stdout
        for line in said.splitlines():
            account = json.loads(line)
            gone = sum(account.get(what, {}).get("tokens", 0) for what in ("spent", "estimated"))
            shared[account["account"]] = gone
            if account.get("reserved"):
                yield f"reserved stays {account['reserved']} of {account['account']}"
            limit = LIMITS.get(account["account"].split(" 0")[0])
            if limit and gone > limit:
                yield f"{gone} tokens of {limit} are gone of {account['account']}"
        if shared.get("all") != sum(runs.values()):
            yield f"all runs have spent {shared.get('all')} tokens, and by their records {runs}"
        if shared.get("agent desk") not in runs.values():
            yield f"the agent has spent {shared.get('agent desk')} tokens, and its runs {runs}"
