#!/bin/bash
# tests/schedule_test.sh - schedules, with real processes and the hour that each is told (faketime): begun at their time, caught up
# or left out after a downtime, one behind the other, paused, begun by a person's word; one run a time however often the owner
# is killed around it.
# shellcheck source=tests/cli_lib.sh
. "$(dirname "$0")/cli_lib.sh"
trap '[ -n "$SERVE" ] && kill -9 "$SERVE" 2>/dev/null; rm -rf "$DIR"' EXIT
SERVE=
export TZ=UTC

cat >slow <<'E2'
#!/bin/sh
# stays until the file go is there, 20 s at the most
i=0
while [ ! -e go ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i + 1)); done
echo '{"slow":"done"}'
E2
chmod +x slow
head='version: 1
models:
  main: {provider: script, script: [{say: hello}]}
  calls: {provider: script, script: [{call: {slow: {}}}, {say: done}]}
tools:
  slow: {command: ['$DIR'/slow], effect: read, timeout: 30s}
agents:
  plain: {model: main}
  slow: {model: calls, tools: [slow]}
serve: {listen: "127.0.0.1:0", drain: 10s}
schedules:'
config() { # the lines of schedules
    printf '%s\n' "$head" "$@" >pawl.yaml
}
fresh() { # the same, and a store of its own
    rm -rf pawl.db* go
    config "$@"
}

# ---- what cannot be, with its line and what is near

cat >bad.yaml <<'E2'
version: 1
models: {main: {provider: script, script: [{say: hi}]}}
agents: {plain: {model: main}}
schedules:
  a: {cron: "0 7 * *", timezone: Europe/Berlni, agent: plian, input: x}
  b: {cron: "61 7 * * *", timezone: ../../etc/passwd, agent: plain}
  c: {crno: "0 0 * * *", agent: plain, input: x, catch_up: some, limit: 3}
  d: {cron: "0 0 31 2 *", agent: plain, input: x, catch_up: none, within: 1h}
E2
exits "what cannot be" 2 "$PAWL" check bad.yaml
has "too few fields" "bad.yaml:5: cron: expected five fields" "$OUT"
has "a zone that is not there" "bad.yaml:5: there is no time zone 'Europe/Berlni'; did you mean 'Europe/Berlin'" "$OUT"
has "an agent that is not there" "bad.yaml:5: there is no agent 'plian'; did you mean 'plain'" "$OUT"
has "a minute that is none" "bad.yaml:6: cron: minute: expected a star, or 0 to 59" "$OUT"
has "a way out of the folder" "bad.yaml:6: timezone: expected a name of the time zone database" "$OUT"
has "no input" "bad.yaml:6: key 'input' is missing" "$OUT"
has "the nearest key" "bad.yaml:7: unknown key 'crno'; did you mean 'cron'" "$OUT"
has "a word" "bad.yaml:7: catch_up: expected none, last or all, found 'some'" "$OUT"
has "what plays no part" "bad.yaml:7: limit: only catch_up: all and overlap: queue" "$OUT"
has "a day that never comes" "bad.yaml:8: cron: no such day comes" "$OUT"
has "what plays no part there" "bad.yaml:8: within: with catch_up: none" "$OUT"

# The library itself: its program would stay between us and the process that is to be killed.
library=$(faketime -f '@2026-11-20 05:00:00' sh -c 'printf %s "$LD_PRELOAD"' 2>/dev/null)
at() { # time, arguments of pawl
    local when=$1
    shift
    LD_PRELOAD=$library FAKETIME="@$when" "$PAWL" "$@"
}
if grep -qaE '__(asan|tsan)_init' "$PAWL"; then # both want to be the first to stand before the C library
    echo "skipped: faketime does not work with a sanitizer"
    done_testing
    exit 0
fi
if [ -z "$library" ] || [ "$(at '2026-11-20 05:00:00' version 2>&1)" != "$("$PAWL" version)" ]; then
    echo "skipped: faketime is not there, or does not work with this binary"
    done_testing
    exit 0
