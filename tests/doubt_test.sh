#!/bin/bash
# tests/doubt_test.sh - what a person may say of a step in doubt, and what an answer tells: stories found by reviewing.
. "$(dirname "$0")/cli_lib.sh"
runs() { # NAME: how often the tool of that name was called
    cat "$1.calls" 2>/dev/null | wc -l
}
story() { # NAME, then the tools' YAML on standard input: an agent of that name calls them in the order of the rest
    local name=$1 script= call
    shift
    for call; do script="$script{call: $call}, "; done
    { printf 'version: 1\nstore: sqlite:%s.db\nmodels: {m: {provider: script, script: [%s{say: done}]}}\ntools:\n' "$name" "$script"; cat; } >pawl.yaml
    printf 'agents: {a: {model: m, tools: [%s]}}\n' "$(sed -n 's/^  \([a-z_]*\):.*/\1/p' pawl.yaml | grep -v '^m$' | paste -sd,)" >>pawl.yaml
    "$PAWL" check >check.out 2>&1 || { failed=$((failed + 1)); cat check.out; }
    rm -f ./*.calls
}

cat >tool <<'E2'
#!/bin/sh
# tool NAME EXIT ANSWER: writes a line to NAME.calls
echo "$PAWL_IDEMPOTENCY_KEY" >>"$1.calls"
[ -z "$3" ] || echo "$3"
exit "$2"
E2
chmod +x tool

# a pointer that is not in the answer does not say "it did not happen"
story pointer '{pay: {n: 1}}' <<E2
  look: {command: [$DIR/tool, look, "0", '{{"refund":{{"key":"x"}}'], effect: read}
  pay: {command: [$DIR/tool, pay, "1"], effect: mutate, retry: {attempts: 4, first: 1ms}, verify: {tool: look, by_key: /key, args: {}, settles: 0s}}
E2
out=$("$PAWL" run a x 2>&1)
check "a wrong pointer: called once" 1 "$(runs pay)"
has "a wrong pointer: in doubt" "in doubt" "$out"
story empty '{pay: {n: 1}}' <<E2
  look: {command: [$DIR/tool, look, "0", '[]'], effect: read}
  pay: {command: [$DIR/tool, pay, "1"], effect: mutate, retry: {attempts: 3, first: 1ms}, verify: {tool: look, by_key: /key, args: {}, settles: 0s}}
E2
"$PAWL" run a x >/dev/null 2>&1
check "an empty list says that it did not: sent again" 3 "$(runs pay)"

# it happened, only the answer cannot be used
story unusable '{pay: {n: 1}}' <<E2
  pay: {command: [$DIR/tool, pay, "0", '{{"x":1}'], effect: mutate, output: {type: object, required: [receipt]}}
E2
"$PAWL" run a x >/dev/null 2>&1
out=$("$PAWL" resolve @last/1 --not-happened 2>&1)
check "no step 1 to resolve" 1 "$?"
out=$("$PAWL" resolve @last/2 --not-happened 2>&1)
check "it is known that it happened" 1 "$?"
has "and said" "known that it happened" "$out"
has "it is not offered" "^0$" "$("$PAWL" show @last | grep -c -- --not-happened)"
out=$("$PAWL" resolve @last/2 --happened '{"x":2}' 2>&1)
check "a person's result is held to the contract" 2 "$?"
has "with a sentence" "does not fit the tool's output.*receipt" "$out"
"$PAWL" resolve @last/2 --happened '{"receipt":"r1"}' >/dev/null 2>&1
check "one that fits" 0 "$?"
out=$("$PAWL" resume @last 2>&1)
has "and the run goes on" "done" "$out"
check "called once" 1 "$(runs pay)"

# stop: what was done before is undone, the step in doubt is a person's matter
story stop '{book: {n: 1}}' '{pay: {n: 1}}' <<E2
  book: {command: [$DIR/tool, book, "0", '{{"id":7}'], effect: mutate, undo: {tool: unbook, args: {id: {\$arg: /result/id}}}}
  unbook: {command: [$DIR/tool, unbook, "0", ok], effect: mutate}
  pay: {command: [$DIR/tool, pay, "1"], effect: mutate, undo: {tool: unpay}}
  unpay: {command: [$DIR/tool, unpay, "0", ok], effect: mutate}
E2
"$PAWL" run a x >/dev/null 2>&1
"$PAWL" resolve @last --stop >/dev/null 2>&1
"$PAWL" resolve @last/4 --stop >/dev/null 2>&1
"$PAWL" resume @last >/dev/null 2>&1
check "what was done is undone" 1 "$(runs unbook)"
check "what nobody knows is not" 0 "$(runs unpay)"
check "and is listed" "[4]" "$("$PAWL" show @last --json | python3 -c 'import json,sys; print(json.load(sys.stdin).get("not_undone"))')"

# an undo whose arguments nobody knows is not sent with others
story undo '{book: {n: 1}}' <<E2
  book: {command: [$DIR/tool, book, "1"], effect: mutate, undo: {tool: unbook, args: {id: {\$arg: /result/id}}}}
  unbook: {command: [$DIR/tool, unbook, "0", ok], effect: mutate}
E2
"$PAWL" run a x >/dev/null 2>&1
"$PAWL" resolve @last/2 --happened null >/dev/null 2>&1
"$PAWL" cancel @last >/dev/null 2>&1
"$PAWL" resume @last >/dev/null 2>&1
check "no undo with made-up arguments" 0 "$(runs unbook)"
has "a person is told" "a person must undo it" "$("$PAWL" show @last)"
check "it is listed" "[2]" "$("$PAWL" show @last --json | python3 -c 'import json,sys; print(json.load(sys.stdin).get("not_undone"))')"

# within counts in the run itself
story within '{pay: {n: 1}}' '{wait: {}}' '{pay: {n: 1}}' <<E2
  pay: {command: [$DIR/tool, pay, "0", ok], effect: mutate, dedupe: {scope: agent, within: 1s}}
  wait: {command: [sleep, "1.2"], effect: read}
E2
"$PAWL" run a x >/dev/null 2>&1
check "later than within: sent again" 2 "$(runs pay)"

"$PAWL" verify >/dev/null 2>&1
check "the chain holds" 0 "$?"

done_testing
