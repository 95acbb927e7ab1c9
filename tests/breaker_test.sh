#!/bin/bash
# tests/breaker_test.sh - breakers and what stands in, with real processes: each pawl run is one of its own, so that all
# that one knows of the other's failures has gone through the store.
. "$(dirname "$0")/cli_lib.sh"

cat >tool <<'E2'
#!/bin/sh
# tool NAME: says so in NAME.calls, and fails where NAME.down is there
echo . >>"$1.calls"
[ ! -e "$1.down" ] || exit 1
echo '{"from":"'"$1"'"}'
E2
chmod +x tool
cat >pawl.yaml <<E2
version: 1
models:
  main: {provider: script, fallback: [second], breaker: {min_calls: 2, cooldown: 1h}, retry: {attempts: 2, first: 1ms, jitter: none},
         script: [{fail: {status: 500, times: 9}, say: from main}]}
  second: {provider: script, script: [{say: from second}]}
  asks_old: {provider: script, script: [{call: {old: {}}}, {say: done}]}
  asks_other: {provider: script, script: [{call: {other: {}}}, {say: done}]}
  asks_plain: {provider: script, script: [{call: {plain: {}}}, {say: done}]}
  asks_fixed: {provider: script, script: [{call: {fixed: {}}}, {say: done}]}
defaults: {retry: {attempts: 2, first: 1ms, jitter: none}, breaker: {min_calls: 2, cooldown: 1h}}
tools:
  old:   {command: [$DIR/tool, old], effect: read, errors: {exit 1: unavailable}, breaker: {fallback: {cached: 1h}}}
  other: {command: [$DIR/tool, other], effect: read, errors: {exit 1: unavailable}, breaker: {fallback: {tool: good}}}
  good:  {command: [$DIR/tool, good], effect: read}
  plain: {command: [$DIR/tool, plain], effect: read, errors: {exit 1: unavailable}, breaker: {cooldown: 1s, probes: 1}}
  fixed: {command: [$DIR/tool, fixed], effect: mutate, errors: {exit 1: unavailable}, breaker: {fallback: {error: Payments are down.}}}
agents:
  two: {model: main}
  old: {model: asks_old, tools: [old]}
  other: {model: asks_other, tools: [other]}
  plain: {model: asks_plain, tools: [plain]}
  fixed: {model: asks_fixed, tools: [fixed]}
E2

check "the configuration holds" "" "$("$PAWL" check 2>&1 >/dev/null)"

# a model that fails: the next of its list answers, and the journal says who did
out=$("$PAWL" run two hi 2>&1)
has "another model answers" "from second" "$out"
has "the change is shown" "asked second" "$out"
has "its circuit is stored" "model main +open: left alone until" "$("$PAWL" breaker)"
out=$("$PAWL" run two hi 2>&1)
has "and in the next process the first is not even asked" "1  model second" "$out"

# the last good answer, from a process before
"$PAWL" run old hi >/dev/null 2>&1
touch old.down
out=$("$PAWL" run old hi 2>&1)
has "an old answer stands in" "from old.*what it answered .* ago" "$out"
calls=$(wc -l <old.calls)
has "again, while it is left alone" "what it answered" "$("$PAWL" run old hi 2>&1)"
check "without a call" "$calls" "$(wc -l <old.calls)"

touch other.down
out=$("$PAWL" run other hi 2>&1)
has "another tool stands in" "from good.*another tool answered" "$out"

# none declared: the model is told until when
touch plain.down
"$PAWL" run plain hi >/dev/null 2>&1
calls=$(wc -l <plain.calls)
out=$("$PAWL" run plain hi 2>&1)
has "it is told at once" "breaker_open: tool plain keeps failing and is left alone for another 1 s" "$out"
check "nothing was called" "$calls" "$(wc -l <plain.calls)"
rm plain.down
sleep 1.1
out=$("$PAWL" run plain hi 2>&1)
has "then it is probed" "from plain" "$out"
has "and closed" "tool plain +closed" "$("$PAWL" breaker)"

# a change: the fixed sentence, and only where it is known not to have happened
touch fixed.down
"$PAWL" run fixed hi >/dev/null 2>&1
has "a change gets the fixed sentence" "Payments are down" "$("$PAWL" run fixed hi 2>&1)"

# by hand
check "switched off" 0 "$("$PAWL" breaker good open >/dev/null 2>&1; echo $?)"
has "is said" "tool good +switched off by a person" "$("$PAWL" breaker)"
"$PAWL" breaker plain open >/dev/null
has "and holds" "switched off by a person" "$("$PAWL" run plain hi 2>&1)"
"$PAWL" breaker plain auto >/dev/null
has "and is taken back" "from plain" "$("$PAWL" run plain hi 2>&1)"
"$PAWL" breaker nothing open >/dev/null 2>&1
check "a name that is not there" 1 "$?"
check "json" "closed" "$("$PAWL" breaker --json | python3 -c 'import json,sys; print([json.loads(l) for l in sys.stdin if "plain" in l][0]["circuit"]["state"])')"
"$PAWL" verify >/dev/null 2>&1
check "the chain holds" 0 "$?"

done_testing
