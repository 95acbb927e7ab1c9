#!/bin/bash
# tests/signal_test.sh - signals, with real processes: kept before anybody waits, one for a key, waking a run through the owner's
# socket or by the store, ended by a declared time; and each taken once however often the process is killed.
# shellcheck source=tests/cli_lib.sh
. "$(dirname "$0")/cli_lib.sh"

cat >pawl.yaml <<'E2'
version: 1
models:
  one: {provider: script, script: [{call: {wait_payment: {}}}, {say: "It is paid."}]}
  two: {provider: script, script: [{calls: [{wait_payment: {}}, {wait_payment: {}}]}, {say: "Both came."}]}
  short: {provider: script, script: [{call: {wait_short: {}}}, {say: "Gave up."}]}
  fixed: {provider: script, script: [{call: {wait_fixed: {}}}, {say: "Went on without."}]}
  long: {provider: script, script: [{call: {long: {}}}, {say: "Slept."}]}
  before: {provider: script, script: [{call: {tick: {}}}, {call: {wait_payment: {}}}, {say: "It was there."}]}
tools:
  wait_payment:
    description: Wait until the payment has come in.
    signal: {name: paid, timeout: 1h}
    output: {type: object, required: [amount]}
  wait_short: {signal: {name: never, timeout: 300ms}}
  wait_fixed: {signal: {name: never, timeout: 300ms, otherwise: {amount: 0}}}
  tick: {command: [sleep, "0.5"], effect: read}
  long: {command: [sleep, "20"], effect: read, timeout: 30s}
agents:
  long: {model: long, tools: [long]}
  one: {model: one, tools: [wait_payment]}
  two: {model: two, tools: [wait_payment]}
  short: {model: short, tools: [wait_short]}
  fixed: {model: fixed, tools: [wait_fixed]}
  before: {model: before, tools: [tick, wait_payment]}
E2
exits "the configuration holds" 0 "$PAWL" check
has "and says what a wait is" "wait_short: waits for the signal never for up to 300 ms; then it fails, as timeout" "$OUT"

# the run parks, and says for what
exits "a run that waits" 3 "$PAWL" run one hi
has "its sentence" "It waits for the signal paid at step 2 \(wait_payment\)" "$OUT"
has "what can be done" "→ pawl signal .* paid JSON" "$OUT"
has "explained" "it waits for the signal paid, until" "$("$PAWL" explain @last)"
has "listed" "waits for a signal" "$("$PAWL" ls)"

# what comes is judged at the door
exits "one that does not fit" 2 "$PAWL" signal @last paid '{"amout": 7}'
has "is told so" 'does not fit what waits for it: the member "amount" is missing' "$OUT"
exits "one that is not JSON" 2 "$PAWL" signal @last paid '{amount'
exits "a name that cannot be" 2 "$PAWL" signal @last 'so paid' '{}'
exits "one that is too large" 1 "$PAWL" signal @last other "\"$(head -c 70000 /dev/zero | tr '\0' x)\""
has "is told so" "at most 64 KiB" "$OUT"
exits "a signal" 0 "$PAWL" signal @last paid '{"amount": 7}' --key evt_1
has "is kept where nobody runs it" "recorded; nothing runs it" "$OUT"
exits "again" 0 "$PAWL" signal @last paid '{"amount": 7}' --key evt_1
exits "otherwise" 1 "$PAWL" signal @last paid '{"amount": 8}' --key evt_1
has "is a conflict" "came already, and said something else" "$OUT"
check "it is there once" 1 "$(value @last 'len(v["signals"])')"
exits "the run goes on" 0 "$PAWL" resume @last
has "with it" "It is paid" "$OUT"
check "which the step took" 2 "$(value @last 'v["signals"][0]["taken_by"]')"
check "as its result" 7 "$(value @last 'v["steps"][1]["result"]["amount"]')"
has "explained" "it took the signal paid, key evt_1" "$("$PAWL" explain @last)"
exits "too late" 1 "$PAWL" signal @last paid '{"amount": 9}'
exits "the same one again, late" 0 "$PAWL" signal @last paid '{"amount": 7}' --key evt_1

# two that wait take one each, the older first
"$PAWL" run two hi >/dev/null 2>&1
"$PAWL" signal @last paid '{"amount": 1}' >/dev/null
"$PAWL" signal @last paid '{"amount": 2}' >/dev/null
exits "two" 0 "$PAWL" resume @last
check "in their order" "[1, 2]" "$(value @last '[s["result"]["amount"] for s in v["steps"][1:3]]')"

# before anybody waits, through the socket of the owner that runs it
"$PAWL" run before hi --json >before.out 2>&1 &
owner=$!
for _ in $(seq 100); do grep -q '"run"' before.out && break; sleep 0.02; done
exits "while it does something else" 0 "$PAWL" signal @last paid '{"amount": 3}'
has "the owner has it" "the run goes on" "$OUT"
wait "$owner"
check "it is there when it is wanted" 0 $?
check "and was taken" 3 "$(value @last 'v["steps"][3]["result"]["amount"]')"

# an owner that stays is woken at once: the run of another client
"$PAWL" run long hi --json >hold.out 2>&1 &
owner=$!
for _ in $(seq 100); do grep -q '"run"' hold.out && break; sleep 0.02; done
exits "a client's run" 3 "$PAWL" run one hi
run=$(sed -n 's/^run \([0-9a-f-]*\) .*one.*/\1/p' <<<"$OUT" | head -1)
exits "its signal" 0 "$PAWL" signal "$run" paid '{"amount": 4}'
for _ in $(seq 100); do [ "$(value "$run" 'v["status"]')" = done ] && break; sleep 0.02; done
check "wakes it" done "$(value "$run" 'v["status"]')"
kill -0 "$owner"
check "while the owner lives" 0 $?
kill -KILL "$owner"
wait "$owner" 2>/dev/null

# the end of its time
exits "nobody came" 3 "$PAWL" run short hi
sleep 0.4
exits "its time is over" 0 "$PAWL" resume @last
check "it failed" timeout "$(value @last 'v["steps"][1]["class"]')"
has "in words" "no signal 'never' came within 300 ms" "$(value @last 'v["steps"][1]["message"]')"
exits "nobody came, and that is provided for" 3 "$PAWL" run fixed hi
sleep 0.4
exits "its time is over" 0 "$PAWL" resume @last
check "it goes on with what is fixed" 0 "$(value @last 'v["steps"][1]["result"]["amount"]')"
has "and says so" "no signal came in time" "$(value @last 'v["steps"][1]["note"]')"

# stopped while it waits
"$PAWL" run one hi >/dev/null 2>&1
exits "stopped" 0 "$PAWL" cancel @last
check "it is cancelled" cancelled "$(value @last 'v["status"]')"
exits "the chains hold" 0 "$PAWL" verify

# a configuration that cannot be
cat >bad.yaml <<'E2'
version: 1
tools:
  a: {signal: {name: "so paid"}, effect: mutate, retry: {attempts: 2}}
  b: {signal: {name: paid, timeout: 1h}, command: [ls]}
E2
exits "faults" 2 "$PAWL" check bad.yaml
has "the name" "name: expected 1 to 64 of letters" "$OUT"
has "the time" "key 'timeout' is missing" "$OUT"
has "the effect" "who waits for a signal changes nothing" "$OUT"
has "what plays no part" "retry: nothing is sent for a signal" "$OUT"
has "two at once" "calls something or waits for a signal, not both" "$OUT"
done_testing
