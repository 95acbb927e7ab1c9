#!/bin/bash
# tests/async_test.sh - calls that are accepted (202) and end later, with real processes: polled by whoever owns the store, called
# back to pawl serve; early, twice, late, forged, never; kill -9 between the 202 and its end.
. "$(dirname "$0")/cli_lib.sh"
trap '[ -n "$SERVE" ] && kill -9 "$SERVE" 2>/dev/null; [ -n "$MOCK" ] && kill "$MOCK" 2>/dev/null; rm -rf "$DIR"' EXIT
SERVE=
export PAWL_SERVE_SECRET=s3cret HOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw NO_PROXY='*'

cat >pawl.yaml <<E2
version: 1
models:
  refund: {provider: script, script: [{call: {refund: {order_id: "#W1", amount: 5}}}, {say: done}]}
  mail:   {provider: script, script: [{call: {mail: {to: ann}}}, {say: done}]}
  hook:   {provider: script, script: [{call: {hook: {order_id: "#W2", amount: 5}}}, {say: done}]}
  plain:  {provider: script, script: [{call: {plain: {order_id: "#W3", amount: 5}}}, {say: done}]}
tools:
  refund: # polled; honours keys
    http: {method: POST, url: "http://127.0.0.1:1/refunds"}
    effect: mutate
    key: {header: Idempotency-Key}
    input: {type: object, required: [order_id, amount]}
    output: {type: object, required: [refund_id]}
    retry: {attempts: 2, first: 1ms}
    async: {deadline: 900ms, poll: {first: 50ms, max: 200ms}}
  mail: # called back, not signed; no key, nothing to look at
    http: {method: POST, url: "http://127.0.0.1:1/mails"}
    effect: mutate
    async: {deadline: 3s, callback: {field: callback_url}, poll: none}
  hook: # called back, signed
    http: {method: POST, url: "http://127.0.0.1:1/parcels"}
    effect: mutate
    async: {deadline: 2s, callback: {header: X-Callback-Url, secret: "\${env:HOOK_SECRET}"}, poll: none}
  plain: # says nothing of async: a 202 is as unknown as ever
    http: {method: POST, url: "http://127.0.0.1:1/mails"}
    effect: mutate
agents:
  refund: {model: refund, tools: [refund]}
  mail: {model: mail, tools: [mail]}
  hook: {model: hook, tools: [hook]}
  plain: {model: plain, tools: [plain]}
serve: {listen: "127.0.0.1:0", secret: "\${env:PAWL_SERVE_SECRET}", drain: 5s}
E2

serve() {
    : >serve.out
    "$PAWL" serve "$@" >serve.out 2>serve.err &
    SERVE=$!
    await 10 grep -Eq 'pawl serves' serve.out
    SPORT=$(sed -n 's/.* on http:.*:\([0-9]*\) (.*/\1/p' serve.out)
}
shop() { # faults...: a new shop and a new store
    [ -n "$SERVE" ] && kill -9 "$SERVE" && wait "$SERVE" 2>/dev/null
    SERVE=
    [ -n "$MOCK" ] && kill "$MOCK" && wait "$MOCK" 2>/dev/null
    local a=() f
    for f in "$@"; do a+=(--fault "$f"); done
    rm -rf shop.ledger pawl.db*
    : >mock.out
    "$PAWL" mock --quiet --ledger shop.ledger --webhook-secret "$HOOK_SECRET" --listen "127.0.0.1:$PORT" "${a[@]}" >mock.out 2>mock.err &
    MOCK=$!
    await 5 grep -q 'listening on' mock.out || { cat mock.err; check "the mock begins" 1 0; done_testing; exit; }
    PORT=$(sed -n 's/.*listening on .*:\([0-9]*\).*/\1/p' mock.out)
    sed -i "s,http://127.0.0.1:[0-9]*/,http://127.0.0.1:$PORT/," pawl.yaml
}
happened() { # what: how often
    grep -c "\"effect\":\"$1\"" shop.ledger || true
}
kinds() { # RUN: the kinds of its records
    "$PAWL" sql "SELECT group_concat(kind, ' ') FROM (SELECT kind FROM journal WHERE run = (SELECT run FROM runs ORDER BY created DESC LIMIT 1) ORDER BY seq)" | tail -1
}

