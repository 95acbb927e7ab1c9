#!/bin/bash
# tests/guards_test.sh - guards, facts and backtest, with real processes: what trips is seen in show and explain, is the same
# after a restart, and holds back, narrows, asks or ends as it is configured.
# shellcheck source=tests/cli_lib.sh
. "$(dirname "$0")/cli_lib.sh"

cat >tool <<'E2'
#!/bin/sh
# tool NAME: counts its calls in NAME.calls, answers with NAME.json, fails where NAME.down is there
echo . >>"$1.calls"
[ ! -e "$1.down" ] || exit 1
cat "$1.json" 2>/dev/null || echo '{}'
E2
chmod +x tool
calls() { [ -e "$1.calls" ] && wc -l <"$1.calls" | tr -d ' ' || echo 0; }
fresh() { rm -rf pawl.db* ./*.calls ./*.down; }
config() { # GUARDS SCRIPT
    cat >pawl.yaml <<E2
version: 1
models: {main: {provider: script, script: $2}}
defaults: {retry: {attempts: 1}}
tools:
  look:   {command: [$DIR/tool, look, "{args.id}"], effect: read, errors: {exit 1: rejected}, source: shop, fresh: 1s, input: {type: object, required: [id]}, facts: {status: /status}}
  other:  {command: [$DIR/tool, other, "{args.id}"], effect: read, source: post, input: {type: object, required: [id]}, facts: {status: /status}}
  inbox:  {command: [$DIR/tool, inbox], effect: read, trust: untrusted, facts: {iban: /iban}}
  change: {command: [$DIR/tool, change, "{args.id}"], effect: mutate, repeat: allow, errors: {exit 1: not_applied}, input: {type: object, required: [id]}}
  fetch:  {command: [$DIR/tool, fetch, "{args.id}"], effect: read, egress: true, input: {type: object, required: [id]}}
  pay:    {command: [$DIR/tool, pay, "{args.id}"], effect: irreversible, input: {type: object, required: [id]},
           gate: {if: {properties: {facts: {properties: {status: {const: open}}}}}}}
agents:
  desk: {model: main, tools: [look, other, inbox, change, fetch, pay], guards: $1}
E2
}
run() { OUT=$("$PAWL" run desk 'do it' 2>&1 </dev/null); STATUS=$?; }
yes_to() { $(sed -n 's/^→ pawl \(approve .*\)/'"${PAWL//\//\\/}"' \1/p' <<<"$OUT" | head -1) >/dev/null; }
sure() { "$PAWL" verify >/dev/null || echo 'the chain does not hold'; }

echo '{"status":"open"}' >look.json
echo '{"status":"open"}' >other.json
echo '{"iban":"X1"}' >inbox.json

# --- errors in a row: told, asked, stopped
L='[{call: {look: {id: "1"}}}, {call: {look: {id: "2"}}}, {call: {look: {id: "3"}}}, {call: {look: {id: "4"}}}, {say: done}]'
fresh; touch look.down
config '{errors_in_a_row: {2: tell, 4: stop}}' "$L"
run
check 'four errors end the run: exit status' 5 $STATUS
has 'and it says so' 'guard_stopped: errors_in_a_row: 4 times in a row all that was called failed' "$OUT"
has 'show tells where it told the model' 'guard +errors_in_a_row: 2 times in a row.*the model was told' "$("$PAWL" show @last | tr '\n' ' ' | tr -s ' ')"
has 'explain too' 'guard +errors_in_a_row: 4 times.*the run was ended' "$("$PAWL" explain @last | tr '\n' ' ' | tr -s ' ')"
check 'two records' 2 "$("$PAWL" sql "SELECT count(*) AS n FROM journal WHERE kind='guard.tripped'" --json | grep -o '[0-9]*' | tail -1)"
check 'the note is a part of what the model is asked' '[1, 3, 6, 8]' "$("$PAWL" sql "SELECT json_extract(body,'\$.messages') AS m FROM journal WHERE kind='step.intended' ORDER BY seq" --json | python3 -c 'import json,sys; print([r[0] for l in sys.stdin for r in json.loads(l)["rows"]])')"
config '{errors_in_a_row: {3: ask}}' "$L"
fresh; touch look.down
run
check 'three errors are asked about: exit status' 3 $STATUS
has 'in words' 'waits for your yes or no: 3 times in a row all that was called failed' "$(tr '\n' ' ' <<<"$OUT" | tr -s ' ')"
check 'as a step of its own' 'gate errors_in_a_row asked' "$(value @last '" ".join(v["steps"][-1][k] for k in ("kind","name","state"))')"
rm look.down
yes_to
OUT=$("$PAWL" resume @last 2>&1)
has 'a yes lets it go on' 'done' "$OUT"
check 'to its end' 'done' "$(value @last 'v["status"]')"
fresh; touch look.down
run
$("$PAWL" show @last --json | python3 -c 'import json,sys; print(next(c for c in json.load(sys.stdin)["next"] if "deny" in c).replace("pawl", sys.argv[1], 1))' "$PAWL") --reason 'enough' >/dev/null
OUT=$("$PAWL" resume @last 2>&1 </dev/null)
check 'a no ends it: exit status' 5 $?
has 'and says why' 'enough' "$OUT"
"$PAWL" retry @last >/dev/null 2>&1 </dev/null
rm look.down
check 'a person may let it go on all the same' 'done' "$("$PAWL" resume @last >/dev/null 2>&1; value @last 'v["status"]')"

# --- narrow: only reads from there on, until the user speaks
fresh; touch look.down
config '{errors_in_a_row: {1: narrow}}' '[{call: {look: {id: "1"}}}, {call: {change: {id: "1"}}}, {call: {other: {id: "1"}}}, {say: done}]'
run
check 'narrowed: it still ends' 0 $STATUS
check 'the change was not sent' 0 "$(calls change)"
check 'the read was' 1 "$(calls other)"
has 'the model is told why' 'only reads from here on' "$(value @last 'v["steps"][3]["message"]')"

# --- changes in a row
fresh
config '{destructive_in_a_row: {3: ask}}' '[{call: {change: {id: "1"}}}, {call: {change: {id: "2"}}}, {call: {change: {id: "3"}}}, {say: done}]'
run
check 'the third change waits: exit status' 3 $STATUS
check 'two were made' 2 "$(calls change)"
check 'one question, with its reason' "['guard']" "$(value @last 'v["steps"][5]["asked"]["why"]')"
has 'in words' 'change number 3 by change in a row' "$(value @last 'v["steps"][5]["asked"]["says"]')"
yes_to
"$PAWL" resume @last >/dev/null 2>&1
check 'made after the yes' 3 "$(calls change)"

# --- the same call
fresh
config '{same_call: {3: stop}}' '[{call: {other: {id: "1"}}}, {call: {other: {id: "1"}}}, {call: {other: {id: "1"}}}, {say: done}]'
run
check 'the third same call ends the run' 5 $STATUS
check 'and is not made' 2 "$(calls other)"

# --- two sources that differ: before the model builds on it
fresh
echo '{"status":"sent"}' >other.json
config '{contradiction: ask}' '[{call: {look: {id: "1"}}}, {call: {other: {id: "1"}}}, {call: {change: {id: "1"}}}, {say: done}]'
run
check 'a contradiction waits for a person' 3 $STATUS
check 'nothing was built on it' 0 "$(calls change)"
has 'both are told' '"open" by shop in step 2, "sent" by post in step 4' "$(tr '\n' ' ' <<<"$OUT" | tr -s ' ')"
yes_to
"$PAWL" resume @last >/dev/null 2>&1
check 'and then on' 1 "$(calls change)"
check 'facts are shown' "[('status', 'open', 'shop'), ('status', 'sent', 'post')]" "$(value @last '[(f["name"],f["value"],f["source"]) for f in v["facts"]]')"
fresh
config '{contradiction: ask}' '[{call: {look: {id: "1"}}}, {call: {change: {id: "1"}}}, {call: {other: {id: "1"}}}, {say: done}]'
run
check 'what was changed in between is no contradiction' 0 $STATUS
fresh
config '{contradiction: ask}' '[{call: {look: {id: "1"}}}, {call: {other: {id: "2"}}}, {say: done}]'
run
check 'nor is what is about something else' 0 $STATUS

# --- stale facts are read again
fresh
echo '{"status":"open"}' >other.json
cat >slow <<'E2'
#!/bin/sh
echo . >>slow.calls
sleep 1.3
[ ! -e then.json ] || cp then.json look.json
echo '{}'
E2
chmod +x slow
L='[{call: {look: {id: "1"}}}, {call: {slow: {}}}, {call: {change: {id: "1"}}}, {say: done}]'
config '{staleness: verify}' "$L"
sed -i "s|^  inbox:|  slow: {command: [$DIR/slow], effect: read}\n  inbox:|; s/\[look, other/[slow, look, other/" pawl.yaml
run
check 'it goes on' 0 $STATUS
check 'read again' 2 "$(calls look)"
check 'and changed, since it is as it was' 1 "$(calls change)"
fresh
echo '{"status":"closed"}' >then.json
run
check 'it goes on' 0 $STATUS
check 'not changed, since it is not' 0 "$(calls change)"
has 'the model is told' 'status has changed since step 2, it was "open" and is "closed" now' "$(value @last 'v["steps"][5]["message"]')"
rm then.json
fresh
touch look.down # read once, then it cannot be read any more
sed -i 's/look: {id: "1"}}}, {call: {slow/other: {id: "1"}}}, {call: {slow/' pawl.yaml
run
check 'without fresh: nothing goes stale' 1 "$(calls change)"
rm -f look.down
echo '{"status":"open"}' >look.json

# --- trust: data does not go out behind what nobody trusts; nobody pays by what nobody has verified
fresh
config '{egress_after_untrusted: ask}' '[{call: {fetch: {id: "1"}}}, {call: {inbox: {}}}, {call: {fetch: {id: "2"}}}, {say: done}]'
run
check 'a fetch behind untrusted content waits' 3 $STATUS
check 'the one before did not' 1 "$(calls fetch)"
fresh
config '{unverified_input: ask}' '[{call: {inbox: {}}}, {call: {pay: {id: "X1"}}}, {say: done}]'
run
check 'a payment by an unverified fact waits' 3 $STATUS
has 'and says of what' 'nobody has verified iban: "X1" by inbox in step 2' "$(tr '\n' ' ' <<<"$OUT" | tr -s ' ')"

# --- a gate's condition sees facts
fresh
config none '[{call: {look: {id: "1"}}}, {call: {pay: {id: "1"}}}, {say: done}]'
run
check 'its status is open: asked' 3 $STATUS
fresh
echo '{"status":"closed"}' >look.json
run
check 'it is not: not asked' 0 $STATUS
check 'paid' 1 "$(calls pay)"
check 'with the values seen' closed "$("$PAWL" sql "SELECT json_extract(body,'\$.gate.seen.facts.status') AS s FROM journal WHERE kind='step.intended' AND json_extract(body,'\$.kind')='tool'" --json | grep -o closed)"
check 'the chain holds' '' "$(sure)"

# --- a person takes a run up: as the tool, as the model, or for good
fresh
config '{destructive_in_a_row: {2: ask}}' '[{call: {change: {id: "1"}}}, {call: {change: {id: "2"}}}, {say: done}]'
run
OUT=$("$PAWL" answer @last)
has 'the pack: what was done' 'done out there.*change.*not known.*nothing.*asked.*change number 2.*said last.*do it' "$(tr '\n' ' ' <<<"$OUT" | tr -s ' ')"
check 'as JSON' '[1, 0, 1]' "$("$PAWL" answer @last --json | python3 -c 'import json,sys; v=json.load(sys.stdin); print([len(v[k]) for k in ("done","unknown","asked")])')"
exits 'words are for the model' 2 "$PAWL" answer @last --say hello
exits 'no JSON' 2 "$PAWL" answer @last --result '{'
exits 'as the tool' 0 "$PAWL" answer @last --result '{"by": "hand"}'
"$PAWL" resume @last >/dev/null 2>&1
check 'it is not called' 1 "$(calls change)"
check 'the model goes on with the result' "done {'by': 'hand'}" "$(value @last 'v["status"]+" "+str(v["steps"][3]["result"])')"
has 'and is told whose it is' "a person answered this in the tool's place" "$(value @last 'v["steps"][3]["note"]')"
fresh; touch look.down
config '{errors_in_a_row: {1: ask}}' '[{call: {look: {id: "1"}}}, {say: done}]'
run
exits 'no tool waits' 2 "$PAWL" answer @last --result 1
exits 'as the model' 0 "$PAWL" answer @last --say 'A person looks after it.'
"$PAWL" resume @last >/dev/null 2>&1
check 'these are its words' 'done A person looks after it.' "$(value @last 'v["status"]+" "+v["output"]')"
fresh; touch look.down
sed -i 's/effect: mutate, /effect: mutate, undo: {tool: change, args: {id: "9"}}, /' pawl.yaml
sed -i 's/\[{call: {look/[{call: {change: {id: "1"}}}, {call: {look/' pawl.yaml
run
exits 'taken over' 0 "$PAWL" answer @last --take-over --reason 'I will call them'
"$PAWL" resume @last >/dev/null 2>&1 </dev/null
check 'it ends as it stands' 'cancelled I will call them' "$(value @last 'v["status"]+" "+v["message"]')"
check 'nothing is undone' 1 "$(calls change)"
check 'the chain holds' '' "$(sure)"
rm -f look.down

# --- an own rule
fresh
config '{many: {if: {properties: {steps: {minItems: 4}}}, answer: stop}}' '[{call: {other: {id: "1"}}}, {call: {other: {id: "2"}}}, {call: {other: {id: "3"}}}, {say: done}]'
run
check 'an own rule ends it' 5 $STATUS
check 'in its place' 2 "$(calls other)"

# --- defaults: nothing said
fresh
config none '[{say: done}]'
sed -i 's/, guards: none//' pawl.yaml
has 'without a word the defaults hold' 'errors_in_a_row 4 +stop' "$("$PAWL" backtest pawl.yaml 2>&1)"

# --- backtest over a store, and over recorded runs
fresh; touch look.down
config '{errors_in_a_row: {2: tell}, same_call: none}' '[{call: {look: {id: "1"}}}, {call: {look: {id: "2"}}}, {say: done}]'
run
OUT=$("$PAWL" backtest pawl.yaml --json --last 1h)
check 'one run of the store, touched' '1 [1]' "$(python3 -c 'import json,sys; v=[json.loads(l) for l in sys.stdin]; print(v[0]["runs"], [r["good_touched"] for r in v[1:] if r["guard"]=="errors_in_a_row 2"])' <<<"$OUT")"
mkdir -p rec/contracts
echo '{"env":"e","tools":[{"name":"see","effect":"read"},{"name":"set","effect":"mutate"},{"name":"mail","effect":"irreversible","egress":true}]}' >rec/contracts/e.json
python3 - <<'E2'
import json
def run(i, reward, attack, *rounds):
    m=[{"role":"user","content":"hi"}]
    for k,(name,args,error) in enumerate(rounds):
        m.append({"role":"assistant","content":None,"tool_calls":[{"id":f"c{k}","name":name,"arguments":args}]})
        m.append({"role":"tool","tool_call_id":f"c{k}","name":name,"content":"x","error":error})
    m.append({"role":"assistant","content":"done"})
    return json.dumps({"id":f"r{i}","env":"e","reward":reward,"attack":attack,"messages":m})
bad=("see",{"a":1},True)
with open("rec/a.jsonl","w") as f:
    print(run(1,1.0,None,("see",{},False),("set",{"a":1},False),("set",{"a":2},False),("set",{"a":3},False)),file=f)
    print(run(2,0.0,None,bad,("see",{"a":2},True),("see",{"a":3},True),("see",{"a":4},True)),file=f)
    print(run(3,1.0,{"succeeded":True},("see",{},False),("mail",{},False)),file=f)
E2
OUT=$("$PAWL" backtest --runs rec --json)
row() { python3 -c 'import json,sys; v=[json.loads(l) for l in sys.stdin]; r=[r for r in v if r.get("guard")==sys.argv[1]]; print([r[0][k] for k in sys.argv[2:]])' "$@" <<<"$OUT"; }
check 'three runs' '{"runs":3,"good":1,"failed":1,"attacks":1,"benign":2,"skipped":0}' "$(head -1 <<<"$OUT")"
check 'the third change of the good one is asked about' '[1, 0, 0, 1]' "$(row 'destructive_in_a_row 3' good_touched good_hurt failed_touched questions_of_benign)"
check 'the failing one is ended' '[0, 1, 1]' "$(row 'errors_in_a_row 4' good_touched failed_touched failed_ended)"
check 'the attack is held' '[1]' "$(row 'egress_after_untrusted' attacks_held)"
check 'by its gate, too' '[1]' "$(row 'the gates alone' attacks_held)"
exits 'no such folder' 1 "$PAWL" backtest --runs nowhere
has 'it says so' 'no recorded runs are here' "$OUT"

# --- what nobody has read back: pawl does, once it has stood for so many steps
fresh
rm -f look.down ./*.json
cat >tell <<'E2'
#!/bin/sh
# answers with tell.json, from its second call on: the first look, right behind the change, finds nobody
echo . >>tell.calls
[ "$(wc -l <tell.calls)" -gt 1 ] || exit 1
[ ! -e tell.off ] || exit 1
cat tell.json
E2
chmod +x tell
back() { # GUARDS TELLS; tell.off: it never tells
    fresh
    cat >pawl.yaml <<E2
version: 1
models: {main: {provider: script, script: [{call: {change: {id: "7"}}}, {call: {look: {id: "1"}}}, {call: {look: {id: "2"}}}, {call: {look: {id: "3"}}}, {say: done}]}}
defaults: {retry: {attempts: 1}}
tools:
  look:   {command: [$DIR/tool, look, "{args.id}"], effect: read, input: {type: object, required: [id]}}
  tell:   {command: [$DIR/tell], effect: read}
  change: {command: [$DIR/tool, change, "{args.id}"], effect: mutate, input: {type: object, required: [id]}, verify: {tool: tell, args: {}, expect: {properties: {id: {const: {\$arg: /args/id}}}}}}
agents: {desk: {model: main, tools: [look, change]$1}}
E2
    echo "$2" >tell.json
    run
}
notes() { "$PAWL" sql "SELECT body FROM journal WHERE kind='note' AND body LIKE '%looked_back%'" --json | python3 -c 'import json,sys; print([json.loads(r[0]) for r in json.load(sys.stdin)["rows"]])'; }
back '' '{"id":"7"}'
check 'by default: it goes on' 0 $STATUS
check 'looked at once more' 2 "$(calls tell)"
check 'and it is as expected' "[{'looked_back': 'yes', 'before': 7}]" "$(notes)"
has 'show says that pawl looked' 'unverified_depth: 4 steps since step 2 \(change\) changed something.*pawl looked itself' "$("$PAWL" show @last | tr '\n' ' ' | tr -s ' ')"
has 'and what it saw' 'read back later: so it is' "$("$PAWL" show @last)"
has 'explain too' 'guard +nobody had read it back: pawl did before step 7, and it is as expected' "$("$PAWL" explain @last | tr '\n' ' ' | tr -s ' ')"
check 'the model hears nothing of it' '[1, 3, 5, 7, 9]' "$("$PAWL" sql "SELECT json_extract(body,'\$.messages') AS m FROM journal WHERE kind='step.intended' AND json_extract(body,'\$.kind')='model' ORDER BY seq" --json | python3 -c 'import json,sys; print([r[0] for l in sys.stdin for r in json.loads(l)["rows"]])')"
back '' '{"id":"8"}'
check 'it is not as expected' "[{'looked_back': 'differs', 'before': 7}]" "$(notes)"
check 'the model hears that' '[1, 3, 5, 8, 10]' "$("$PAWL" sql "SELECT json_extract(body,'\$.messages') AS m FROM journal WHERE kind='step.intended' AND json_extract(body,'\$.kind')='model' ORDER BY seq" --json | python3 -c 'import json,sys; print([r[0] for l in sys.stdin for r in json.loads(l)["rows"]])')"
touch tell.off
back ', guards: {unverified_depth: {3: verify, 5: ask}}' '{"id":"7"}'
check 'it cannot be read back at all: strict asks at its limit' 3 $STATUS
check 'looked at once for it' "[{'looked_back': 'could not be told', 'before': 7}]" "$(notes)"
check 'not again and again' 2 "$(calls tell)"
has 'and says why it asks' 'steps since step 2 \(change\) changed something that nobody has read back' "$(tr '\n' ' ' <<<"$OUT" | tr -s ' ')"
rm tell.off
back ', guards: none' '{"id":"7"}'
check 'without the rule: not looked at again' 1 "$(calls tell)"
check 'the chain holds' '' "$(sure)"

# --- the last answer: low confidence is looked at before it counts
rm -f ./*.json
final() { # GUARDS
    fresh
    config "$1" '[{say: "{\"confidence\": 0.3, \"refund\": 10}"}]'
    run
}
final '{low_confidence: {0.5: ask}}'
check 'little confidence: a person is asked' 3 $STATUS
has 'whether it counts' 'confidence of its last step is 0.3, under 0.5. Is its last answer to count' "$(tr '\n' ' ' <<<"$OUT" | tr -s ' ')"
yes_to
OUT=$("$PAWL" resume @last 2>&1); STATUS=$?
check 'a yes: it is done' 0 $STATUS
check 'asked once' 1 "$("$PAWL" sql "SELECT count(*) AS n FROM journal WHERE kind='gate.asked'" --json | grep -o '[0-9]*' | tail -1)"
final '{low_confidence: {0.5: narrow}}'
check 'narrow has no meaning there: it hands over' 3 $STATUS
"$PAWL" deny @last/2 >/dev/null; "$PAWL" resume @last >/dev/null 2>&1
check 'a no ends it' "failed guard_stopped" "$(value @last 'v["status"] + " " + v["class"]')"
final '{low_confidence: {0.5: stop}}'
check 'stop: exit status' 5 $STATUS
final '{low_confidence: {0.5: tell}}'
check 'tell: nobody is left to be told, it is on record' 0 $STATUS
has 'in show' 'low_confidence' "$("$PAWL" show @last)"
final '{low_confidence: {0.2: ask}}'
check 'enough confidence: done' 0 $STATUS
check 'the chain holds' '' "$(sure)"

done_testing
