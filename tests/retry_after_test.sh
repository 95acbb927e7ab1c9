#!/bin/bash
# tests/retry_after_test.sh - a 429 that names a time holds over a kill -9: whoever goes on with the run calls nobody before it.
. "$(dirname "$0")/cli_lib.sh"
export NO_PROXY='*'
cat >pawl.yaml <<'E2'
version: 1
defaults: {retry: {attempts: 3, first: 1ms, max: 10s}}
models:
  refund: {provider: script, script: [{call: {refund: {order_id: "#W1", amount: 5}}}, {say: done}]}
  far: {provider: openai, base_url: "http://127.0.0.1:1/v1", model: far}
tools:
  refund:
    http: {method: POST, url: "http://127.0.0.1:1/refunds"}
    effect: mutate
    key: {header: Idempotency-Key}
    input: {type: object, required: [order_id, amount]}
agents:
  refund: {model: refund, tools: [refund]}
  far: {model: far}
E2
now() { date +%s%N; }
story() { # NAME, agent, ROUTE as the ledger has it, fault, seconds that it names
    : >mock.out
    rm -rf shop.ledger pawl.db*
    "$PAWL" mock --quiet --ledger shop.ledger --listen 127.0.0.1:0 --fault "$4" >mock.out 2>mock.err &
    MOCK=$!
    await 5 grep -q 'listening on' mock.out || { cat mock.err; check "the mock begins" 1 0; return; }
    PORT=$(sed -n 's/.*listening on .*:\([0-9]*\).*/\1/p' mock.out)
    sed -i "s,http://127.0.0.1:[0-9]*/,http://127.0.0.1:$PORT/," pawl.yaml
    "$PAWL" run "$2" hi >client.out 2>&1 &
    CLIENT=$!
    await 10 said
    local named
    named=$("$PAWL" sql "SELECT json_extract(body, '\$.ended.retry_at') FROM journal WHERE json_extract(body, '\$.ended.retry_at') > 0" | tail -1)
    kill -9 $CLIENT
    wait $CLIENT 2>/dev/null
    check "$1: called once so far" 1 "$(calls "$3")"
    check "$1: the time is in the future still" 1 "$((named > $(now)))"
    "$PAWL" resume @last >resume.out 2>&1 &
    CLIENT=$!
    await 10 taken
    check "$1: the next owner has it, and waits" "1 1" "$(calls "$3") $((named > $(now)))"
    until [ "$(calls "$3")" -gt 1 ] || ! kill -0 $CLIENT 2>/dev/null; do sleep 0.005; done
    check "$1: no call before it" 1 "$(($(now) >= named))"
    wait $CLIENT
    check "$1: then it goes well" "0 done" "$? $(value @last 'v["status"]')"
    check "$1: called twice in all" 2 "$(calls "$3")"
    kill "$MOCK"
    wait "$MOCK" 2>/dev/null
    MOCK=
}
said() { # the 429 is on record, with the time that it names
    [ "$("$PAWL" sql "SELECT count(*) FROM journal WHERE json_extract(body, '\$.ended.retry_at') > 0" | tail -1)" = 1 ]
}
taken() { # the next owner goes on with it
    [ "$(value @last 'v["lives"]')" = 2 ]
}
calls() { # ROUTE
    grep -c "\"call\":\"$1\"" shop.ledger || true
}
story "a tool, in seconds" refund 'POST /refunds' 'POST /refunds#1=429:3'
story "a tool, as a date" refund 'POST /refunds' 'POST /refunds#1=429:date+4'
story "a model" far 'model' 'model#1=429:3'
done_testing
