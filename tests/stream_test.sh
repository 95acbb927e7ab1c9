#!/bin/bash
# tests/stream_test.sh - what a model says while it still says it is provisional (LEDGER 12): void where the step is made again.
. "$(dirname "$0")/cli_lib.sh"

cat >pawl.yaml <<'YAML'
version: 1
store: sqlite:pawl.db
models: {m: {provider: openai, base_url: "http://127.0.0.1:0/v1", model: m, retry: {first: 10ms}}}
agents: {talk: {model: m}}
YAML
cat >said.yaml <<'YAML'
version: 1
store: sqlite:said.db
models: {m: {provider: script, script: [{say: "Alpha beta gamma delta epsilon zeta eta theta iota kappa omega."}]}}
agents: {talk: {model: m}}
YAML
mock_with() { # options
    PORT=0
    printf '#!/bin/sh\nshift\nexec "%s" mock --script "%s/said.yaml" "$@"\n' "$PAWL" "$DIR" >with_script
    chmod +x with_script
    local real=$PAWL
    PAWL=$DIR/with_script
    mock "$@"
    PAWL=$real
}

# At a terminal it is shown while it comes; when the step is made again that is struck
mock_with 'model#1=cut'
at_terminal "cut and made again" 0 -- "$PAWL" run talk hello
has "shown while it comes" 'm … Alpha beta' "$TEXT"
has "struck" $'\x1b\\[9mAlpha beta[^\x1b]*\x1b' "$OUT"
has "and why" 'Alpha beta.* void: asked again' "$TEXT"
has "from its beginning again" 'attempt 2 … Alpha be$' "$TEXT"
has "and whole" '^Alpha beta .* omega\.$' "$TEXT"

# For programs and in a pipe only what is durable is said
mock_with 'model#1=cut'
exits "in a pipe" 0 "$PAWL" run talk hello
check "said once by the step and once at the end" 2 "$(grep -c 'Alpha' <<<"$OUT")"
hasnot "nothing provisional" 'void|attempt 2 …' "$OUT"
mock_with 'model#1=cut'
exits "as JSON" 0 "$PAWL" run talk hello --json
hasnot "no piece of it" '"text":"' "$OUT"
check "each line is JSON that is whole" ok "$(python3 -c '
import json, sys
for line in sys.stdin:
    if "Alpha" in json.dumps(json.loads(line)) and "omega." not in line: sys.exit("a part of it: " + line)
print("ok")' <<<"$OUT")"
done_testing
