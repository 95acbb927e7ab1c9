#!/bin/bash
# tests/check_test.sh - what came of a call against what was meant, with real processes: a tool that does not do what it was
# asked for, and each answer to that; what could not be read; SIGKILL between the call's end and its check.
. "$(dirname "${BASH_SOURCE[0]}")/cli_lib.sh"

# A place with a limit and an owner. `set` does what the file `sets` says: its word is the limit that it sets.
cat >tool <<'E2'
#!/bin/sh
in=$(cat)
echo "$1 ${PAWL_IDEMPOTENCY_KEY:-} $in" >>calls
case $1 in
set) cat sets >limit; echo "{\"set\":$(cat limit)}" ;;
get)
    n=$(cat gets); echo $((n + 1)) >gets
    [ -e "down$n" ] && exit 1
    if [ -e "hang$n" ]; then touch hangs; sleep 60; fi
    echo "{\"limit\":$(cat limit),\"owner\":\"ann\"}" ;;
back) [ -e stuck ] && exit 3; echo 7 >limit; echo '{"ok":true}' ;;
esac
E2
chmod +x tool

story() { # NAME SETS CHECK [EFFECT]
    cat >pawl.yaml <<E2
version: 1
store: sqlite:$1.db
models: {m: {provider: script, script: [{call: {set_limit: {account: a1, limit: 500}}}, {say: done}]}}
tools:
  set_limit:
    command: [$DIR/tool, set]
    effect: ${4:-mutate}
    key: {}
    gate: {if: false}
    input: {type: object, required: [account, limit], properties: {account: {type: string}, limit: {type: number}}}
    undo: {tool: put_back, args: {account: {\$arg: /args/account}}}
    before: {tool: get_limit, args: {account: {\$arg: /args/account}}}
    check: $3
  get_limit: {command: [$DIR/tool, get], effect: read, input: {type: object, required: [account]}, retry: {attempts: 1}}
  put_back: {command: [$DIR/tool, back], effect: mutate, key: {}, retry: {attempts: 1}, errors: {exit 3: not_applied}}
agents: {a: {model: m, tools: [set_limit, get_limit]}}
E2
    exits "$1: check" 0 "$PAWL" check
    echo 7 >limit
    echo "$2" >sets
    echo 0 >gets
    rm -f calls down* hang* stuck
}
made() { awk '{print $1}' calls | paste -sd' '; } # the calls, in their order
AFTER='{properties: {after: {required: [limit], properties: {limit: {const: {$arg: /args/limit}}}}}}'

# all holds: it is looked at before and after, and that is in the journal
story holds 500 "[{name: limit, schema: $AFTER}, {name: owner, schema: {properties: {after: {properties: {owner: {const: {\$arg: /before/owner}}}}}}}]"
exits "it is done" 0 "$PAWL" run a x
check "looked at before and after" "get set get" "$(made)"
check "what was there before is with the intent" "{'limit': 7, 'owner': 'ann'}" "$(records "[b['before'] for k,n,b in r if k=='step.intended' and n==2][0]")"
check "what was found with the end" "['holds', 'holds'] 500" "$(records "*[([c['found'] for c in b['checks']], b['after']['limit']) for k,n,b in r if k=='step.completed' and n==2][0]")"
hasnot "explain has nothing to say" "^  check" "$("$PAWL" explain @last)"

# by a reference the same, and what is right is not undone
story reference 500 "{name: limit, then: undo, schema: {\$ref: '#/\$defs/x', \$defs: {x: {required: [after], properties: {after: {required: [limit], properties: {limit: {const: {\$arg: /args/limit}}}}}}}}}"
exits "it is done" 0 "$PAWL" run a x
check "looked at, and not undone" "set get" "$(made)"

# tell, the default: it stays done, and is not sent again
story tell 100 "{name: limit, says: the limit is what was asked for, schema: $AFTER}"
exits "the model is told" 0 "$PAWL" run a x
check "once" "set get" "$(made)"
has "show says so" "check limit does not hold: the limit is what was asked for: /after/limit: expected exactly 500, found 100" "$("$PAWL" show @last)"
has "explain too" "^  check +limit does not hold: .*; the model is told" "$("$PAWL" explain @last)"
check "the step is done" done "$(of "s[1]['state']")"

# fail: an error for the model, and known to have happened
story fail 100 "{name: limit, then: fail, schema: $AFTER}"
exits "the model gets an error" 0 "$PAWL" run a x
check "of its class, applied" "failed out_of_contract True" "$(of "s[1]['state'], s[1]['class'], s[1]['applied']" | tr -d "(),'")"
check "once" "set get" "$(made)"
check "and a retry does not send it again" 1 "$(grep -c ^set calls)"

