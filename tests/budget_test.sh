#!/bin/bash
# tests/budget_test.sh - budgets with real processes: what is spent is counted in the journal and in the store, what does not
# fit is stopped, asked about or asked of a cheaper model, and what a kill -9 leaves unknown is charged.
. "$(dirname "$0")/cli_lib.sh"

cat >pawl.yaml <<E
version: 1
models:
  main: {provider: script, price: {input: 2.5, cached_input: 0.25, output: 10}, max_tokens: 100,
         script: [{say: hello, usage: {input: 100, cached: 40, output: 20}}]}
  calls: {provider: script, price: {input: 2, output: 10}, max_tokens: 100,
          script: [{call: {look: {}}, usage: {input: 50, output: 20}}, {call: {look: {n: 2}}, usage: {input: 90, output: 20}},
                   {say: seen, usage: {input: 130, output: 20}}]}
  bossy: {provider: script, price: {input: 2, output: 10}, max_tokens: 100,
          script: [{call: {ask: {}}, usage: {input: 50, output: 20}}, {call: {ask: {n: 2}}, usage: {input: 90, output: 20}},
                   {say: enough, usage: {input: 130, output: 20}}]}
  breaks: {provider: script, price: {input: 2, output: 1}, max_tokens: 100,
           script: [{call: {broken: {}}, usage: {input: 50, output: 20}}, {say: seen, usage: {input: 130, output: 20}}]}
  small: {provider: script, price: {input: 0.1, output: 0.5}, max_tokens: 100, script: [{say: from small, usage: {input: 10, output: 2}}]}
  poor: {provider: script, price: {input: 0.1, output: 0.5}, max_tokens: 100, script: [{say: one}, {say: two}, {say: three}]}
  sound: {provider: script, price: {input: 2, output: 9}, max_tokens: 100, script: [{say: '{"ok": true}', usage: {input: 5, output: 99}}]}
tools:
  look: {command: [echo, "[1]"], effect: read}
  ask: {agent: helper}
  stand: {agent: routed2, effect: read}
  broken: {command: [./not-there], effect: read, breaker: {fallback: {tool: stand}}}
agents:
  counted: {model: main}
  tight: {model: calls, tools: [look], budget: {cost: "0.0015 USD"}}
  asks: {model: calls, tools: [look], budget: {tokens: 300, exhausted: ask}}
  steps: {model: calls, tools: [look], budget: {steps: 2, exhausted: ask}}
  cheap: {model: main, budget: {cost: "0.0005 USD", exhausted: {degrade: [small], then: ask}}}
  daily: {model: main, budget: {day: {cost: "0.0018 USD"}, exhausted: ask}}
  slow: {model: main, budget: {time: 1h}}
  boss: {model: bossy, tools: [ask], budget: {tokens: 500, exhausted: ask}}
  helper: {model: main}
  routed2: {model: sound}
  stood: {model: breaks, tools: [broken], budget: {cost: "0.001 USD"}}
  routed: {model: sound, output: {type: object, required: [ok]}, routing: {models: [poor], success: 80%, runs: 2}}
budget: {day: {cost: "1 USD"}}
E

check "the configuration holds" "" "$("$PAWL" check 2>&1 >/dev/null)"

# what was spent, exactly: 60 at 2.5, 40 cached at 0.25, 20 at 10 USD a million tokens
exits "a run" 0 "$PAWL" run counted hi
check "its cost, in picodollars" 360000000 "$(value @last 'v["budget"]["spent"]["cost"]')"
check "its tokens" 120 "$(value @last 'v["budget"]["spent"]["tokens"]')"
has "show says it" "0\.00036 USD, 120 tokens, 1 step of 50 steps spent" "$("$PAWL" show @last)"
check "the intent reserves, the end settles" "step.intended budget.settled step.completed" \
    "$("$PAWL" sql "SELECT kind FROM journal WHERE step = 1" | tail -n +2 | tr -d '\r' | xargs)"
has "the day's, too" "all runs on [0-9-]*: 0\.00036 USD of 1\.00 USD, 120 tokens spent" "$("$PAWL" budget)"
has "and ls" "all runs on [0-9-]*: 0\.00036 USD of 1\.00 USD" "$("$PAWL" ls)"

# stop: typed, with the numbers; nothing is undone, and a retry begins a new budget
exits "the limit is reached" 5 "$PAWL" run tight hi
has "it says by how much" "budget_exceeded: the limit of cost of this run is 0\.0015 USD: 0\.0003 USD are spent, and the next call of calls may take" "$("$PAWL" show @last)"
check "its class" budget_exceeded "$(value @last 'v["class"]')"
check "it spent no more" True "$(value @last 'v["budget"]["spent"]["cost"] + v["budget"].get("estimated", {}).get("cost", 0) <= v["budget"]["limit"]["cost"]')"
check "nothing is reserved" True "$(value @last '"reserved" not in v["budget"]')"
has "explain names it" "budget_exceeded|limit of cost" "$("$PAWL" explain @last)"

