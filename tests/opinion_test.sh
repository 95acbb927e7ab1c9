#!/bin/bash
# tests/opinion_test.sh - second opinions with real processes: a model, a read and a rule have a say before a payment leaves;
# what is done where they do not agree, or cannot be asked; SIGKILL while one is asked.
. "$(dirname "${BASH_SOURCE[0]}")/cli_lib.sh"

story() { # NAME SAYS OPINION AMOUNT
    cat >pawl.yaml <<E2
version: 1
store: sqlite:$1.db
models:
  m: {provider: script, script: [{say: "The vase broke.", call: {pay: {order: "7", amount: $4}}}, {say: done}]}
  second: {provider: script, script: [$2]}
tools:
  pay:
    description: Pay an order back.
    command: [$DIR/tool, pay]
    effect: mutate
    key: {}
    input: {type: object, required: [amount]}
  order: {command: [$DIR/tool, order], effect: read, input: {type: object, required: [order]}}
agents: {a: {model: m, tools: [pay], second_opinion: $3}}
E2
    exits "$1: check" 0 "$PAWL" check
    rm -f pay.calls order.calls
}
cat >tool <<'E2'
#!/bin/sh
echo "$(cat)" >>"$1.calls"
[ "$1" = order ] && echo '{"total":100}' || echo '{"id":"p1"}'
E2
chmod +x tool
sent() { paste -sd' ' pay.calls 2>/dev/null; }
YES='{say: "{\"agree\":true,\"reason\":\"it is what was asked\"}"}'
NO='{say: "{\"agree\":false,\"reason\":\"nobody asked for 500\"}"}'
PROBE='{tool: order, args: {order: {$arg: /args/order}}, expect: {properties: {total: {minimum: {$arg: /args/amount}}}}}'
RULE='{rule: {properties: {args: {properties: {amount: {maximum: 1000}}}}}}'

# all agree: it is sent, and each opinion is a step
story yes "$YES" "{for: [pay], by: [second, $PROBE, $RULE]}" 50
exits "it is done" 0 "$PAWL" run a 'pay it back'
check "it is sent, once" '{"amount":50,"order":"7"}' "$(sent)"
check "a model and a read were asked" "['opinion', 'opinion']" "$(of "[x['kind'] for x in s if x['kind'] == 'opinion']")"
check "the read with the call's own" '{"order":"7"}' "$(cat order.calls)"
check "judged on the digest that was sent" True "$(records "[b['digest'] for k,n,b in r if k=='opinion.judged'][0] == [b['digest'] for k,n,b in r if k=='step.intended' and n==2][0]")"
check "three were heard" "['agrees', 'agrees', 'agrees']" "$(records "[o['said'] for k,n,b in r if k=='opinion.judged' for o in b['opinions']]")"
check "each said so" "['agrees', 'agrees']" "$(of "[x['verdict'] for x in s if x['kind'] == 'opinion']")"
has "explain says so" "^  opinion +3 of 3 second opinions agree, 3 must" "$("$PAWL" explain @last)"
exits "the journal is whole" 0 "$PAWL" verify

# they do not: a person is asked, and sees why
story ask "$NO" "{for: [pay], by: [second, $PROBE]}" 500
exits "a person is asked" 3 "$PAWL" run a x
check "nothing is sent" "" "$(sent)"
has "and told what speaks against it" "0 of 2 second opinions agree, 2 must; second: nobody asked for 500; order: /total" "$("$PAWL" show @last)"
has "each in its line" "judge second 500 7 +[0-9.]+ s +disagrees: nobody asked for 500 \(on step 2\)" "$("$PAWL" show @last)"
check "for that reason" "['opinion']" "$(of "s[1]['asked']['why']")"
exits "a yes" 0 "$PAWL" approve @last/2 --digest "$(of "s[1]['asked']['digest']")"
exits "is the last word" 0 "$PAWL" resume @last
check "it is sent" '{"amount":500,"order":"7"}' "$(sent)"
check "nobody was asked again" 2 "$(of "len([x for x in s if x['kind'] == 'opinion'])")"

# tell, stop, a quorum
story tell "$NO" "{for: [pay], by: [second, $RULE], otherwise: tell}" 500
exits "the model is told" 0 "$PAWL" run a x
check "as denied" denied "$(of "s[1]['class']")"
check "not sent" "" "$(sent)"
story stop "$NO" "{for: [pay], by: [second], otherwise: stop}" 500
exits "the run is stopped" 5 "$PAWL" run a x
check "with a class" guard_stopped "$(of "v['class']")"
has "and says why" "second: nobody asked for 500" "$("$PAWL" show @last)"
story most "$NO" "{for: [pay], by: [second, $PROBE, $RULE], agree: majority}" 50
exits "two of three are enough" 0 "$PAWL" run a x
check "it is sent" '{"amount":50,"order":"7"}' "$(sent)"

# an opinion that cannot be had, or is none
story broken '{say: "sure, go on"}' "{for: [pay], by: [second], otherwise: tell}" 50
exits "no verdict" 0 "$PAWL" run a x
has "is no agreement" "second could not be had: it gave no verdict" "$(of "s[1]['message']")"
story lenient '{fail: 400}' "{for: [pay], by: [second], failed: agrees}" 50
exits "unless that is said" 0 "$PAWL" run a x
check "it is sent" '{"amount":50,"order":"7"}' "$(sent)"

# other opinions count for another tool only
story other "$NO" "{for: [pay], by: [second]}" 50
sed -i 's/tools: \[pay\]/tools: [pay, order]/; s/for: \[pay\]/for: [order]/' pawl.yaml
exits "of a call that is not meant" 0 "$PAWL" run a x
check "nobody is asked" 0 "$(of "len([x for x in s if x['kind'] == 'opinion'])")"

# SIGKILL while one is asked: it is asked for again as the same step, who has answered is not asked again
story kill "$YES" "{for: [pay], by: [$PROBE, second]}" 50
far_away second 'model#1=hang_before'
"$PAWL" run a x >run.out 2>&1 &
RUN=$!
for _ in $(seq 500); do grep -q 'model' far.ledger 2>/dev/null && [ "$(records "sum(k=='step.completed' and n==3 for k,n,b in r)" 2>/dev/null)" = 1 ] && break; sleep 0.02; done
kill -9 $RUN
wait $RUN 2>/dev/null
exits "it goes on" 0 "$PAWL" resume @last
check "asked of each once" 2 "$(records "len([1 for k,n,b in r if k=='opinion.asked'])")"
check "the read was made once" 1 "$(wc -l <order.calls)"
check "the model was asked for a second attempt" 2 "$(of "[x['attempts'] for x in s if x['kind'] == 'opinion' and x['name'] == 'second'][0]")"
check "it is sent, once" '{"amount":50,"order":"7"}' "$(sent)"

done_testing
