"""tests/faults/weighed.py - the third story of tools/kill-sweep: what is weighed before a call, and after it. A schedule's trigger
begins it. Two long pages make the conversation too long: it is summed up, and the model, which is told less, asks again for what it
reads once more from the journal. A source is down: its breaker opens, another one stands in. A label comes without its seal: its check has it taken back. A charge needs two second opinions, a model's and a
read's. Then the steps are used up, the run is a dead letter, and a person retries it; when it is done, a person has it undone.
Its judge: as that of desk.py, and nothing is taken back twice, or in another order, or kept that is to be taken back."""
import collections
import desk

CALM = "timeout: {first_token: 60s, total: 60s}, retry: {attempts: 8, first: 5ms, max: 50ms}"
KEYED = "effect: mutate, key: {header: Idempotency-Key}, INPUT"
CONFIG = """version: 1
models:
  main:   {provider: openai, base_url: URL/v1, model: main, CALM}
  second: {provider: openai, base_url: URL/v1, model: second, CALM}
  sum:    {provider: openai, base_url: URL/v1, model: sum, CALM}
defaults: {retry: {attempts: 8, first: 5ms, max: 50ms}, timeout: 60s}
tools:
  stock:   {http: {method: GET, url: "URL/stock/{args.order_id}"}, effect: read, INPUT, breaker: {min_calls: 2, cooldown: 1h, fallback: {tool: spare}}}
  spare:   {http: {method: GET, url: "URL/spare/{args.order_id}"}, effect: read, INPUT}
  page:    {http: {method: GET, url: "URL/pages/{args.order_id}"}, effect: read, INPUT}
  order:   {http: {method: GET, url: "URL/orders/{args.order_id}"}, effect: read, INPUT}
  label:   {http: {method: POST, url: URL/labels}, KEYED, undo: {tool: unlabel, args: SAME}, after: {tool: labels, args: SAME},
            check: {name: seal, says: it has a seal, then: undo, schema: {properties: {after: {required: [seal]}}}}}
  labels:  {http: {method: GET, url: "URL/labels/{args.order_id}"}, effect: read, INPUT}
  unlabel: {http: {method: POST, url: URL/unlabels}, KEYED}
  charge:  {http: {method: POST, url: URL/charges}, KEYED, undo: {tool: refund, args: SAME}}
  refund:  {http: {method: POST, url: URL/refunds}, KEYED}
  ship:    {http: {method: POST, url: URL/shipments}, KEYED, undo: {tool: unship, args: SAME}}
  unship:  {http: {method: POST, url: URL/unships}, KEYED}
agents:
  desk:
    model: main
    tools: [stock, page, label, charge, ship]
    budget: {context: 1000, steps: 14}
    context: {keep: [system, first_user, last: 2], summarize: sum, to: 20%}
    second_opinion: {for: [charge], by: [second, {tool: order, args: SAME, expect: {required: [total]}}]}
schedules:
  daily: {cron: "0 7 * * *", agent: desk, input: Send order W1}
""".replace("KEYED", KEYED).replace("INPUT", desk.INPUT).replace("CALM", CALM).replace("SAME", "{order_id: {$arg: /args/order_id}}")
SCRIPT = """version: 1
models:
  main:
    provider: script
    script:
      - {call: {page: {order_id: W1}}}
      - {call: {page: {order_id: W2}}}
      - {call: {recall: {step: 2}}}
      - {call: {stock: {order_id: W1}}}
      - {call: {label: {order_id: W1}}}
      - {call: {charge: {order_id: W1}}}
      - {call: {ship: {order_id: W1}}}
      - {say: All is sent.}
  second: {provider: script, script: [{say: '{"agree": true}'}]}
  sum: {provider: script, script: [{say: Two pages were read.}]}
"""


class Weighed(desk.Desk):
    config, script = CONFIG, SCRIPT
    services = ("--service", "labels:keys:look", "--service", "unlabels:keys", "--service", "shipments:keys", "--service", "unships:keys",
                "--answer", 'GET /stock={"left": 1}', "--fault", "GET /stock#*=500", "--answer", 'GET /spare={"left": 3}',
                "--answer", 'GET /pages={"text": "' + "x" * 2000 + '"}')
    start = ("schedule", "trigger", "daily", "--id", "story")
    models = ("main", "second", "sum")
    routes = {"stock": "GET /stock", "spare": "GET /spare", "page": "GET /pages", "order": "GET /orders", "label": "POST /labels", "labels": "GET /labels",
              "unlabel": "POST /unlabels", "charge": "POST /charges", "refund": "POST /refunds", "ship": "POST /shipments", "unship": "POST /unships"}
    changes = ("label", "unlabel", "charge", "refund", "ship", "unship")
    ending = "All is sent."
    fine = (*desk.Desk.fine, 5)  # the steps are used up

    def over(self, view):
        return view["status"] == "done" and all(s.get("undone") for s in view["steps"] if s["name"] in ("label", "charge", "ship"))

    def step_on(self, view):
        if view["status"] in ("failed", "done"):
            return self.life("retry" if view["status"] == "failed" else "undo", "@last")
        return super().step_on(view)

    def wrong_steps(self, view):
        steps = [(s["kind"], s["name"], s["state"]) for s in view["steps"] if s["kind"] != "model"]
        wanted = [("tool", "page"), ("tool", "page"), ("tool", "recall"), ("summary", "sum"), ("tool", "recall"), ("tool", "stock"), ("tool", "label"), ("undo", "unlabel"), ("tool", "charge"),
                  ("opinion", "second"), ("opinion", "order"), ("tool", "ship"), ("undo", "unship"), ("undo", "refund")]
        if steps != [(*s, "done") for s in wanted]:
            yield f"its steps are {steps}"
        for tool, _ in self.doubts:
            yield f"a person was asked whether {tool} happened, which could have been found out"
        kinds = collections.Counter(kind for kind, _, _ in self.journal())
        for kind, times in (("run.created", 1), ("run.retried", 1), ("context.pruned", 2), ("opinion.judged", 1), ("undo.started", 3), ("undo.asked", 1)):
            if kinds[kind] != times:
                yield f"{kind} is there {kinds[kind]} times"
        # two failures open it; a life that ends takes what it has counted with it, and the attempt that was under way
        if self.calls()["GET /stock", "W1"] > 2 + 2 * self.kills:
            yield f"a source that is down was asked {self.calls()['GET /stock', 'W1']} times"

    def wrong_effects(self):
        done = [x["effect"] for x in self.ledger() if "effect" in x and x["of"] == "W1"]
        if done != ["label", "unlabel", "charge", "shipment", "unship", "refund"]:
            yield f"done is, in this order, {done}"
