#!/bin/bash
# tests/context_test.sh - a conversation under a limit, with real processes: long answers become lines and come back by
# recall, a model sums up, a summary that fails, what cannot be brought under the limit, SIGKILL in the middle.
. "$(dirname "${BASH_SOURCE[0]}")/cli_lib.sh"

story() { # NAME CONTEXT LIMIT CALLS...
    local name=$1 context=$2 limit=$3 calls=
    shift 3
    for call in "$@"; do calls="$calls{call: $call}, "; done
    cat >pawl.yaml <<E2
version: 1
store: sqlite:$name.db
models:
  m: {provider: script, script: [$calls{say: done}]}
  sum: {provider: script, script: [$SAYS]}
tools:
  page: {command: [$DIR/page, "{args.n}"], effect: read, input: {type: object, required: [n], properties: {n: {type: string}}}}
agents: {a: {model: m, tools: [page], instructions: Read., budget: {context: $limit}, context: $context}}
E2
    exits "$name: check" 0 "$PAWL" check
}
cat >page <<'E2'
#!/bin/sh
echo "{\"page\":\"$1\",\"text\":\"$(head -c 1500 /dev/zero | tr '\0' x)ä$1\"}"
E2
chmod +x page
SAYS='{say: "Pages were read; nothing is open."}'
A='{page: {n: a}}' B='{page: {n: b}}' C='{page: {n: c}}' D='{page: {n: d}}'

# long answers become lines, and come back
story lines '{keep: [system, first_user, last: 2]}' 1000 '{page: {n: a}}' '{page: {n: b}}' '{page: {n: c}}' '{recall: {step: 2}}' '{recall: {step: 2, from: 750}}' '{recall: {step: 99}}'
exits "it is done" 0 "$PAWL" run a x
check "it was told in fewer words" True "$(of "len(v['pruned']) >= 2 and all(p['tokens']['after'] <= 1000 < p['tokens']['before'] for p in v['pruned'])")"
check "recall is no call of anything" "None" "$(of "s[7].get('intended_ns')")"
check "a long answer comes in pieces" "0 750" "$(of "s[7]['result']['from'], s[7]['result']['next']" | tr -d '(,)')"
check "the next one begins where that ended" "750" "$(of "s[9]['result']['from']")"
check "both are of the step" "True" "$(of "(s[7]['result']['text'] + s[9]['result']['text']).startswith('{\"page\":\"a\"')")"
check "a step that is not there" "bad_arguments" "$(of "s[11]['class']")"
has "show says what was left out, and why" "told in fewer words, about [0-9]+ tokens instead of [0-9]+ \(limit 1000\): it would have passed its limit; long answers of tools up to step 2 are a line each" "$("$PAWL" show @last)"
has "explain, too" "^  context +the conversation is told in fewer words" "$("$PAWL" explain @last)"
check "every request was within the limit" True "$(records "max(b['told'] for k,n,b in r if k=='step.intended') <= 3000")"
exits "the journal is whole" 0 "$PAWL" verify

# a model sums up
story sums '{keep: [system, first_user, last: 2], summarize: sum, to: 40%}' 1000 "$A" "$B" "$C" "$D"
exits "it is done" 0 "$PAWL" run a x
check "there are summaries" True "$(of "sum(x['kind'] == 'summary' and x['state'] == 'done' for x in s) >= 2")"
check "what they say is told in place of what they cover" True "$(of "any(p.get('summary') and p['left_out_to'] for p in v['pruned'])")"
has "show says who sums up" "then sum sums up what stands up to step" "$("$PAWL" show @last)"
has "and that it was" "is left out, and summed up by step" "$("$PAWL" show @last)"
check "a summary calls nothing, and is not the agent's answer" "done" "$(of "v['output']")"

# a summary that fails: without one, or the end
SAYS='{refusal: "I will not"}'
story fails '{keep: [system, first_user, last: 2], summarize: sum, to: 40%, failed: prune}' 1000 "$A" "$B" "$C"
exits "left out without one" 0 "$PAWL" run a x
has "and says so" "the model that sums up said nothing; left out without a summary" "$("$PAWL" show @last)"
story ends '{keep: [system, first_user, last: 2], summarize: sum, to: 40%, failed: end}' 1000 "$A" "$B" "$C"
exits "or it ends, as said" 5 "$PAWL" run a x
check "with a class" budget_exceeded "$(of "v['class']")"
SAYS='{say: x}'

# what must be kept is too long: it says so
story kept '{keep: [system, first_user, last: 12]}' 1000 "$A" "$B" "$C"
exits "it ends" 5 "$PAWL" run a x
has "and says why" "more than budget.context \(1000\), and what must be kept of it is about [0-9]+" "$("$PAWL" show @last)"

# exchanges are left out where that is said
story out '{keep: [system, first_user, last: 2], prune: exchanges, to: 55%}' 1000 "$A" "$B" "$C" "$D"
exits "it is done" 0 "$PAWL" run a x
check "some are left out" True "$(of "v['pruned'][-1].get('left_out_to', 0) > 0")"

# SIGKILL while a model sums up: the same request leaves again, and nothing is decided twice
SAYS='{say: "Pages were read."}'
story kill '{keep: [system, first_user, last: 2], summarize: sum, to: 40%}' 1000 "$A" "$B" "$C"
far_away sum 'model#1=hang_before'
"$PAWL" run a x >run.out 2>&1 &
RUN=$!
for _ in $(seq 500); do grep -q 'model' far.ledger 2>/dev/null && break; sleep 0.02; done
kill -9 $RUN
wait $RUN 2>/dev/null
before=$(records "[b for k,n,b in r if k=='context.pruned']")
exits "it goes on" 0 "$PAWL" resume @last
check "what was decided stands" True "$(records "str([b for k,n,b in r if k=='context.pruned']).startswith('''$before'''[:-1])")"
check "the summary was asked for again, as a further attempt" "2" "$(of "[x['attempts'] for x in s if x['kind'] == 'summary'][0]")"
check "with the very bytes: no other digest is said" "[]" "$(records "[b['digest'] for k,n,b in r if k=='step.attempted' and 'digest' in b]")"

done_testing
