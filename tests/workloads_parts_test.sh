#!/usr/bin/env bash
# tests/workloads_parts_test.sh - some recorded runs with each part of pawl switched on in turn, and kills; more: make workloads.
exec "$(dirname "$0")/../tools/workloads" --stride 80 --parts all --kills 1
