#!/usr/bin/env bash
# row.sh TARGET LOG FAULTS: the row of run.sh's table, out of what libFuzzer logged in fork mode.
set -euo pipefail
awk -v target="$1" -v faults="$3" '
    # "#1234: cov: 5 ft: 6 corp: 7 exec/s 8 oom/timeout/crash: 0/0/0 time: 9s job: 1 dft_time: 0"
    /^#[0-9]+: cov:/ { executions = substr($1, 2) + 0; edges = $3; features = $5; for (at = 1; at < NF; at++) if ($at == "time:") seconds = $(at + 1) + 0 }
    /peak_rss_mb:/ { if ($2 + 0 > most) most = $2 + 0 }
    END { printf "%-10s %12d %8d %8d %9d %8d %8d\n", target, executions, edges, features, seconds, most, faults }' "$2"