# undo: before the model is asked again
story undo 100 "{name: limit, then: undo, schema: $AFTER}"
exits "it is undone" 0 "$PAWL" run a x
check "at once" "set get back" "$(made)"
check "behind it, before the model" "['model', 'tool', 'undo', 'model']" "$(of "[x['kind'] for x in s]")"
check "the run goes on" done "$(of "v['status']")"
check "it is as it was" 7 "$(cat limit)"
story stuck 100 "{name: limit, then: undo, schema: $AFTER}"
touch stuck
exits "an undo that fails" 0 "$PAWL" run a x
check "is tried once" "set get back" "$(made)"
has "and said" "its undo failed" "$("$PAWL" show @last)"
has "a person finds it among the dead letters, though the run is done" "something that it did could not be undone.*step 2 \(set_limit\), whose undo failed" "$("$PAWL" dlq | tr '\n' ' ')"
hasnot "which is not tried again" "pawl retry" "$("$PAWL" dlq)"

# ask: a person, before anything else is decided; the default of what cannot be taken back
story ask 100 "$AFTER" irreversible
exits "a person is asked" 3 "$PAWL" run a x
has "and told why" "step 2 \(set_limit\) was done, and it is not as it should be: check: /after/limit: expected exactly 500, found 100" "$("$PAWL" show @last)"
check "for that reason" "['check']" "$(of "s[2]['asked']['why']")"
exits "a yes" 0 "$PAWL" approve @last/3 --digest "$(of "s[2]['asked']['digest']")"
exits "lets it go on" 0 "$PAWL" resume @last
check "once" 1 "$(grep -c ^set calls)"
story no 100 "{name: limit, then: ask, schema: $AFTER}"
exits "a person is asked" 3 "$PAWL" run a x
exits "a no" 0 "$PAWL" deny @last/3
"$PAWL" resume @last >/dev/null 2>&1
check "ends the run" "failed out_of_contract" "$(of "v['status'], v['class']" | tr -d "(),'")"

# what could not be read is told, and nothing is undone for it
story unknown 100 "{name: limit, then: undo, schema: $AFTER}"
touch down0
exits "nothing can be read afterwards" 0 "$PAWL" run a x
check "nothing is undone" "set get" "$(made)"
has "it is said" "check limit: it could not be checked: nothing could be read afterwards" "$("$PAWL" show @last)"

# a condition that does not hold: the check is not meant
story unmeant 100 "{name: limit, if: {properties: {args: {properties: {limit: {minimum: 1000}}}}}, schema: {properties: {after: {const: 0}}}}"
exits "not meant" 0 "$PAWL" run a x
check "not asked" "[{'name': 'limit', 'found': 'not meant'}]" "$(of "s[1]['checks']")"

# a read's own answer
story read 100 "$AFTER"
python3 - <<'E2'
s = open('pawl.yaml').read()
s = s.replace("effect: read, input", "effect: read, check: {name: mine, then: fail, schema: {properties: {result: {properties: {owner: {const: bob}}}}}}, input")
s = s.replace("{call: {set_limit: {account: a1, limit: 500}}}", "{call: {get_limit: {account: a1}}}")
open('pawl.yaml', 'w').write(s)
E2
exits "a read that is not as it should be" 0 "$PAWL" run a x
check "is an error" "failed out_of_contract" "$(of "s[1]['state'], s[1]['class']" | tr -d "(),'")"
check "asked once" "get" "$(made)"

# asked, and the run ends before anybody answers: tried again, it is asked anew, and a yes is not asked for twice
story late 100 "{name: limit, then: ask, schema: $AFTER}"
sed -i 's|a: {model: m,|a: {ends_by: 2s, model: m,|' pawl.yaml
"$PAWL" run a x >/dev/null 2>&1
sleep 2.1
"$PAWL" resume @last >/dev/null 2>&1
check "its time is over" "failed" "$(of "v['status']")"
exits "tried again: a person is asked first" 3 "$PAWL" retry @last
check "about the check" "[['check'], ['check']]" "$(of "[x['asked']['why'] for x in s if x['kind'] == 'gate']")"

# SIGKILL between the call's end and its check: the same key, looked at anew, and what was there before stays as it was seen
story kill 100 "[{name: limit, then: undo, schema: $AFTER}, {name: was, schema: {properties: {before: {properties: {limit: {const: 7}}}}}}]"
touch hang1
"$PAWL" run a x >run.out 2>&1 &
RUN=$!
await 10 test -e hangs || echo "the look never began"
kill -9 $RUN
wait $RUN 2>/dev/null
check "nothing is said of its end yet" 0 "$(records "sum(k in ('step.completed','step.failed') and n==2 for k,n,b in r)")"
exits "it goes on" 0 "$PAWL" resume @last
check "the same key each time" 1 "$(awk '$1 == "set" {print $2}' calls | sort -u | wc -l)"
check "undone once" 1 "$(grep -c ^back calls)"
check "checked once" 1 "$(records "len([1 for k,n,b in r if k=='step.completed' and n==2])")"
check "against what was there before the call" "['does not hold', 'holds']" "$(records "[[c['found'] for c in b['checks']] for k,n,b in r if k=='step.completed' and n==2][0]")"
exits "the journal is whole" 0 "$PAWL" verify

done_testing
