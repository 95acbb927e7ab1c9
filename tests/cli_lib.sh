# tests/cli_lib.sh - for the tests of the binary: a folder of its own, checks that are counted, `pawl mock`.
# shellcheck shell=bash disable=SC2034
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PAWL=${PAWL:-$ROOT/build/pawl}
DIR=$(mktemp -d)
MOCK=
passed=0 failed=0
trap '[ -n "$MOCK" ] && kill "$MOCK" 2>/dev/null; rm -rf "$DIR"' EXIT
cd "$DIR" || exit 1

check() { # what, wanted, got
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s\n  want: %s\n  got:  %s\n' "$1" "$2" "$3"
    fi
}
await() { # seconds, command...: until it succeeds
    local n=$(($1 * 50))
    shift
    while ! "$@" >/dev/null 2>&1; do
        n=$((n - 1))
        [ $n -gt 0 ] || return 1
        sleep 0.02
    done
}
of() { # PYTHON: an expression over the view v of the last run and its steps s
    "$PAWL" show @last --json | python3 -c "import json,sys; v=json.load(sys.stdin); s=v['steps']; print($1)"
}
records() { # PYTHON: an expression over the records r of the store's runs: (kind, step, body)
    "$PAWL" sql "SELECT kind, step, body FROM journal ORDER BY run, seq" --json | python3 -c "
import json,sys
r=[(k,n,json.loads(b)) for k,n,b in json.load(sys.stdin)['rows']]
print($1)"
}
has() { # what, pattern, text
    if grep -qE -- "$2" <<<"$3"; then passed=$((passed + 1)); else failed=$((failed + 1)); printf '%s\n  no "%s" in:\n%s\n' "$1" "$2" "$3"; fi
}
hasnot() { # what, pattern, text
    if grep -qE -- "$2" <<<"$3"; then failed=$((failed + 1)); printf '%s\n  "%s" in:\n%s\n' "$1" "$2" "$3"; else passed=$((passed + 1)); fi
}
exits() { # what, status, command...
    local what=$1 want=$2
    shift 2
    OUT=$("$@" 2>&1 </dev/null)
    check "$what: exit status" "$want" "$?"
}
at_terminal() { # what, status, arguments of tests/drive.py: its output is in OUT, without colours in TEXT
    local what=$1 want=$2 got
    shift 2
    OUT=$(python3 "$ROOT/tests/drive.py" "$@" 2>&1 </dev/null)
    got=$?
    TEXT=$(sed 's/\x1b\[[0-9;]*[mK]//g; s/\r/\n/g' <<<"$OUT")
    if [ $got = "$want" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s: exit status\n  want: %s\n  got:  %s\n%s\n' "$what" "$want" "$got" "$TEXT"
    fi
}
value() { # RUN, expression over v
    "$PAWL" show "$1" --json | python3 -c 'import json,sys; v=json.load(sys.stdin); print(eval(sys.argv[1]))' "$2"
}
# The mock's address stays the same: runs keep the configuration that they began with.
PORT=0
MOCK_OPTIONS=()
mock() { # faults...
    [ -n "$MOCK" ] && kill "$MOCK" && wait "$MOCK" 2>/dev/null
    local a=() f
    for f in "$@"; do a+=(--fault "$f"); done
    : >mock.out
    "$PAWL" mock --listen "127.0.0.1:$PORT" "${MOCK_OPTIONS[@]}" "${a[@]}" >mock.out 2>mock.err &
    MOCK=$!
    for _ in $(seq 200); do grep -q 'listening on' mock.out && break; sleep 0.02; done
    PORT=$(sed -n 's/.*listening on .*:\([0-9]*\).*/\1/p' mock.out)
    sed -i "s,http://127.0.0.1:[0-9]*,http://127.0.0.1:$PORT," pawl.yaml
}
far_away() { # MODEL, faults...: what the script of pawl.yaml has it say comes from a mock of its own, with far.ledger
    local model=$1
    shift
    cp pawl.yaml said.yaml
    sed -i "s,^  $model:.*,  $model: {provider: openai\\, base_url: \"http://127.0.0.1:1/v1\"\\, model: $model\\, timeout: {first_token: 60s\\, total: 60s}}," pawl.yaml
    MOCK_OPTIONS=(--script said.yaml --ledger far.ledger)
    mock "$@"
}
done_testing() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
