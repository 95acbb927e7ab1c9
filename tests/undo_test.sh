#!/bin/bash
# tests/undo_test.sh - dead letters, retry and undo with real processes: kept as they died, tried again without doing
# anything twice, undone the last step first, also through a kill -9 in the middle.
. "$(dirname "${BASH_SOURCE[0]}")/cli_lib.sh"

runs() { # NAME: how often the tool of that name was called
    cat "$1.calls" 2>/dev/null | wc -l
}
of() { # PYTHON: an expression over the view of the last run
    "$PAWL" show @last --json | python3 -c "import json,sys; v=json.load(sys.stdin); s=v['steps']; print($1)"
}
story() { # NAME AGENT-MEMBERS, then the tools' YAML on standard input: an agent calls them in the order of the rest
    local name=$1 more=$2 script= call
    shift 2
    for call; do script="$script$call, "; done
    { printf 'version: 1\nstore: sqlite:%s.db\nmodels: {m: {provider: script, script: [%s{say: done}]}}\ntools:\n' "$name" "$script"; cat; } >pawl.yaml
    printf 'agents: {a: {model: m, tools: [%s]%s}}\n' "$(sed -n 's/^  \([a-z_]*\):.*/\1/p' pawl.yaml | grep -v '^m$' | paste -sd,)" "$more" >>pawl.yaml
    "$PAWL" check >check.out 2>&1 || { failed=$((failed + 1)); cat check.out; }
    rm -f ./*.calls ./*.exit ./*.slow all.log deadly
}
# tool NAME: a line in NAME.calls and all.log; NAME.exit is its exit status, NAME.slow how long it takes
cat >tool <<'E2'
#!/bin/sh
args=$(cat)
echo "$PAWL_IDEMPOTENCY_KEY $args" >>"$1.calls"
echo "$1" >>all.log
[ -f "$1.slow" ] && sleep "$(cat "$1.slow")"
[ "$1" = boom ] && [ -f deadly ] && kill -9 "$PPID" && sleep 5
[ -f "$1.exit" ] && exit "$(cat "$1.exit")"
echo '{"id":"'"$1"'-1"}'
E2
chmod +x tool

# a run that ends whoever runs it: a dead letter, kept as it is
tools() {
    cat <<E2
  book: {command: [$DIR/tool, book], effect: mutate, undo: {tool: unbook, args: {id: {\$arg: /result/id}}}}
  unbook: {command: [$DIR/tool, unbook], effect: mutate, key: {}, errors: {"exit 3": not_applied}, retry: {attempts: 2, first: 1ms}}
  boom: {command: [$DIR/tool, boom], effect: read, retry: {attempts: 1}}
E2
}
tools | story dead "" '{call: {book: {n: 1}}}' '{call: {boom: {}}}'
touch deadly
"$PAWL" run a x >/dev/null 2>&1
for _ in 1 2 3 4 5; do "$PAWL" resume @last >/dev/null 2>&1; done
check "five owners dead: a dead letter" dead "$(of 'v["status"]')"
check "what it did is not undone by itself" 0 "$(runs unbook)"
exits "dlq" 0 "$PAWL" dlq
has "it tells why" "crashed_its_owner at step 4 \(boom\)" "$OUT"
has "and what happened" "happened: step 2 \(book\)" "$OUT"
has "and what can be done" "→ pawl retry" "$OUT"
has "undo too" "→ pawl undo" "$OUT"
check "dlq --json" "crashed_its_owner 4 book" "$("$PAWL" dlq --json | python3 -c 'import json,sys; l=json.loads(sys.stdin.readline()); print(l["class"], l["step"], l["applied"][0]["name"])')"
check "dlq of other errors: none" "" "$("$PAWL" dlq --error timeout --json)"
exits "dlq of no error" 2 "$PAWL" dlq --error nonsense
exits "a step that happened is not done again" 1 "$PAWL" retry @last --from 2
has "and said" "never done again" "$OUT"
exits "no such step" 1 "$PAWL" retry @last --from 99
exits "resume does not take it up" 1 "$PAWL" resume @last
rm deadly
exits "retry --all without a yes" 0 "$PAWL" retry --all
has "only lists" "1 would be tried again" "$OUT"
check "and does nothing" dead "$(of 'v["status"]')"
exits "retry --all --error timeout" 0 "$PAWL" retry --all --error timeout --yes
check "tries none" dead "$(of 'v["status"]')"
exits "retry --all --yes" 0 "$PAWL" retry --all --agent a --yes
check "it is done" done "$(of 'v["status"]')"
check "what happened was not done again" 1 "$(runs book)"
check "it counts its retries" 1 "$(of 'v["retries"]')"
exits "a run that is done is not tried again" 1 "$PAWL" retry @last
exits "dlq is empty" 0 "$PAWL" dlq
has "and says so" "no dead letters" "$OUT"

# undone by a person, though it is done; the undo fails first, then not
echo 3 >unbook.exit
exits "undo that fails" 1 "$PAWL" undo @last --reason 'wrong customer'
has "it is listed for a person" "for you to look after: step 2 \(book; its undo failed\)" "$OUT"
check "tried once: it said that nothing happened" 1 "$(runs unbook)"
check "it is still done" "done [2]" "$(of 'v["status"], v["not_undone"]' | tr -d "(',)")"
rm unbook.exit
exits "undo" 0 "$PAWL" undo @last
check "undone" True "$(of 's[1]["undone"]')"
check "with the arguments of its contract" '{"id":"book-1"}' "$(tail -1 unbook.calls | cut -d' ' -f2)"
check "each undo step has its own key" 2 "$(cut -d' ' -f1 unbook.calls | sort -u | wc -l)"
exits "nothing is left" 1 "$PAWL" undo @last
has "show tells it" "then undone" "$("$PAWL" show @last)"

# out of time: undone at once; tried again, the agent hears that it was, and a repeat is asked
tools_slow() {
    tools
    echo "  slow: {command: [$DIR/tool, slow], effect: read, timeout: 20s, retry: {attempts: 1}}"
}
tools_slow | story late ', deadline: 1s' '{call: {book: {n: 1}}}' '{call: {slow: {}}}' '{call: {book: {n: 1}}}'
echo 10 >slow.slow
exits "out of time" 5 "$PAWL" run a x
check "undone" 1 "$(runs unbook)"
rm slow.slow
exits "tried again, with time anew: the repeat is asked" 3 "$PAWL" retry @last
check "the call that was cut off, again as the same step" "done 2" "$(of 's[3]["state"], len(s[3]["tries"]) or 2' | tr -d "(',)")"
check "asked as a repeat" "['repeat']" "$(of '[x for x in s if x["state"]=="asked"][0]["asked"]["why"]')"
check "not booked again by itself" 1 "$(runs book)"
"$PAWL" deny "@last/$(of '[x for x in s if x["state"]=="asked"][0]["step"]')" >/dev/null 2>&1
exits "and it ends" 0 "$PAWL" resume @last

# other arguments in place of those that failed
tools_pay() {
    tools_slow
    echo "  pay: {command: [$DIR/tool, pay], effect: mutate, errors: {'exit 3': not_applied}, retry: {attempts: 1}, input: {type: object, properties: {amount: {type: number, maximum: 100}}}}"
}
tools_pay | story with ', deadline: 1s' '{calls: [{pay: {amount: 5, to: you}}, {slow: {}}]}'
echo 10 >slow.slow
echo 3 >pay.exit
"$PAWL" run a x >/dev/null 2>&1
rm slow.slow pay.exit
exits "--with needs a call" 2 "$PAWL" retry @last --with amount=7 --from 1
exits "it is held to the contract" 2 "$PAWL" retry @last --from 2 --with amount=700
has "and said" "do not fit the tool's input: /amount" "$OUT"
exits "NAME=VALUE" 2 "$PAWL" retry @last --from 2 --with amount
exits "whose arguments?" 2 "$PAWL" retry @last --with amount=7
has "several calls are tried again" "several calls" "$OUT"
exits "two arguments changed" 0 "$PAWL" retry @last --from 2 --with amount=7 --with to=me
check "the new arguments were sent" '{"amount":7,"to":"me"}' "$(tail -1 pay.calls | cut -d' ' -f2)"
check "with a key of their own" 2 "$(cut -d' ' -f1 pay.calls | sort -u | wc -l)"
check "both are known" '{"amount":5,"to":"you"} {"amount":7,"to":"me"}' "$(of 'json.dumps(s[1]["args_said"],separators=(",",":")), json.dumps(s[1]["args"],separators=(",",":"))' | tr -d "'(" | sed 's/, {/ {/; s/)$//')"
check "the other call, too" done "$(of 's[2]["state"]')"

# the model's own step failed: it is asked anew
cat >pawl.yaml <<E2
version: 1
store: sqlite:model.db
models: {m: {provider: script, script: [{fail: 400}]}}
tools: {}
agents: {a: {model: m, tools: []}}
E2
exits "a model that refuses" 1 "$PAWL" run a x
check "its step failed" "failed rejected" "$(of 's[0]["state"], s[0]["class"]' | tr -d "'(,)")"
exits "retried: it fails again, for it answers so again" 1 "$PAWL" retry @last
check "the first is set aside, the second is another step" "True 2" "$(of 's[0]["aside"], len(s)' | tr -d "(,)")"

# parallel calls are undone in reverse order, to a step, and from there on
three() {
    for t in one two three; do
        echo "  $t: {command: [$DIR/tool, $t], effect: mutate, undo: {tool: un$t}}"
        echo "  un$t: {command: [$DIR/tool, un$t], effect: mutate, key: {}, errors: {'exit 3': not_applied}, retry: {attempts: 3, first: 1ms}}"
    done
}
three | story parallel '' '{calls: [{one: {}}, {two: {}}, {three: {}}]}'
echo 0.4 >one.slow
echo 0.2 >two.slow
exits "three at once" 0 "$PAWL" run a x
exits "undo --to 2" 0 "$PAWL" undo @last --to 2
check "in reverse order of what was decided" "unthree untwo" "$(grep un all.log | paste -sd' ')"
echo 3 >unone.exit
exits "the rest, which fails" 1 "$PAWL" undo @last
check "is listed" "[2]" "$(of 'v["not_undone"]')"
rm unone.exit
exits "once more" 0 "$PAWL" undo @last
check "each undone once, the failed one tried again" "unthree untwo unone unone" "$(grep un all.log | paste -sd' ')"

# one undo undoes one step, also where no arguments are declared for it, and where they do not tell calls apart
pair() { # UNDO: what stands behind `undo: `
    cat <<E2
  book: {command: [$DIR/tool, book], effect: mutate, repeat: allow, undo: $1}
  unbook: {command: [$DIR/tool, unbook], effect: mutate, key: {}, repeat: allow, errors: {"exit 3": not_applied}, retry: {attempts: 1}}
E2
}
said() { # NAME: the arguments of its calls, in order
    cut -d' ' -f2 "$1.calls" | paste -sd' '
}
pair '{tool: unbook}' | story bare '' '{calls: [{book: {seat: 4}}, {book: {seat: 5}}]}'
exits "two seats" 0 "$PAWL" run a x
exits "undo, without declared arguments" 0 "$PAWL" undo @last
check "both are free again, the last first" '{"seat":5} {"seat":4}' "$(said unbook)"
pair '{tool: unbook, args: {order: {$arg: /args/order}}}' | story alike '' '{calls: [{book: {order: 1, seat: 4}}, {book: {order: 1, seat: 5}}]}'
exits "two seats of one order" 0 "$PAWL" run a x
exits "undo, whose arguments say the same" 0 "$PAWL" undo @last
check "each is undone" '{"order":1} {"order":1}' "$(said unbook)"
check "by a step of its own" "[(2, 6), (3, 5)]" "$(of 'sorted((x["undoes"], x["step"]) for x in s if x["kind"]=="undo")')"
pair '{tool: unbook}' | story fails '' '{calls: [{book: {seat: 4}}, {book: {seat: 5}}]}'
exits "two seats" 0 "$PAWL" run a x
"$PAWL" undo @last --to 2 >/dev/null 2>&1
check "the other stays" "[False, True]" "$(of '[x.get("undone", False) for x in s[1:3]]')"
echo 3 >unbook.exit
exits "it cannot be undone" 1 "$PAWL" undo @last
check "and is listed" "[2]" "$(of 'v["not_undone"]')"
"$PAWL" dlq --json >dlq.out
has "in the dead letters, too" '"step":2' "$(cat dlq.out)"
pair '{tool: unbook}' | story own '' '{calls: [{book: {seat: 4}}, {book: {seat: 5}}]}' '{call: {unbook: {seat: 4}}}'
exits "the model undoes one of them itself" 0 "$PAWL" run a x
check "that one" "[True, False]" "$(of '[x.get("undone", False) for x in s[1:3]]')"
exits "undo" 0 "$PAWL" undo @last
check "the other is undone now" '{"seat":4} {"seat":5}' "$(said unbook)"
pair '{tool: unbook}' | story twice '' '{calls: [{book: {seat: 4}}, {book: {seat: 4}}]}' '{call: {unbook: {seat: 4}}}'
exits "the same twice, one undone by the model" 0 "$PAWL" run a x
check "the latest" "[False, True]" "$(of '[x.get("undone", False) for x in s[1:3]]')"
exits "undo" 0 "$PAWL" undo @last
check "the first, too" 2 "$(runs unbook)"

# a caller and what it called have both failed: only the caller is tried again, and calls anew; nothing is done twice
cat >pawl.yaml <<E2
version: 1
store: sqlite:family.db
models:
  p: {provider: script, script: [{call: {kid: {n: 1}}}, {say: fine}]}
  k: {provider: script, script: [{call: {pay: {n: 1}}}, {say: hm}]}
tools:
  kid: {agent: k}
  pay: {command: [$DIR/payer, pay], effect: mutate, retry: {attempts: 1}}
agents: {p: {model: p, tools: [kid], budget: {steps: 2}}, k: {model: k, tools: [pay], budget: {steps: 2}}}
E2
rm -f ./*.calls
cp tool payer
chmod -x payer
"$PAWL" run p x >/dev/null 2>&1
check "both failed" 2 "$("$PAWL" dlq --json | wc -l)"
chmod +x payer
"$PAWL" retry --all --yes >/dev/null 2>&1
check "paid once" 1 "$(runs pay)"

# killed in the middle of an undo: the next process finishes it, nothing is undone twice
three | story killed '' '{calls: [{one: {}}, {two: {}}, {three: {}}]}'
"$PAWL" run a x >/dev/null 2>&1
echo 30 >untwo.slow
"$PAWL" undo @last >/dev/null 2>&1 &
pid=$!
for _ in $(seq 500); do [ -f untwo.calls ] && break; sleep 0.02; done
kill -9 "$pid"
wait "$pid" 2>/dev/null
rm untwo.slow
check "killed while it undoes" ending "$(of 'v["status"]')"
exits "the next process goes on" 0 "$PAWL" resume @last
check "the one that was cut, with the same key" 1 "$(cut -d' ' -f1 untwo.calls | sort -u | wc -l)"
check "the others once" "1 1" "$(runs unone) $(runs unthree)"
check "all undone" "[True, True, True]" "$(of '[x["undone"] for x in s if x["kind"]=="tool"]')"

# an undo of which nobody knows whether it happened is never made again
story doubt '' '{call: {one: {}}}' '{call: {two: {}}}' <<E2
  one: {command: [$DIR/tool, one], effect: mutate, undo: {tool: unone}}
  two: {command: [$DIR/tool, two], effect: mutate, undo: {tool: untwo}}
  unone: {command: [$DIR/tool, unone], effect: mutate, errors: {"exit 3": not_applied}}
  untwo: {command: [$DIR/tool, untwo], effect: mutate}
E2
exits "two, one after the other" 0 "$PAWL" run a x
echo 1 >untwo.exit
echo 3 >unone.exit
exits "an undo in doubt" 4 "$PAWL" undo @last
"$PAWL" resolve "@last/$(of '[x for x in s if x["state"]=="in_doubt"][0]["step"]')" --stop >/dev/null 2>&1
"$PAWL" resume @last >/dev/null 2>&1
rm untwo.exit unone.exit
exits "undo again" 1 "$PAWL" undo @last
check "only the one that is known not to have happened" "1 2" "$(runs untwo) $(runs unone)"
check "the other is for a person" "[4]" "$(of 'v["not_undone"]')"

"$PAWL" verify >/dev/null 2>&1
check "the chain holds" 0 "$?"
done_testing