shop 'POST /refunds#1=poll:300ms'
check "the configuration holds" "" "$("$PAWL" check 2>&1 >/dev/null)"
has "and is told" "refund: .*where it answers 202 it is asked every 50 ms to 200 ms, and is in doubt after 900 ms" "$("$PAWL" check)"
has "callbacks too" "hook: .*it calls back, signed" "$("$PAWL" check)"

# polled
exits "polled" 0 "$PAWL" run refund hi
has "it is said" "2  accepted; its monitor is asked until" "$OUT"
has "done" "tool  refund.*refund_2" "$OUT"
check "it happened once" 1 "$(happened refund)"
check "called once" 1 "$(grep -c 'POST /refunds' shop.ledger)"
has "the journal is sparing" "step.intended step.accepted (step.polled ){1,2}step.completed" "$(kinds)"
for way in poll_202 poll_303; do
    shop "POST /refunds#1=$way:200ms"
    exits "$way" 0 "$PAWL" run refund hi
    has "$way: its answer" "refund_2" "$OUT"
    check "$way: once" 1 "$(happened refund)"
done
shop 'POST /refunds#1=poll_fails:100ms'
exits "failed there" 0 "$PAWL" run refund hi
has "its words" "accepted, and then failed.*told to fail" "$OUT"
check "nothing happened" 0 "$(happened refund)"
check "the model is told" "rejected" "$(value @last 'v["steps"][1]["class"]')"

