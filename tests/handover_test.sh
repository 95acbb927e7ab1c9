#!/bin/bash
# tests/handover_test.sh - a foreground owner whose own run has ended awaits what another process's run has sent: a slow
# command without a key, which would otherwise be in doubt.
. "$(dirname "$0")/cli_lib.sh"

cat >pawl.yaml <<'YAML'
version: 1
models:
  short: {provider: script, script: [{call: {name: first, args: {}}}, {say: done}]}
  long: {provider: script, script: [{call: {name: second, args: {}}}, {say: done}]}
tools:
  first: {command: [sh, -c, "until [ -s second.begun ]; do sleep 0.05; done; echo 1"], effect: mutate, input: {type: object}, timeout: 30s}
  second: {command: [sh, -c, "echo x >>second.begun; sleep 7; echo 2"], effect: mutate, input: {type: object}, timeout: 30s}
agents:
  a: {model: short, tools: [first]}
  b: {model: long, tools: [second]}
YAML
"$PAWL" run a go </dev/null >a.out 2>a.err & owner=$!
until [ -S pawl.db.sock ]; do sleep 0.05; done
"$PAWL" run b go </dev/null >b.out 2>b.err & client=$!
wait $owner; check "the owner's own run" 0 $?
has "it says what it waits for" 'waiting for calls of other runs' "$(cat a.err)"
wait $client; check "the other's run" 0 $?
check "its command ran once" 1 "$(wc -l <second.begun)"
done_testing
