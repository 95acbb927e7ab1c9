#!/bin/bash
# tests/serve_test.sh - pawl serve with real processes: it owns the store, answers the other commands and /healthz, wakes what
# is due, drains on SIGTERM, and what a kill -9 cut off goes on in the next one.
. "$(dirname "$0")/cli_lib.sh"
trap '[ -n "$SERVE" ] && kill -9 "$SERVE" 2>/dev/null; rm -rf "$DIR"' EXIT
SERVE=

cat >slow <<'E2'
#!/bin/sh
# stays until the file go is there, 20 s at the most; says what it did
echo . >>slow.calls
i=0
while [ ! -e go ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i + 1)); done
echo '{"slow":"done"}'
E2
chmod +x slow
cat >pawl.yaml <<E2
version: 1
models:
  main: {provider: script, script: [{say: hello}]}
  calls: {provider: script, script: [{call: {slow: {}}}, {say: done}]}
tools:
  slow: {command: [$DIR/slow], effect: read, timeout: 30s}
agents:
  plain: {model: main}
  slow: {model: calls, tools: [slow]}
serve: {listen: "127.0.0.1:0", drain: 10s}
E2

serve() { # options...
    : >serve.out
    "$PAWL" serve "$@" >serve.out 2>serve.err &
    SERVE=$!
    await 10 grep -Eq 'pawl serves|"serving"' serve.out
    PORT=$(sed -n 's/.* on http:.*:\([0-9]*\) (.*/\1/p' serve.out)
}
stop() { # signal: its exit status
    kill "-$1" "$SERVE"
    wait "$SERVE"
    STATUS=$?
    SERVE=
}
get() { # path, options of curl...
    local path=$1
    shift
    curl -s --noproxy '*' -m 5 -w '%{http_code}' "$@" "http://127.0.0.1:$PORT$path" | tr -d '\n'
}

exits "a host that is not this machine" 2 "$PAWL" serve --listen 10.1.2.3:80
has "is said" "no loopback address" "$OUT"
exits "no port" 2 "$PAWL" serve --listen 127.0.0.1
sed 's/^serve:.*/serve: {listen: 0.0.0.0:80, drian: 1s}/' pawl.yaml >other.yaml
exits "the same in the configuration" 2 "$PAWL" check other.yaml
has "with its line" "other.yaml:10.*loopback" "$OUT"
has "and the nearest key" "did you mean 'drain'" "$OUT"

serve
has "it says where it is" "pawl serves .*pawl.db on http://127.0.0.1:[0-9]+ \(process $SERVE;" "$(cat serve.out)"
has "healthy" '"status":"serving".*"pid":'"$SERVE"'.*200$' "$(get /healthz)"
has "nothing else is there" '404$' "$(get /)"
has "only GET" '405$' "$(get /healthz -X POST -d x)"
has "for this host only" '421$' "$(get /healthz -H 'Host: example.com')"
exits "a second owner" 1 "$PAWL" serve
has "is told who has it" "process $SERVE holds it" "$OUT"
exits "a port that is taken" 1 "$PAWL" serve --store sqlite:other.db --listen "127.0.0.1:$PORT"
has "is said" "address already in use" "$OUT"
check "and no store is kept open by it" 0 "$("$PAWL" ls --store sqlite:other.db >/dev/null 2>&1; echo $?)"
exits "a run by its hand" 0 "$PAWL" run plain hi
has "its news" "plain  done" "$(cat serve.out)"

# drained: what is under way comes to its end, nothing is begun, the rest goes on in the next life
"$PAWL" run slow hi >client.out 2>&1 &
CLIENT=$!
await 10 test -e slow.calls
kill -TERM "$SERVE"
await 5 grep -q 'finishing what is under way' serve.out
has "it says that it drains" '"status":"draining".*503$' "$(get /healthz)"
touch go
wait "$SERVE"
check "drained: exit status" 0 "$?"
SERVE=
has "all is parked" "all is parked" "$(cat serve.out)"
wait $CLIENT
check "the client goes on alone" 0 "$?"
check "nothing was called twice" 1 "$(wc -l <slow.calls)"

# not drained in time
rm go slow.calls
sed -i 's/drain: 10s/drain: 200ms/' pawl.yaml
serve
"$PAWL" run slow hi >/dev/null 2>&1 &
CLIENT=$!
await 10 test -e slow.calls
kill -9 $CLIENT
wait $CLIENT 2>/dev/null
kill -TERM "$SERVE"
await 5 grep -q 'not waiting longer for 1 call' serve.out
has "bounded" 'not waiting longer for 1 call' "$(cat serve.out)"
stop TERM
touch go

# the next life takes up what was left, with nobody asking
serve
await 10 grep -q 'slow  done' serve.out
has "it goes on by itself" "slow  done" "$(cat serve.out)"
check "the store can be asked" "done" "$(value @last 'v["status"]')"

# kill -9 in the middle, and again
rm go slow.calls
"$PAWL" run slow hi >client.out 2>&1 &
CLIENT=$!
await 10 test -e slow.calls
kill -9 $CLIENT "$SERVE"
wait $CLIENT "$SERVE" 2>/dev/null
touch go
serve
await 10 grep -q 'slow  done' serve.out
check "ended once" 1 "$(grep -c 'slow  done' serve.out)"
stop INT
check "interrupted: exit status" 0 "$STATUS"
exits "the chain holds" 0 "$PAWL" verify
serve --json
stop TERM
check "its lines are JSON" 3 "$(python3 -c 'import json,sys; print(sum(1 for l in sys.stdin if json.loads(l)))' <serve.out)"
done_testing