# ask: a question that a person answers with an amount
exits "a person is asked" 3 "$PAWL" run asks hi
has "for more" "the limit of tokens of this run is 300 tokens: 70 tokens are spent.*a yes gives 300 tokens more" "$("$PAWL" show @last)"
step=$(value @last '[s["step"] for s in v["steps"] if s["state"] == "asked"][0]')
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"] == "asked"][0]')
exits "no amount of it" 2 "$PAWL" approve "@last/$step" --digest "$digest" --more '0.50 USD'
has "is said" "no amount of what there is too little of" "$OUT"
exits "an amount" 0 "$PAWL" approve "@last/$step" --digest "$digest" --more 2k
exits "it goes on" 0 "$PAWL" resume @last
has "to its end" "seen" "$("$PAWL" show @last)"
check "granted" 2000 "$(value @last 'v["budget"]["granted"]["tokens"]')"
exits "asked again" 3 "$PAWL" run asks again
step=$(value @last '[s["step"] for s in v["steps"] if s["state"] == "asked"][0]')
exits "no" 0 "$PAWL" deny "@last/$step" --reason 'enough is enough'
exits "ends it" 5 "$PAWL" resume @last
has "with the reason" "no \(you\), “enough is enough”.*budget_exceeded" "$("$PAWL" show @last)"

# steps, too
exits "steps" 3 "$PAWL" run steps hi
has "are asked for" "the limit of steps of this run is 2 steps: 2 steps are spent" "$("$PAWL" show @last)"
step=$(value @last '[s["step"] for s in v["steps"] if s["state"] == "asked"][0]')
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"] == "asked"][0]')
exits "five more" 0 "$PAWL" approve "@last/$step" --digest "$digest" --more 5
exits "are enough" 0 "$PAWL" resume @last

# degrade: what would cost too much is asked of a cheaper model
exits "a cheaper model" 0 "$PAWL" run cheap hi
has "answers" "from small" "$("$PAWL" show @last)"
has "and explain says why" "budget +main might have cost more than there is left" "$("$PAWL" explain @last)"
check "the journal has it" main "$("$PAWL" sql "SELECT json_extract(body, '\$.degraded') AS d FROM journal WHERE kind = 'step.intended' ORDER BY row DESC LIMIT 1" | tail -1 | tr -d '\r')"

# a day of all runs of an agent: from one process to the next
exits "the first of a day" 0 "$PAWL" run daily one
exits "the second" 0 "$PAWL" run daily two
exits "one too many" 3 "$PAWL" run daily three
has "of the day" "the limit of cost of agent daily on [0-9-]* is 0\.0018 USD: 0\.00072 USD are spent" "$("$PAWL" show @last)"
step=$(value @last '[s["step"] for s in v["steps"] if s["state"] == "asked"][0]')
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"] == "asked"][0]')
exits "more for the day" 0 "$PAWL" approve "@last/$step" --digest "$digest" --more '0.01 USD'
exits "lets it go on" 0 "$PAWL" resume @last
exits "and the next one" 0 "$PAWL" run daily four
has "granted is said" "0\.01 USD granted by people" "$("$PAWL" budget)"

# what a run starts spends from its limit, too, and who has more to give is asked once
exits "a run and its children" 3 "$PAWL" run boss hi
has "share a limit" "the limit of tokens of run [0-9a-f-]{13} and those that it starts is 500 tokens: 420 tokens are spent" "$("$PAWL" show @last)"
has "show says so" "180 tokens of 500 tokens, .*; the runs that it starts spend from the same limits" "$("$PAWL" show @last)"
has "the sum is a row" "run [0-9a-f-]{13} and those that it starts: 0\.0014 USD, 420 tokens spent" "$("$PAWL" budget)"
step=$(value @last '[s["step"] for s in v["steps"] if s["state"] == "asked"][0]')
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"] == "asked"][0]')
exits "more for all of them" 0 "$PAWL" approve "@last/$step" --digest "$digest" --more 5k
exits "one question was enough" 0 "$PAWL" resume @last
check "it is granted" 5000 "$(value @last 'v["budget"]["granted"]["tokens"]')"
hasnot "ended, the row is gone" "and those that it starts" "$("$PAWL" budget)"

