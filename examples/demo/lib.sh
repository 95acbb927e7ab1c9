# examples/demo/lib.sh - what the demo and the kill test share: a mock in a folder of its own, and looking at runs.
# Needs: PAWL (the binary). Sets: DEMO_DIR, MOCK_PID, PAWL_DEMO_URL.

demo_begin() { # FAULT...
    DEMO_DIR=$(mktemp -d "${TMPDIR:-/tmp}/pawl-demo.XXXXXX")
    cp "$DEMO_SOURCE/pawl.yaml" "$DEMO_DIR/pawl.yaml"
    cd "$DEMO_DIR"
    local faults=() f
    for f in "$@"; do faults+=(--fault "$f"); done
    : >mock.out
    "$PAWL" mock --listen 127.0.0.1:0 --ledger shop.ledger "${faults[@]}" >mock.out 2>mock.err &
    MOCK_PID=$!
    for _ in $(seq 100); do
        grep -q 'listening on' mock.out && break
        sleep 0.05
    done
    PAWL_DEMO_URL=$(sed -n 's/.*listening on //p' mock.out)
    export PAWL_DEMO_URL
    [ -n "$PAWL_DEMO_URL" ] || { echo "the mock did not start: $(cat mock.err)" >&2; return 1; }
}

demo_end() {
    [ -n "${MOCK_PID:-}" ] && kill "$MOCK_PID" 2>/dev/null && wait "$MOCK_PID" 2>/dev/null
    cd / && [ -n "${DEMO_DIR:-}" ] && rm -rf "$DEMO_DIR"
    return 0
}

# One value of `pawl show RUN --json`, by a Python expression over v (the view).
demo_value() { # RUN EXPRESSION
    "$PAWL" show "$1" --json 2>/dev/null | python3 -c '
import json, sys
try:
    d = json.load(sys.stdin)
except ValueError:
    sys.exit(1)
v = d.get("view", d)
print(eval(sys.argv[1], {"v": v}))' "$2"
}

demo_status() { demo_value @last 'v["status"]'; }

# The call that waits for a yes, as RUN/STEP and its digest; nothing where none waits.
demo_question() {
    demo_value @last '" ".join([v["run"] + "/" + str(s["step"]) + " " + s["asked"]["digest"] for s in v["steps"] if s["state"] == "asked"][:1])'
}