fi
serve() { # time, options...
    local when=$1
    shift
    : >serve.out
    LD_PRELOAD=$library FAKETIME="@$when" "$PAWL" serve "$@" >serve.out 2>serve.err &
    SERVE=$!
    await 10 grep -Eq 'pawl serves|"serving"' serve.out
}
stop() { # signal
    kill "-$1" "$SERVE"
    wait "$SERVE" 2>/dev/null
    SERVE=
}
row() { # schedule, PYTHON over s
    "$PAWL" schedule ls --json | python3 -c "
import json,sys
s=[json.loads(l) for l in sys.stdin]
s=[x for x in s if x['name']=='$1'][0]
print($2)"
}
slots() { # schedule: its runs' times
    "$PAWL" sql "SELECT key FROM runs WHERE key LIKE 'schedule/$1/%' ORDER BY key" --json | python3 -c '
import json,sys; print(" ".join(k[0].split("/")[2][11:16] for k in json.load(sys.stdin)["rows"]))'
}

begun() { # schedule, times: soon these and no others
    await 10 eval "[ \"\$(slots $1)\" = '$2' ]"
    check "${3:-the times of $1}" "$2" "$(slots "$1")"
}

# ---- at its time

fresh '  brief: {cron: "0 7 * * mon-fri", timezone: Europe/Berlin, agent: plain, input: {what: news}}'
exits "the configuration holds" 0 at '2026-11-20 05:00:00' check
has "and says when" "brief: begins agent plain at 0 7 .* next Fri 2026-11-20 07:00 \+01:00, Mon 2026-11-23 07:00 \+01:00" "$OUT"
exits "nobody is there" 0 at '2026-11-20 05:00:00' schedule
has "which is said" "next Fri 2026-11-20 07:00 \+01:00, Europe/Berlin" "$OUT"
has "with what to do" "nobody begins them now → pawl serve" "$OUT"
at '2026-11-20 05:59:59' run slow hi >/dev/null 2>&1 </dev/null &
sleep 1.5
touch go
wait $!
check "a run in the foreground over the time ends" 0 $?
check "and begins none" "" "$(slots brief)"
serve '2026-11-20 05:59:58.5'
await 10 grep -q 'done' serve.out
has "it begins, and says for what" "begins, by the schedule brief for 2026-11-20T06:00Z" "$(cat serve.out)"
check "under its key" 06:00 "$(slots brief)"
has "shown" "key schedule/brief/2026-11-20T06:00Z, .*by the schedule brief for 2026-11-20T06:00Z" "$("$PAWL" show @last | tr '\n' ' ' | tr -s ' ')"
has "explained" "by the schedule brief for 2026-11-20T06:00Z" "$("$PAWL" explain @last)"
check "with its input" "{'what': 'news'}" "$(value @last 'v["input"]')"
check "and it stands there" "done 2026-11-20T06:00Z 1" "$(row brief 's["status"],s["last"]["utc"],s["begun"]' | tr -d "(),'")"
hasnot "served" "nobody begins" "$("$PAWL" schedule)"
stop TERM
serve '2026-11-20 06:00:30'
sleep 0.3
stop TERM
check "the same time again is none" 06:00 "$(slots brief)"

# ---- after a downtime

fresh '  none: {cron: "*/10 * * * *", agent: plain, input: x, catch_up: none}' \
    '  last: {cron: "*/10 * * * *", agent: plain, input: x}' \
    '  all: {cron: "*/10 * * * *", agent: plain, input: x, catch_up: all}' \
    '  some: {cron: "*/10 * * * *", agent: plain, input: x, catch_up: all, limit: 2}' \
    '  young: {cron: "*/10 * * * *", agent: plain, input: x, within: 4m}'
serve '2026-11-20 08:00:30'
sleep 0.3
stop KILL
check "the first time that it is seen begins from there" "" "$(slots all)$(slots last)"
serve '2026-11-20 08:35:30'
has "what is left out is said" "schedule none  3 times left out: nobody was there" "$(cat serve.out)"
begun all "08:10 08:20 08:30" "all, the oldest first"
check "none" "" "$(slots none)"
check "the last" 08:30 "$(slots last)"
check "as many as may" "08:20 08:30" "$(slots some)"
check "none that is old" "" "$(slots young)"
check "with the reasons" "{'missed': 3} {'missed': 2} {'old': 1}" \
    "$(for s in none last some; do row $s '{k:v for k,v in s["left_out"].items() if k in ("missed","old")}'; done | tr '\n' ' ' | sed 's/ $//')"
has "in words" "3 because nobody was there; the last one was Fri 2026-11-20 08:30" "$("$PAWL" schedule | tr '\n' ' ' | tr -s ' ')"
stop TERM