# also one that stands in for a tool; and each of its models needs a price where there is a limit of money
exits "what stands in is a run" 5 "$PAWL" run stood hi
has "paid from the same limit" "those that it starts is 0\.001 USD: 0\.00[0-9]* USD are spent" "$("$PAWL" show @last)"
sed '/sound:/s/price: {[^}]*}, //' pawl.yaml >unpriced.yaml
exits "a child's model without a price" 2 "$PAWL" check unpriced.yaml
has "is named, and who pays for it" "model 'sound' has no price, and agent 'stood' pays for what agent 'routed2' spends" "$OUT"

# time: a call that waited for a yes until it was over is not sent
cat >late.yaml <<'Y'
version: 1
store: sqlite:late.db
models: {m: {provider: script, script: [{call: {pay: {n: 1}}}, {say: paid}]}}
tools: {pay: {command: [sh, -c, 'echo paid >>late.calls; echo 1'], effect: irreversible}}
agents: {a: {model: m, tools: [pay], budget: {time: 1s}}}
Y
exits "a gate" 3 "$PAWL" run a hi --config late.yaml
sleep 1.1 # the limit itself
digest=$("$PAWL" show @last --json --config late.yaml | python3 -c 'import json,sys; print([s["asked"]["digest"] for s in json.load(sys.stdin)["steps"] if s["state"]=="asked"][0])')
exits "a yes that comes too late" 0 "$PAWL" approve @last/2 --digest "$digest" --config late.yaml
exits "ends as budget_exceeded" 5 "$PAWL" resume @last --config late.yaml
check "and nothing is sent" no "$([ -e late.calls ] && echo yes || echo no)"

# routing: the cheapest model that does well often enough, by what the store knows of its runs
exits "the cheaper one, of which nothing is known" 1 "$PAWL" run routed hi
check "was asked" poor "$(value @last 'v["steps"][0]["name"]')"
has "explain says so" "routing +poor is the cheapest whose runs end well often enough" "$("$PAWL" explain @last)"
exits "again" 1 "$PAWL" run routed hi
exits "then it is known" 0 "$PAWL" run routed hi
check "and passed over" sound "$(value @last 'v["steps"][0]["name"]')"
check "the journal says by what" "0" "$("$PAWL" sql "SELECT json_extract(body, '\$.routed.rate_ppm') AS r FROM journal WHERE kind = 'step.intended' AND json_extract(body, '\$.routed.to') = 'poor' ORDER BY row DESC LIMIT 1" | tail -1 | tr -d '\r')"

# a crash in the middle of a model call: nobody knows what it cost, so all that was reserved is charged
cat >server.py <<'E'
import http.server, sys, time
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        open("asked", "w").close()
        time.sleep(30)
    def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
print(s.server_address[1], flush=True)
s.serve_forever()
E
python3 server.py >port 2>/dev/null & MOCK=$!
for _ in $(seq 200); do [ -s port ] && break; sleep 0.02; done
cat >crash.yaml <<E
version: 1
store: sqlite:crash.db
models: {m: {provider: openai, base_url: "http://127.0.0.1:$(cat port)/v1", model: x, price: {input: 1, output: 5}, max_tokens: 50,
             retry: {attempts: 3, first: 1ms}, timeout: 20s}}
agents: {a: {model: m, budget: {cost: "0.001 USD", all: {cost: "1 USD"}}}}
E
"$PAWL" run a hi --config crash.yaml >/dev/null 2>&1 & run=$!
for _ in $(seq 300); do [ -e asked ] && break; sleep 0.02; done
kill -9 $run
wait $run 2>/dev/null
reserved=$("$PAWL" sql --config crash.yaml "SELECT json_extract(body, '\$.reserve.cost') AS c FROM journal WHERE kind = 'step.intended'" | tail -1 | tr -d '\r')
has "it was reserved" "0\.00[0-9]+ USD, [0-9]+ tokens reserved" "$("$PAWL" budget --config crash.yaml)"
exits "taken up again, it does not fit twice" 5 "$PAWL" resume @last --config crash.yaml
check "all that was reserved is estimated" "$reserved" "$("$PAWL" show @last --json --config crash.yaml | python3 -c 'import json,sys; print(json.load(sys.stdin)["budget"]["estimated"]["cost"])')"
out=$("$PAWL" budget --config crash.yaml)
has "in what runs share, too" "estimated, for what nobody knows the cost of" "$out"
hasnot "nothing stays reserved" "reserved" "$out"
has "explain says it" "nobody knows what an attempt cost" "$("$PAWL" explain @last --config crash.yaml)"

for s in pawl.yaml crash.yaml; do exits "the chain of $s holds" 0 "$PAWL" verify --config $s; done
done_testing
