#!/bin/bash
# tests/cli_test.sh - the binary as a person and a script use it: against `pawl mock`, in a folder of its own.
. "$(dirname "$0")/cli_lib.sh"

# What is committed is what the binary prints.
for what in man:man/pawl.1 bash:completions/pawl.bash zsh:completions/_pawl fish:completions/pawl.fish; do
    "$PAWL" help --completion "${what%%:*}" | cmp -s - "$ROOT/docs/${what#*:}"
    check "docs/${what#*:} is what pawl help --completion ${what%%:*} prints" 0 $?
done

# Words
exits "an unknown command" 2 "$PAWL" rnu; has "the nearest command" '→ pawl run' "$OUT"
exits "an unknown option" 2 "$PAWL" run --oops a b; has "it is named" '--oops' "$OUT"
exits "an option with a slip" 2 "$PAWL" run --jsno a b; has "the nearest option" 'did you mean --json' "$OUT"
exits "a value that is not wanted" 2 "$PAWL" ls --json=3; has "is told" 'takes no value' "$OUT"
exits "a value that is missing" 2 "$PAWL" run a b --key; has "is told" '--key needs a value' "$OUT"
exits "a short option" 2 "$PAWL" ls -x; has "is named" 'no option -x' "$OUT"
OUT=$("$PAWL" rnu $'\e[31m' --json 2>&1 </dev/null); hasnot "what was typed writes nothing either" $'\e' "$OUT"
exits "too few arguments" 2 "$PAWL" run refunds
exits "too many arguments" 2 "$PAWL" show a b
exits "help" 0 "$PAWL"; has "the list" 'approve RUN' "$OUT"
for command in $("$PAWL" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    exits "$command -h" 0 "$PAWL" "$command" -h
    has "$command -h has an example" 'example: pawl ' "$OUT"
done
exits "version" 0 "$PAWL" version --json; has "version" '^\{"version":"[0-9.]+"\}$' "$OUT"

# Files
exits "init" 0 "$PAWL" init
cp pawl.yaml before
exits "init again" 1 "$PAWL" init
cmp -s pawl.yaml before; check "init never overwrites" 0 $?
exits "check" 0 "$PAWL" check; has "a line a tool" '^refund: irreversible, asks a human' "$OUT"
printf 'version: 1\nmodles: {}\ntools: {x: {effect: raed}}\n' >bad.yaml
exits "check of a bad file" 2 "$PAWL" check bad.yaml
has "file and line" '^bad.yaml:2: ' "$OUT"; has "the second error too" '^bad.yaml:3: ' "$OUT"
exits "no runs yet" 0 "$PAWL" ls; has "what to type" 'pawl run AGENT INPUT' "$OUT"
exits "show without runs" 1 "$PAWL" show @last

# Where nothing is well around it
exits "no home, no user, no terminal" 0 env -i "$PAWL" ls
"$PAWL" ls <&- >&- 2>&-; check "no standard files" 0 $?
check "nothing was printed into the lock" "" "$(grep -v '^[0-9]*$' pawl.db.lock)"
"$PAWL" ls --all >/dev/full 2>err; check "a full disk behind stdout" 1 $?; has "is told" 'standard output: No space left' "$(cat err)"
exits "nothing on standard input" 2 "$PAWL" run refunds -; has "is told" 'nothing came on standard input' "$OUT"
exits "what is not UTF-8" 2 "$PAWL" run refunds $'\xff\xfe'; has "is told" 'not UTF-8' "$OUT"
exits "an agent with a slip" 1 "$PAWL" run refnds hello; has "the nearest agent" 'did you mean refunds' "$OUT"
exits "no such store" 1 "$PAWL" ls --store sqlite:no/such/folder/x.db; has "what to do" '→ make the folder first' "$OUT"
exits "another kind of store" 2 "$PAWL" ls --store postgres:x; has "what to write" 'sqlite:PATH' "$OUT"
exits "no such file" 1 "$PAWL" ls --config nowhere.yaml; has "what to do" 'pawl init' "$OUT"

# A variable that is not set bars what starts something, and nothing else
cat >secret.yaml <<'YAML'
version: 1
models: {main: {provider: openai, model: m, api_key: "${env:PAWL_TEST_KEY}"}}
agents: {a: {model: main}}
YAML
exits "ls without the variable" 0 env -u PAWL_TEST_KEY "$PAWL" ls --config secret.yaml
exits "run without the variable" 2 env -u PAWL_TEST_KEY "$PAWL" run a hi --config secret.yaml; has "names it" 'PAWL_TEST_KEY is not set' "$OUT"
has "where" 'secret.yaml:2' "$OUT"

# Errors as JSON: a line on stdout, words on stderr
"$PAWL" show @last --json >out 2>err; check "an error with --json" 1 $?
python3 -c 'import json; e=json.load(open("out"))["error"]; assert e["name"]=="not_found" and e["code"]==-6 and e["next"], e'; check "is JSON" 0 $?
has "and words" '^pawl: there is no run yet' "$(cat err)"
"$PAWL" run refnds hi --json 2>/dev/null | python3 -c 'import json,sys; assert json.load(sys.stdin)["error"]["name"]=="not_found"'; check "run --json" 0 $?
"$PAWL" ls --json --stroe x 2>/dev/null | python3 -c 'import json,sys; assert json.load(sys.stdin)["error"]["name"]=="invalid"'; check "usage with --json" 0 $?
rm pawl.yaml; "$PAWL" init --json | python3 -c 'import json,sys; assert json.load(sys.stdin)["config"]=="pawl.yaml"'; check "init --json" 0 $?

# A run that waits, is answered by a script, and ends
mock 'model#1=429'
exits "a run that needs a yes" 3 "$PAWL" run refunds 'Order #W0000007 arrived broken' --key K
has "its command with the digest" '→ pawl approve [0-9a-f-]+/4 --digest [0-9a-f]{64}' "$OUT"
has "the 429 is told" '429' "$OUT"
exits "ls" 0 "$PAWL" ls; has "what it needs" 'waits for your yes or no' "$OUT"
exits "a script without a digest" 2 "$PAWL" approve @last
exits "a script with another digest" 1 "$PAWL" approve @last/4 --digest "$(printf '0%.0s' $(seq 64))"
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"]=="asked"][0]')
exits "approve" 0 "$PAWL" approve @last/4 --digest "$digest"; has "what goes on" '→ pawl resume' "$OUT"
exits "resume" 0 "$PAWL" resume @last; has "its end" 'done in' "$OUT"; has "the repeat" 'not sent: same as step 4' "$OUT"
exits "show" 0 "$PAWL" show @last; has "a sentence first" '^Done: ' "$(head -1 <<<"$OUT")"
exits "explain" 0 "$PAWL" explain @last
has "who was asked" 'gate +a person was asked .* because its contract wants a yes' "$OUT"; has "the 429" 'retry +attempt 1: HTTP 429' "$OUT"
has "the repeat" 'dedupe +it says the same as step 4: it was not sent' "$OUT"
exits "one step explained" 0 "$PAWL" explain @last/1; hasnot "and no other" 'step 4' "$OUT"
exits "one step" 0 "$PAWL" show @last/4; has "its details" 'request  ' "$OUT"; hasnot "and no other" 'get_order' "$OUT"
check "one step as JSON" 4 "$("$PAWL" show @last/4 --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["step"])')"
exits "no such step" 1 "$PAWL" show @last/99; has "how many there are" 'there are [0-9]' "$OUT"
exits "show --at nonsense" 2 "$PAWL" show @last --at 3x
exits "show --at beyond" 2 "$PAWL" show @last --at 999; has "how many there are" 'records 1 to [0-9]' "$OUT"
exits "show --at" 0 "$PAWL" show @last --at 3; has "as it was" '^It is under way' "$OUT"
exits "the same key again" 0 "$PAWL" run refunds 'Order #W0000007 arrived broken' --key K
check "is the same run" 1 "$("$PAWL" ls --json | wc -l)"
exits "the same key, another input" 1 "$PAWL" run refunds 'Order #W0000008' --key K
exits "verify" 0 "$PAWL" verify; has "whole" 'every chain is whole' "$OUT"
exits "sql" 0 "$PAWL" sql 'SELECT status FROM runs'; has "its row" '^done$' "$OUT"

# JSON is one object a line, and nothing else
"$PAWL" run refunds 'Order #W0000009 arrived broken' --json </dev/null >lines; check "run --json: exit status" 3 $?
python3 -c 'import json,sys
rows=[json.loads(l) for l in open("lines")]
assert "run" in rows[0] and "end" in rows[-1] and all("step" in r for r in rows[1:-1]), rows
assert rows[-1]["end"]["waiting"]=="gate" and len(rows)==5, rows'
check "run --json: lines" 0 $?
"$PAWL" deny @last/4 --reason 'not today' </dev/null >/dev/null; check "deny" 0 $?
check "the reason is kept" 'not today' "$(value @last '[s["answered"]["reason"] for s in v["steps"] if "answered" in s][0]')"
exits "cancel" 0 "$PAWL" cancel @last
check "it is cancelled" cancelled "$(value @last 'v["status"]')"

# Said again with the same id after a lost answer, it is done once; something else under that id is refused
exits "a start with an id" 3 "$PAWL" run refunds 'Order #W0000021 arrived broken' --id start-1; before=$(value @last 'v["run"]')
exits "the start again" 3 "$PAWL" run refunds 'Order #W0000021 arrived broken' --id start-1
check "it is the same run" "$before" "$(value @last 'v["run"]')"
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"]=="asked"][0]')
exits "a yes with an id" 0 "$PAWL" approve @last/4 --digest "$digest" --id yes-1
exits "the yes again" 0 "$PAWL" approve @last/4 --digest "$digest" --id yes-1
exits "cancel with an id" 0 "$PAWL" cancel @last --id end-1
exits "cancel again" 0 "$PAWL" cancel @last --id end-1
exits "an empty id" 2 "$PAWL" cancel @last --id ''

# Nobody reads on
"$PAWL" show @last | head -1 >/dev/null; check "a closed pipe is no error" "0 0" "${PIPESTATUS[*]}"
# Foreign text cannot write to a terminal
"$PAWL" run refunds $'Order \e[31m#W0000011\e]0;x\a broken' </dev/null >out 2>&1
"$PAWL" show @last >>out; "$PAWL" ls >>out
grep -q $'[\e\a]' out; check "no escape sequence comes through" 1 $?

# Watching takes nothing up
"$PAWL" run refunds 'Order #W0000014 arrived broken' </dev/null >/dev/null
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"]=="asked"][0]')
"$PAWL" approve @last/4 --digest "$digest" </dev/null >/dev/null
exits "follow" 130 "$PAWL" follow @last; has "what it waits for" '→ pawl resume' "$OUT"
check "it is where it was" approved "$(value @last 'v["steps"][3]["state"]')"
exits "resume" 0 "$PAWL" resume @last

# A parent that ignores the ends of its children takes none from ours
cat >command.yaml <<'YAML'
version: 1
store: sqlite:command.db
models: {m: {provider: script, script: [{call: {name: act, args: {}}}, {say: done}]}}
tools: {act: {command: [sh, -c, "sleep 0.1; echo 7"], effect: mutate, input: {type: object}}}
agents: {a: {model: m, tools: [act]}}
YAML
sed 's/sleep 0.1; echo 7/echo \\"$PAWL_TIMEOUT $PAWL_DEADLINE\\"/' command.yaml >until.yaml
exits "a command that tells its time" 0 "$PAWL" run a go --config until.yaml
has "is told until when somebody waits" '^"(10000|99[0-9][0-9])m 20..-..-..T..:..:..\....Z"$' "$("$PAWL" show @last/2 --json --config until.yaml | python3 -c 'import json,sys; print(json.dumps(json.load(sys.stdin)["result"]))')"
(trap '' CHLD; exec "$PAWL" run a go --config command.yaml </dev/null >out 2>&1); check "SIGCHLD ignored" 0 $?

# A limit on the size of files is an error that says what to do, not the end of the process
mkdir full && cp command.yaml full/
(cd full && ulimit -S -f 20 && exec "$PAWL" run a go --config command.yaml </dev/null) >out 2>&1; check "no room" 1 $?
has "what to do" '→ free some space' "$(cat out)"
(cd full && exec "$PAWL" run a go --config command.yaml </dev/null) >out 2>&1; check "room again" 0 $?

# In doubt: nobody knows, until a person has looked
mock 'POST /refunds#1=drop_after'
cp pawl.yaml moved.yaml; grep -v 'key: {header' moved.yaml >pawl.yaml
"$PAWL" run refunds 'Order #W0000013 arrived broken' </dev/null >/dev/null
digest=$(value @last '[s["asked"]["digest"] for s in v["steps"] if s["state"]=="asked"][0]')
"$PAWL" approve @last/4 --digest "$digest" </dev/null >/dev/null
exits "a lost answer without a key" 4 "$PAWL" resume @last; has "its commands" '→ pawl resolve [0-9a-f-]+/4 --not-happened' "$OUT"
exits "ls" 0 "$PAWL" ls; has "what is in doubt comes first" 'in doubt' "$(head -1 <<<"$OUT")"
exits "two words at once" 2 "$PAWL" resolve @last/4 --stop --not-happened
exits "a result that is not JSON" 2 "$PAWL" resolve @last/4 --happened '{oops'
exits "it happened" 0 "$PAWL" resolve @last/4 --happened '{"refund_id":"r_1"}'
exits "and on" 0 "$PAWL" resume @last
cp moved.yaml pawl.yaml
mock

# At a terminal the exact call is shown and asked about
cat >answer.py <<'PY'
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[1], sys.argv[1:])
seen, said, until = b"", False, time.time() + 20
while time.time() < until:
    if select.select([fd], [], [], 0.2)[0]:
        try:
            piece = os.read(fd, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    if not said and b"send it?" in seen:
        os.write(fd, b"y\n")
        said = True
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
text = re.sub(r"\x1b\[[0-9;]*[mK]", "", seen.decode("utf-8", "replace"))
print(text)
sys.exit(status)
PY
exits "a person says yes" 0 python3 answer.py "$PAWL" run refunds 'Order #W0000012 arrived broken'
has "the call is shown" 'wants to call refund' "$OUT"; has "with its body" '"amount":42' "$OUT"; has "who said it" 'yes \(you\)' "$OUT"

# an anchored head
HEAD=$("$PAWL" verify @last --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["head"])')
exits "an anchored head" 0 "$PAWL" verify @last --head "$HEAD"
has "an anchored head: where" "record [0-9]+ is the one that was written down" "$OUT"
exits "a head of another journal" 1 "$PAWL" verify @last --head "$(printf '%064d' 7)"
has "a head of another journal: said" "is not in it" "$OUT"
exits "a head without a run" 2 "$PAWL" verify --head "$HEAD"

done_testing
