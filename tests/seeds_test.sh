#!/bin/sh
# tests/seeds_test.sh - the seeds of the simulator that did not hold once. What a seed draws changes when the simulator draws anew;
# until then each of them plays again what it found.
PAWL=${PAWL:-$(dirname "$0")/../build/pawl}
out=$(mktemp)
passed=0 failed=0
for seed in \
    24897 27501 29558 59522 61598 71989 91784 114562 5106 140250 \
; do
    if "$PAWL" sim --seed "$seed" > "$out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        cat "$out"
    fi
done
rm -f "$out"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
