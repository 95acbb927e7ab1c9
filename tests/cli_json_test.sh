#!/bin/bash
# tests/cli_json_test.sh - docs/cli.md: what programs are promised of --json, for every command that has it.
. "$(dirname "$0")/cli_lib.sh"

cat >shape.py <<'PY'
"""shape.py MEMBERS... < lines: every line is a JSON object with these members; the last may have its own, behind a colon."""
import json, sys
lines = sys.stdin.read().split("\n")
assert lines.pop() == "", "the last line has no end"
rows = [json.loads(l) for l in lines]
words = sys.argv[1:]
end = words[words.index(":") + 1:] if ":" in words else None
words = words[:words.index(":")] if ":" in words else words
assert rows, "nothing came"
for i, row in enumerate(rows):
    want = end if end is not None and i == len(rows) - 1 else words
    assert isinstance(row, dict) and all(w in row for w in want), (want, row)
PY
json() { # what, exit status, members, then a command
    local what=$1 want=$2 members=$3 got
    shift 3
    "$@" </dev/null >lines 2>words
    got=$?
    check "$what: exit status" "$want" "$got"
    # shellcheck disable=SC2086
    python3 shape.py $members <lines 2>why || { cat lines words why; false; }
    check "$what: its lines" 0 $?
}
digest() { value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"]=="asked"][0]'; }

# shellcheck disable=SC2046
for command in $("$PAWL" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    case $command in mock | sim | bench | help) continue ;; esac
    "$PAWL" "$command" -h | grep -q -- '--json'; check "$command has --json" 0 $?
    grep -q "\`$command[\` ]" "$ROOT/docs/cli.md"; check "docs/cli.md has $command" 0 $?
done

json "init" 0 config "$PAWL" init --json
json "init again" 1 error "$PAWL" init --json
mock
json "check" 0 tool "$PAWL" check --json
printf 'version: 1\nmodels: {m: {provider: script, script: [{say: x}]}}\nagents: {a: {model: m}}\ntools: {t: {command: [x], effect: read}}\nschedules: {s: {cron: "0 7 * * *", agent: a, input: x}}\n' >times.yaml
json "check of a schedule and a tool" 0 'schedule : tool' "$PAWL" check times.yaml --json
printf 'version: 1\nmodles: {}\ntools: {x: {effect: raed}}\n' >bad.yaml
json "check of a bad file" 2 error "$PAWL" check bad.yaml --json
json "run with a bad file" 2 error "$PAWL" run a b --config bad.yaml --json
json "version" 0 version "$PAWL" version --json
json "an empty list" 0 columns "$PAWL" sql --json 'SELECT 1 WHERE 0'
"$PAWL" ls --json >lines; check "ls of no runs prints nothing" "0 0" "$? $(wc -c <lines)"
json "run" 3 'run' sh -c '"$0" run refunds "Order #W0000007 arrived broken" --json | head -1; exit 3' "$PAWL"
json "resume" 3 'step : end' "$PAWL" resume @last --json
json "follow" 3 'step : end' "$PAWL" follow @last --json
json "ls" 0 'run agent status seq lives created_ns' "$PAWL" ls --json
json "show" 0 'run agent status sentence next steps turns lives' "$PAWL" show @last --json
json "show a step" 0 'step kind name state tries' "$PAWL" show @last/4 --json
json "show no step" 1 error "$PAWL" show @last/9 --json
json "approve without a digest" 2 error "$PAWL" approve @last/4 --json
json "approve" 0 'run recorded' "$PAWL" approve @last/4 --digest "$(digest)" --json
json "resume" 0 'step : end' "$PAWL" resume @last --json
json "resume all" 0 runs "$PAWL" resume --all --json
json "verify" 0 'runs records' "$PAWL" verify --json
json "verify a run" 0 'runs records head' "$PAWL" verify @last --json
json "breaker" 0 recorded "$PAWL" breaker refund open --json
json "breakers" 0 'name circuit' "$PAWL" breaker --json
json "breaker" 0 recorded "$PAWL" breaker refund auto --json
json "send to an ended run" 1 error "$PAWL" send @last hello --json
"$PAWL" run refunds 'Order #W0000008 arrived broken' </dev/null >/dev/null
json "deny" 0 'run recorded' "$PAWL" deny @last/4 --json
json "cancel" 0 'step : end' "$PAWL" cancel @last --json
json "resolve what is not in doubt" 1 error "$PAWL" resolve @last/4 --stop --json
json "an option that there is not" 2 error "$PAWL" ls --nosuch --json

# More than fits into one answer, and all of it for a program
cat >many.yaml <<'YAML'
version: 1
store: sqlite:many.db
models: {m: {provider: script, script: [{say: done}]}}
agents: {a: {model: m}}
YAML
for i in $(seq 30); do "$PAWL" run a "$i" --config many.yaml </dev/null >/dev/null || break; done
check "ls shows twenty that have ended, and a word" 21 "$("$PAWL" ls --config many.yaml | wc -l)"
check "ls --all" 30 "$("$PAWL" ls --all --config many.yaml | wc -l)"
check "ls --json" 30 "$("$PAWL" ls --json --config many.yaml | wc -l)"
done_testing
