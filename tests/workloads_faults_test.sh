#!/usr/bin/env bash
# tests/workloads_faults_test.sh - some recorded runs on a bad day, against every kind of service; all 1,600: make workloads FAULTS=all.
exec "$(dirname "$0")/../tools/workloads" --stride 64 --faults all --kills 2
