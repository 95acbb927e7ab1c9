#!/bin/bash
# tests/gates_test.sh - gates with real processes: conditions over the arguments, several approvers, changed arguments,
# parallel calls that never mix, reasons.
. "$(dirname "${BASH_SOURCE[0]}")/cli_lib.sh"

of() { # PYTHON: an expression over the view of the last run
    "$PAWL" show @last --json | python3 -c "import json,sys; v=json.load(sys.stdin); s=v['steps']; print($1)"
}
digest() { # STEP
    of "s[$1-1]['asked']['digest']"
}
story() { # NAME SCRIPT GATE
    cat >pawl.yaml <<E2
version: 1
store: sqlite:$1.db
models: {m: {provider: script, script: [$2, {say: done}]}}
tools:
  pay:
    command: [$DIR/tool, pay]
    effect: irreversible
    key: {}
    input: {type: object, required: [amount], properties: {amount: {type: number, maximum: 1000}, to: {type: string}}}
    gate: $3
agents: {a: {model: m, tools: [pay]}}
E2
    exits "$1: check" 0 "$PAWL" check
    rm -f pay.calls
}
cat >tool <<'E2'
#!/bin/sh
echo "$PAWL_IDEMPOTENCY_KEY $(cat)" >>"$1.calls"
echo '{"id":"p1"}'
E2
chmod +x tool
sent() { cut -d' ' -f2 pay.calls 2>/dev/null | paste -sd' '; }

# a condition over the arguments
story when '{call: {pay: {amount: 50}}}' '{when: {properties: {amount: {exclusiveMinimum: 100}}}}'
exits "where it does not hold, nobody is asked" 0 "$PAWL" run a x
check "and it is sent" '{"amount":50}' "$(sent)"
story over '{say: "The vase broke, so I pay it back.", call: {pay: {amount: 500}}}' '{when: {properties: {amount: {exclusiveMinimum: 100}}}}'
exits "where it holds, somebody is" 3 "$PAWL" run a x
check "why the model wants it" "The vase broke, so I pay it back." "$(of 's[1]["asked"]["because"]')"
exits "a change that does not fit" 2 "$PAWL" approve @last/2 --digest "$(digest 2)" --edit amount=5000
has "says where" "do not fit the tool's input: /amount" "$OUT"
exits "a change of another call than was shown" 1 "$PAWL" approve @last/2 --digest "$(printf '0%.0s' $(seq 64))" --edit amount=400
before=$(digest 2)
exits "a change" 0 "$PAWL" approve @last/2 --digest "$before" --edit amount=400 --reason 'minus the postage'
has "shows what will be sent" '"amount":400' "$OUT"
check "the yes is bound to the new digest" True "$([ "$(digest 2)" != "$before" ] && echo True)"
check "nothing is sent before the run goes on" "" "$(sent)"
exits "it goes on" 0 "$PAWL" resume @last
check "what was approved is sent, once" '{"amount":400}' "$(sent)"
exits "after the end, a yes to what nobody was shown" 1 "$PAWL" approve @last/2 --digest "$(printf '0%.0s' $(seq 64))"
exits "the yes that was given is still confirmed" 0 "$PAWL" approve @last/2 --digest "$(digest 2)"
check "and nobody is told to resume what has ended" 0 "$(grep -c 'pawl resume' <<<"$OUT")"
check "both are kept" "500 400" "$(of 's[1]["args_said"]["amount"], s[1]["args"]["amount"]' | tr -d '(,)')"
check "the reason too" "minus the postage" "$(of 's[1]["answered"]["reason"]')"
check "the request that was sent is the one of its digest" "True" "$(of 's[1]["digest"] == s[1]["asked"]["digest"]')"

# a no, whose reason the model is told
story no '{call: {pay: {amount: 500}}}' always
"$PAWL" run a x >/dev/null 2>&1
"$PAWL" deny @last/2 --reason 'ask for a photo first' >/dev/null 2>&1
exits "it goes on" 0 "$PAWL" resume @last
check "told" "a person said no: ask for a photo first" "$(of 's[1]["message"]')"
check "not sent" "" "$(sent)"

