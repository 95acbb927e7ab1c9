#!/usr/bin/env bash
# tests/workloads_test.sh - a hundred of the recorded runs, replayed; all 1,600: make workloads.
exec "$(dirname "$0")/../tools/workloads" --stride 16