# another definition begins from now; one that is gone is forgotten
config '  last: {cron: "*/5 * * * *", agent: plain, input: x}'
serve '2026-11-20 08:52:30'
sleep 0.3
stop TERM
check "another definition catches nothing up" 08:30 "$(slots last)"
config '  last: {cron: "*/5 * * * *", agent: plain, input: x}' '  all: {cron: "*/10 * * * *", agent: plain, input: x, catch_up: all}'
serve '2026-11-20 09:20:30'
await 10 grep -q done serve.out
stop TERM
check "the same one does" "08:30 09:20" "$(slots last)"
check "one that was gone begins anew" "08:10 08:20 08:30" "$(slots all)"

# ---- the run before is not over

fresh '  skip: {cron: "*/10 * * * *", agent: slow, input: x}' \
    '  queue: {cron: "*/10 * * * *", agent: slow, input: x, overlap: queue}' \
    '  allow: {cron: "*/10 * * * *", agent: slow, input: x, overlap: allow}'
serve '2026-11-20 09:59:59'
begun allow 10:00
stop KILL
serve '2026-11-20 10:09:58.5'
await 10 grep -q 'schedule skip  1 time left out: the run before was not over' serve.out
check "is left out" 10:00 "$(slots skip)"
check "waits" "10:00 1" "$(slots queue) $(row queue 's["queued"]')"
begun allow "10:00 10:10" "begins anyway"
touch go
begun queue "10:00 10:10" "its turn comes"
check "that one not" 10:00 "$(slots skip)"
stop TERM

# ---- a person's word

fresh '  s: {cron: "*/10 * * * *", agent: plain, input: x}' '  off: {cron: "* * * * *", agent: plain, input: x, paused: true}'
serve '2026-11-20 11:00:30'
exits "a name that is none" 1 "$PAWL" schedule pause t
has "the nearest" "there is no schedule t" "$OUT"
exits "no such word" 2 "$PAWL" schedule stop s
exits "no name" 2 "$PAWL" schedule pause
exits "paused through the owner" 0 "$PAWL" schedule pause s
has "is seen" "^s +paused" "$("$PAWL" schedule)"
exits "a run by a person's word" 0 "$PAWL" schedule trigger s --id one
has "is begun" "hello" "$OUT"
check "with its key" "schedule/s/trigger/one" "$(value @last 'v["key"]')"
has "and shown" "by the schedule s and a person's word" "$("$PAWL" show @last | tr '\n' ' ' | tr -s ' ')"
exits "again" 0 "$PAWL" schedule trigger s --id one
check "is the same one" 1 "$("$PAWL" ls --json --all | wc -l)"
stop KILL
serve '2026-11-20 11:09:59'
sleep 2
check "what is paused begins nothing, also over a kill" 1 "$("$PAWL" ls --json --all | wc -l)"
stop TERM
exits "goes on, straight in the store" 0 at '2026-11-20 11:30:30' schedule resume s
exits "what the configuration pauses does not" 1 "$PAWL" schedule resume off
has "is said" "the configuration pauses it" "$OUT"
serve '2026-11-20 11:31:10'
sleep 0.3
check "nothing is caught up" 1 "$("$PAWL" ls --json --all | wc -l)"
stop TERM
serve '2026-11-20 11:39:59'
await 10 grep -q done serve.out
check "it goes on from there" "11:40" "$(slots s | sed 's/one *//; s/ *$//')"
stop TERM
exits "a run by a person's word, without an owner" 0 "$PAWL" schedule trigger s --id two
has "is begun in the foreground" "hello" "$OUT"

# ---- killed at the time

fresh '  k: {cron: "0 * * * *", agent: plain, input: x, catch_up: all}'
serve '2026-11-20 00:30:00'
sleep 0.2
stop KILL
want=
for h in 01 02 03 04 05 06 07 08; do
    serve "2026-11-20 $(printf %02d $((10#$h - 1))):59:59.5"
    sleep "0.$((RANDOM % 700 + 100))"
    stop KILL
    want="$want $h:00"
done
serve '2026-11-20 08:30:00'
begun k "${want# }" "one run for each time"
await 10 eval '[ "$("$PAWL" ls --json --all | grep -c "\"status\":\"done\"")" = 8 ]'
check "and each came to its end" 0 $?
stop TERM
exits "the chains hold" 0 "$PAWL" verify
done_testing