# nobody tells: the same ladder as ever. Keys: the same request again; it finds its first one done
shop 'POST /refunds#1=poll_gone:100ms'
exits "gone" 0 "$PAWL" run refund hi
check "gone: asked again with its key" 2 "$(grep -c 'POST /refunds' shop.ledger)"
check "gone: once" 1 "$(happened refund)"
shop 'POST /refunds#*=poll_never'
exits "never over" 4 "$PAWL" run refund hi
has "in doubt when its time is over" "nothing was heard of its end" "$OUT"
# at its deadline the monitor is told to stop it, once, where the contract says so; what it says then is believed
sed -i 's/async: {deadline: 900ms, poll/async: {deadline: 900ms, cancel: true, poll/' pawl.yaml
shop 'POST /refunds#1=poll_never'
exits "told to stop" 0 "$PAWL" run refund hi
check "it is known that nothing happened" "rejected 0" "$(value @last 'v["steps"][1]["class"]') $(happened refund)"
check "called once" 1 "$(grep -c 'POST /refunds' shop.ledger)"
check "told once, and that is on record before" 1 "$("$PAWL" sql "SELECT count(*) FROM journal WHERE kind = 'step.polled' AND body LIKE '%\"stop\":\"DELETE\"%'" | tail -1)"
has "explain says so" "async +its deadline was over: its monitor was told to stop it \(DELETE\), once" "$("$PAWL" explain @last | tr '\n' ' ' | tr -s ' ')"
shop 'POST /refunds#1=poll:300ms'
exits "in time" 0 "$PAWL" run refund hi
check "nobody is told to stop" 0 "$("$PAWL" sql "SELECT count(*) FROM journal WHERE body LIKE '%\"stop\":\"%' AND kind = 'step.polled'" | tail -1)"
# so is it where its run is stopped before that
sed -i 's/deadline: 900ms, cancel/deadline: 60s, cancel/' pawl.yaml
cancelled() { # fault, exit status: the run is cancelled while its call waits to be over
    shop "POST /refunds#1=$1"
    : >client.out
    "$PAWL" run refund hi >client.out 2>&1 &
    CLIENT=$!
    await 10 grep -q 'accepted;' client.out
    exits "stopped by a person ($1)" "$2" "$PAWL" cancel @last --reason 'not after all'
    wait $CLIENT
}
cancelled poll_never 0
check "it was told to stop, once" 1 "$(grep -c 'DELETE /operations' shop.ledger)"
check "what its monitor says then counts: nothing happened" "cancelled cancelled 0" "$(value @last 'v["status"]') $(value @last 'v["steps"][1]["class"]') $(happened refund)"
has "explain says why" "async +the run was stopped: its monitor was told to stop it \(DELETE\), once" "$("$PAWL" explain @last | tr '\n' ' ' | tr -s ' ')"
check "on record before, once" 1 "$("$PAWL" sql "SELECT count(*) FROM journal WHERE kind = 'step.polled' AND body LIKE '%\"stop\":\"DELETE\",%\"cancelled\":true%'" | tail -1)"
# nobody owns the store when it is said: the next owner tells the monitor
shop 'POST /refunds#1=poll_never'
"$PAWL" run refund hi >client.out 2>&1 &
CLIENT=$!
await 10 grep -q 'accepted;' client.out
kill -9 $CLIENT
wait $CLIENT 2>/dev/null
"$PAWL" cancel @last >cancel.out 2>&1
"$PAWL" resume @last >resume.out 2>&1
check "after a kill -9 too" "cancelled 1 0" "$(value @last 'v["status"]') $(grep -c 'DELETE /operations' shop.ledger) $(happened refund)"
sed -i 's/deadline: 60s, cancel/deadline: 4s, cancel/' pawl.yaml
cancelled poll_gone:60s 4
check "a monitor that does not know it: in doubt, for a person" "ending doubt 1" "$(value @last 'v["status"]') $(value @last 'v["waiting"]') $(grep -c 'DELETE /operations' shop.ledger)"
sed -i 's/deadline: 4s, cancel/deadline: 900ms, cancel/' pawl.yaml
shop 'POST /refunds#1=poll_gone:5s'
exits "a monitor that does not know it" 0 "$PAWL" run refund hi
check "the ladder goes on: the same key again" 2 "$(grep -c 'POST /refunds' shop.ledger)"
sed -i 's/cancel: true, poll/poll/' pawl.yaml
shop 'POST /mails#1=202_after'
exits "a 202 of a tool that says nothing of it" 4 "$PAWL" run plain hi
shop 'POST /refunds#1=202_after'
exits "no monitor named" 0 "$PAWL" run refund hi
has "is no wait" "step.intended step.attempted step.attempted step.completed" "$(kinds)"

# called back
run_in_serve() { # agent, seconds: its view is in VIEW
    "$PAWL" run "$1" hi >client.out 2>&1 &
    CLIENT=$!
    await "$2" grep -qE "$1  (done|is in doubt|failed)" serve.out
    wait $CLIENT
}
shop 'POST /mails#1=callback:200ms' 'POST /parcels#1=callback:200ms'
serve
run_in_serve mail 10
has "called back" "tool  mail.*mail_2" "$(cat client.out)"
has "taken" "callback taken" "$(cat serve.out)"
check "the token is in no record" "" "$("$PAWL" sql "SELECT body FROM journal" | grep -o 'callbacks/[^ ]*')"
check "nor the secret" 0 "$("$PAWL" sql "SELECT body FROM journal" | grep -c "$PAWL_SERVE_SECRET")"
run_in_serve hook 10
has "signed" "hook.*done" "$(cat serve.out)"
check "each once" "1 1" "$(happened mail) $(happened parcel)"
has "by record" "step.accepted step.called step.completed" "$(kinds)"
RUN=$("$PAWL" sql "SELECT run FROM runs LIMIT 1" | tail -1)
code() { # URL's rest, options of curl...
    local path=$1
    shift
    curl -s -o answer -m 5 -w '%{http_code}' "$@" "http://127.0.0.1:$SPORT/callbacks/$path"
}
check "no token" 401 "$(code "$RUN/2/" -d '{}')"
check "a guess" 401 "$(code "$RUN/2/$(printf '0%.0s' $(seq 64))" -d '{"result":1}')"
check "no such run" 401 "$(code "00000000-0000-7000-8000-000000000000/2/abc" -d '{}')"
check "nonsense" 401 "$(code "../../etc/passwd" --path-as-is -d '{}')"
check "no body" 400 "$(code "$RUN/2/abc" -X POST)"
check "not UTF-8" 400 "$(printf '"\xff"' | code "$RUN/2/abc" --data-binary @-)"
check "only POST" 405 "$(code "$RUN/2/abc")"
head -c 2000000 /dev/zero | tr '\0' x >large
check "too large" 413 "$(code "$RUN/2/abc" --data-binary @large)"