# two of three must say yes
story quorum '{call: {pay: {amount: 500}}}' '{approvers: [ann, bob, cem], quorum: 2}'
has "check says it" "2 of ann, bob, cem" "$OUT"
"$PAWL" run a x >/dev/null 2>&1
exits "who is not asked" 1 "$PAWL" approve @last/2 --digest "$(digest 2)" --by dee
has "a word that is refused changes nothing of what it waits for" "waits for your yes or no" "$("$PAWL" ls)"
has "nor what is said of it" "^It waits for your yes or no" "$("$PAWL" show @last)"
has "is told so" "asks for the word of others" "$OUT"
exits "the first" 0 "$PAWL" approve @last/2 --digest "$(digest 2)" --by ann
has "it waits for the other's" "waits for your yes or no" "$("$PAWL" ls)"
exits "the same person again" 0 "$PAWL" approve @last/2 --digest "$(digest 2)" --by ann
exits "is not enough" 3 "$PAWL" resume @last
check "who has said yes" "['ann']" "$(of 's[1]["asked"]["yes"]')"
has "show counts" "1 of 2 have said yes" "$("$PAWL" show @last)"
exits "a change begins anew" 0 "$PAWL" approve @last/2 --digest "$(digest 2)" --by bob --edit amount=300
has "and says so" "asked about anew" "$OUT"
exits "so it still waits" 3 "$PAWL" resume @last
check "nobody has said yes to that" "[]" "$(of 's[1]["asked"]["yes"]')"
"$PAWL" approve @last/2 --digest "$(digest 2)" --by cem >/dev/null 2>&1
"$PAWL" approve @last/2 --digest "$(digest 2)" --by ann >/dev/null 2>&1
exits "two of them" 0 "$PAWL" resume @last
check "sent as it was changed" '{"amount":300}' "$(sent)"

story changed '{call: {pay: {amount: 900}}}' '{approvers: [ann, bob], quorum: 2}'
"$PAWL" run a x >/dev/null 2>&1
"$PAWL" approve @last/2 --digest "$(digest 2)" --by ann >/dev/null 2>&1
exits "who has said yes changes it" 0 "$PAWL" approve @last/2 --digest "$(digest 2)" --by ann --edit amount=400
check "it is changed, and nobody has said yes to that" "400 []" "$(of 's[1]["args"]["amount"], s[1]["asked"]["yes"]' | sed 's/[(,)]//g')"
exits "it is asked about anew" 3 "$PAWL" resume @last
"$PAWL" approve @last/2 --digest "$(digest 2)" --by bob >/dev/null 2>&1
exits "one of two" 3 "$PAWL" resume @last
"$PAWL" approve @last/2 --digest "$(digest 2)" --by ann >/dev/null 2>&1
exits "both" 0 "$PAWL" resume @last
check "as it was changed" '{"amount":400}' "$(sent)"

# two calls at once: each answer is for its own call
story two '{calls: [{pay: {amount: 1, to: x}}, {pay: {amount: 2, to: y}}]}' always
"$PAWL" run a x >/dev/null 2>&1
exits "the digest of the other call" 1 "$PAWL" approve @last/2 --digest "$(digest 3)"
"$PAWL" approve @last/3 --digest "$(digest 3)" --edit to=z >/dev/null 2>&1
"$PAWL" deny @last/2 >/dev/null 2>&1
exits "a yes with a change to one, a no to the other" 0 "$PAWL" resume @last
check "only that is sent" '{"amount":2,"to":"z"}' "$(sent)"
story same '{calls: [{pay: {amount: 1}}, {pay: {amount: 2}}]}' always
"$PAWL" run a x >/dev/null 2>&1
exits "a change into what another call is about" 1 "$PAWL" approve @last/3 --digest "$(digest 3)" --edit amount=1
has "is refused" "another open call" "$OUT"

# the contract
sed -i 's/gate: always/gate: {approvers: [ann], quorum: 2}/' pawl.yaml
exits "more than there are" 2 "$PAWL" check
has "says so" "2 must say yes, and only 1 may" "$OUT"
sed -i 's/gate: .*/gate: {if: {}, when: {}}/' pawl.yaml
exits "two conditions" 2 "$PAWL" check
has "says so" "say one of them" "$OUT"
done_testing
