#!/bin/bash
# tests/bounded_test.sh - docs/bounds.md names every call that can block, with what bounds it.
exec "$(dirname "$0")/../tools/bounded" "${PAWL_BUILD:-build}"