shop 'POST /mails#1=callback_early'
serve
run_in_serve mail 10
has "before its 202" "mail  done" "$(cat serve.out)"
check "early: once" 1 "$(happened mail)"
shop 'POST /mails#1=callback_twice:100ms'
serve
run_in_serve mail 10
await 5 grep -qE 'callback (duplicate|late)' serve.out
has "twice" "callback taken" "$(cat serve.out)"
has "the second changes nothing" "callback duplicate" "$(cat serve.out)"
check "twice: once" 1 "$(happened mail)"
shop 'POST /mails#1=callback_fails:100ms'
serve
run_in_serve mail 10
check "failed there" rejected "$(value @last 'v["steps"][1]["class"]')"
check "and nothing happened" 0 "$(happened mail)"
shop 'POST /parcels#1=callback_forged:100ms'
serve
run_in_serve hook 10
has "a wrong signature" "callback refused with 401" "$(cat serve.out)"
has "is no answer" "hook  is in doubt" "$(cat serve.out)"
check "in doubt" doubt "$(value @last 'v["waiting"]')"
shop 'POST /parcels#1=callback:3s'
serve
run_in_serve hook 10
await 10 grep -q 'callback late' serve.out
has "too late: said" "callback late" "$(cat serve.out)"
check "and kept for who looks" 1 "$("$PAWL" sql "SELECT count(*) FROM journal WHERE kind = 'note' AND body LIKE '%late%'" | tail -1)"
has "shown" "called back too late: done" "$("$PAWL" show @last)"
exits "a person resolves it" 0 "$PAWL" resolve @last/2 --happened '{"parcel_id":"x"}'
await 5 grep -q 'hook  done' serve.out

# kill -9 between the 202 and the callback: it waits for the next one, wherever that listens... at the same port
shop 'POST /mails#1=callback:1500ms'
serve
sed -i "s/127.0.0.1:0/127.0.0.1:$SPORT/" pawl.yaml
"$PAWL" run mail hi >client.out 2>&1 &
CLIENT=$!
await 5 grep -q 'waits for the end' serve.out
kill -9 "$SERVE" $CLIENT
wait "$SERVE" $CLIENT 2>/dev/null
serve
await 10 grep -q 'mail  done' serve.out
check "after the restart it ends, once" 1 "$(grep -c 'mail  done' serve.out)"
has "explained" "async +called back: done" "$("$PAWL" explain @last)"
check "and it happened once" "1 1" "$(happened mail) $(grep -c 'POST /mails' shop.ledger)"
check "two lives" 1 "$("$PAWL" sql "SELECT count(*) FROM journal WHERE kind = 'step.accepted'" | tail -1)"
# the same for one that is polled: parked, then woken by the next owner
shop 'POST /refunds#1=poll:500ms'
sed -i 's/deadline: 900ms/deadline: 20s/' pawl.yaml
: >client.out
"$PAWL" run refund hi >client.out 2>&1 &
CLIENT=$!
await 5 grep -q 'accepted;' client.out
kill -9 $CLIENT
wait $CLIENT 2>/dev/null
serve
await 10 grep -q 'refund  done' serve.out
check "polled by the next owner" "1 1" "$(happened refund) $(grep -c 'POST /refunds' shop.ledger)"
exits "the chain holds" 0 "$PAWL" verify
kill "$SERVE"
wait "$SERVE"
check "drained" 0 "$?"
SERVE=
done_testing
