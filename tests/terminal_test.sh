#!/bin/bash
# tests/terminal_test.sh - the binary at a terminal: widths, colours, questions, Ctrl-C and kill -9 in the middle of a run.
. "$(dirname "$0")/cli_lib.sh"

"$PAWL" init >/dev/null
mock

# From the first line to the last: a run that is killed, taken up, asked about, and ends
mock 'GET /orders#1=slow:20s'
at_terminal "kill -9 in the middle" 137 'get_order …' '\k' -- "$PAWL" run refunds 'Order #W0000007 arrived broken'
mock
exits "check beside it" 0 "$PAWL" check
at_terminal "resume asks" 0 'send it\?' 'y\n' -- "$PAWL" resume @last
has "the call is shown whole" '"amount":42' "$TEXT"; has "who said yes" 'yes \(you\)' "$TEXT"; has "its end" 'done in' "$TEXT"
exits "show" 0 "$PAWL" show @last
has "two lives" '2 lives' "$OUT"
check "and no more" 2 "$(value @last 'v["lives"]')"
at_terminal "nothing that waits" 1 -- "$PAWL" approve @last
has "is told" 'nothing in run .* waits for an answer' "$TEXT"

# Ctrl-C: the step is finished, the next one does not begin
mock 'GET /orders#1=slow:700ms'
at_terminal "interrupted" 130 'get_order …' '\c' -- "$PAWL" run refunds 'Order #W0000007 arrived broken'
has "what is done" 'finishing what is under way' "$TEXT"
has "what to type" '→ pawl resume [0-9a-f-]+' "$TEXT"
check "the step was finished" done "$(value @last 'v["steps"][1]["state"]')"
check "the next was not begun" 2 "$(value @last 'len(v["steps"])')"
exits "it can go on" 3 "$PAWL" resume @last
check "a hand-over is no death" 1 "$(value @last 'v["lives"]')"
"$PAWL" cancel @last >/dev/null

# Twice: at once
mock 'GET /orders#1=slow:20s'
at_terminal "interrupted twice" 130 'get_order …' '\c' 'once more stops now' '\c' -- "$PAWL" run refunds 'Order #W0000007 arrived broken'
has "what is so" 'nothing that was acknowledged is lost' "$TEXT"
mock
exits "it can go on" 3 "$PAWL" resume @last
"$PAWL" cancel @last >/dev/null

# At the question
at_terminal "later" 3 'send it\?' '\n' -- "$PAWL" run refunds 'Order #W0000007 arrived broken'
has "what to type" '→ pawl approve [0-9a-f-]+/4$' "$TEXT"
at_terminal "an interrupt answers nothing" 3 'send it\?' '\c' -- "$PAWL" resume @last
check "it waits" gate "$(value @last 'v["waiting"]')"
at_terminal "the end of input answers nothing" 3 'send it\?' '\d' -- "$PAWL" resume @last
at_terminal "neither yes nor no" 0 'send it\?' 'maybe\n' 'send it\?' 'n\n' 'why\?' 'ask for a photo\n' -- "$PAWL" resume @last
check "the reason is kept" 'ask for a photo' "$(value @last '[s["answered"]["reason"] for s in v["steps"] if "answered" in s][0]')"
"$PAWL" run refunds 'Order #W0000007 arrived broken' </dev/null >/dev/null
at_terminal "approve asks" 3 'send it\?' 'n\n' -- "$PAWL" approve @last
has "nothing was said" 'not answered' "$TEXT"
at_terminal "approve asks" 0 'send it\?' 'y\n' -- "$PAWL" approve @last
has "what goes on" '→ pawl resume' "$TEXT"

# A conversation
cat >chat.yaml <<'YAML'
version: 1
store: sqlite:chat.db
models: {m: {provider: script, script: [{say: "Hello.\e[31m\u202egnirts"}, {say: Two.}, {say: Three.}]}}
agents: {talk: {model: m}}
YAML
at_terminal "a conversation" 3 'you>' 'more\n' 'Two.*you>' '\d' -- "$PAWL" run talk hi --chat --config chat.yaml
check "three turns" 2 "$("$PAWL" show @last --config chat.yaml --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["turns"]))')"
hasnot "what a model says writes nothing" $'\x1b\\[31mgnirts' "$OUT"
hasnot "nor turns the line round" $'\xe2\x80\xae' "$OUT"
has "but is seen" 'Hello' "$TEXT"

# Widths, colours
"$PAWL" run refunds 'Order #W0000007 arrived broken, which is a long story that does not fit into one line of a narrow terminal' </dev/null >/dev/null
widest() { python3 -c 'import sys,unicodedata
print(max(sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in l.rstrip("\n")) for l in sys.stdin))' <<<"$TEXT"; }
for width in 40 60 80 200; do
    for words in 'ls' 'show @last' 'help' 'run -h' 'check' 'resolve -h' 'show @last/4'; do
        # shellcheck disable=SC2086
        at_terminal "pawl $words" 0 -w $width -- "$PAWL" $words
        [ "$(widest)" -le "$width" ]
        check "pawl $words stays within $width columns: $(widest)" 0 $?
    done
done
at_terminal "colours" 0 -- "$PAWL" ls; has "are there" $'\x1b\\[' "$OUT"
at_terminal "NO_COLOR" 0 -e NO_COLOR=1 -- "$PAWL" ls; hasnot "is obeyed" $'\x1b\\[' "$OUT"
at_terminal "an empty NO_COLOR" 0 -e NO_COLOR= -- "$PAWL" ls; has "is none" $'\x1b\\[' "$OUT"
at_terminal "a dumb terminal" 0 -e TERM=dumb -- "$PAWL" show @last; hasnot "gets no colours" $'\x1b\\[[0-9]' "$OUT"
exits "a pipe" 0 "$PAWL" show @last; hasnot "gets no colours" $'\x1b' "$OUT"
at_terminal "sql" 0 -w 40 -- "$PAWL" sql 'SELECT run, agent, status FROM runs'
done_testing
