#!/bin/bash
# tests/redact_test.sh - what a contract names under `redact` reaches the tool and who answers the question, and is struck
# out of everything else that can be read; erased, the chain still holds.
. "$(dirname "$0")/cli_lib.sh"

cat >pawl.yaml <<'YAML'
version: 1
models:
  m:
    provider: script
    script:
      - call: {name: pay, args: {card: "DE89 3704 0044", pin: 48213, amount: 5}}
      - say: "I have charged DE89 3704 0044."
tools:
  pay:
    command: [sh, pay.sh]
    effect: irreversible
    redact: [/card, /pin]
    input: {type: object}
agents: {a: {model: m, tools: [pay]}}
YAML
cat >pay.sh <<'SH'
cat >>seen; echo >>seen
echo '{"receipt": "r1", "card": "DE89 3704 0044"}'
SH
secret='DE89 3704|48213'
exits "a run that needs a yes" 3 "$PAWL" run a 'pay it'; hasnot "it is not in what is shown" "$secret" "$OUT"
"$PAWL" show @last --json >view.json; check "nor in the view" 1 "$(grep -Eqe "$secret" view.json; echo $?)"
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"]=="asked"][0]')
python3 - "$PAWL" >prompt.txt <<'PY'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "approve", "@last"])
text, until = b"", time.time() + 20
while b"send it?" not in text and time.time() < until:
    if select.select([fd], [], [], 1)[0]:
        text += os.read(fd, 4096)
os.write(fd, b"later\n")
os.waitpid(pid, 0)
print(text.decode(errors="replace"))
PY
has "who answers at a terminal sees exactly what is sent" 'DE89 3704 0044' "$(cat prompt.txt)"
exits "approve" 0 "$PAWL" approve @last/2 --digest "$digest"
exits "resume, in another process" 0 "$PAWL" resume @last --json; hasnot "nor in what is followed" "$secret" "$OUT"
check "the tool got it" '{"amount": 5, "card": "DE89 3704 0044", "pin": 48213}' "$(python3 -c 'import json; print(json.dumps(json.loads(open("seen").read()), sort_keys=True))')"
exits "show" 0 "$PAWL" show @last; hasnot "nor in what the model said of it" "$secret" "$OUT"; has "what is left" 'redacted' "$OUT"
has "what is not named stays" 'amount' "$OUT"
exits "sql" 0 "$PAWL" sql 'SELECT body FROM journal'; hasnot "nor in the journal" "$secret" "$OUT"
exits "sql of what was struck out" 1 "$PAWL" sql 'SELECT bytes FROM sealed'
exits "verify" 0 "$PAWL" verify
"$PAWL" run a 'pay it again' >/dev/null 2>&1 </dev/null
python3 - <<'PY'
import sqlite3
db = sqlite3.connect("pawl.db"); db.execute("DELETE FROM sealed"); db.commit(); db.close()
PY
exits "verify after what was struck out is erased" 0 "$PAWL" verify; has "every chain holds" 'every chain is whole' "$OUT"
exits "show after that" 0 "$PAWL" show @last/1

# what is kept for a breaker's fallback stands in for the tool, and in nothing that can be read
cat >pawl.yaml <<'YAML'
version: 1
store: sqlite:cached.db
models:
  m: {provider: script, script: [{call: {look: {id: 1}}}, {call: {look: {id: 1}}}, {say: seen}]}
tools:
  look: {command: [sh, look.sh], effect: read, redact: [/card], retry: {attempts: 1}, breaker: {fallback: {cached: 1h}}}
agents: {a: {model: m, tools: [look]}}
YAML
cat >look.sh <<'SH'
[ -e looked ] && exec kill -9 $$
touch looked; echo '{"card": "DE89 3704 0044"}'
SH
exits "a read that fails the second time" 0 "$PAWL" run a look
has "is answered from the first" 'this is what it answered' "$("$PAWL" show @last)"
exits "what runs share" 0 "$PAWL" sql 'SELECT * FROM shared'; hasnot "has not what was struck out" "$secret" "$OUT"
exits "nor the journal" 0 "$PAWL" sql 'SELECT body FROM journal'; hasnot "anywhere" "$secret" "$OUT"

# another writer's spelling of it, and a URL's
cat >pawl.yaml <<'YAML'
version: 1
store: sqlite:spelled.db
models:
  m: {provider: script, script: [{call: {look: {id: 1}}}, {call: {get: {card: "4111 1111/2222"}}}, {say: seen}]}
tools:
  look: {command: [cat, said.json], effect: read, redact: [/holder]}
  get: {http: {method: GET, url: "http://127.0.0.1:9/cards/{args.card}"}, effect: read, redact: [/card], retry: {attempts: 1}, input: {type: object, properties: {card: {type: string}}}}
agents: {a: {model: m, tools: [look, get]}}
YAML
printf '%s' '{"holder": "J\u00fcrgen M\u00fcller"}' >said.json
"$PAWL" run a look >/dev/null 2>&1 </dev/null
exits "the journal" 0 "$PAWL" sql 'SELECT body FROM journal'; hasnot "has it in no spelling" 'rgen|4111' "$OUT"
exits "show" 0 "$PAWL" show @last; hasnot "neither" 'rgen|4111' "$OUT"
done_testing
