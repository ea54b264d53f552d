#!/usr/bin/env bash
# run.sh MINUTES [TARGET...]: builds the fuzz targets with what stable Rust allows, lets each run for its share of the
# minutes, and prints one row per target. Ends with 1 if one of them broke a promise; the input lies in fuzz/work/artifacts.
set -euo pipefail
minutes=${1:?"run.sh MINUTES [TARGET...]: name the minutes, as in run.sh 60 engine page"}
shift
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
all=(bisect decoded diff dressing engine grammar image intake mail page symbols syzbot thread)
targets=("${@:-${all[@]}}")
host=$(rustc -vV | sed -n 's/^host: //p')

# What `cargo fuzz -s none` passes. No nightly compiler is needed: there is no sanitizer in it, and a host that is named keeps
# the flags away from build scripts.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}
# The versions that the program has.
[ -f Cargo.lock ] || cp ../Cargo.lock .
cargo build --release --target "$host"
programs=$CARGO_TARGET_DIR/$host/release

mkdir -p work/artifacts work/logs
./dictionary.sh >work/words.dict
broken=0
printf '%-10s %12s %8s %8s %9s %8s %8s\n' target executions edges features seconds 'MiB' faults
for target in "${targets[@]}"; do
    [ -x "$programs/$target" ] || { echo "run.sh: there is no target '$target'; they are: ${all[*]}" >&2; exit 2; }
    mkdir -p "work/corpus/$target" "work/artifacts/$target" "seeds/$target"
    before=$(find "work/artifacts/$target" -type f | wc -l)
    # Seeds are read where they lie.
    { find "seeds/$target" -type f; case $target in
        bisect) find ../corpus/bisect -name '*.txt' -size -64k ;;
        image | symbols | syzbot | grammar) ;;
        *) find ../corpus -name '*.log' -size -24k -not -path '../corpus/bisect/*' ;;
    esac; } | paste -sd, >"work/$target.seeds"
    log=work/logs/$target.log
    "$programs/$target" "work/corpus/$target" -seed_inputs=@"work/$target.seeds" -dict=work/words.dict \
        -artifact_prefix="work/artifacts/$target/" -max_total_time=$((minutes * 60 / ${#targets[@]})) -max_len=24576 \
        -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1024 -fork=1 -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 \
        -print_final_stats=1 >"$log" 2>&1 || true
    faults=$(($(find "work/artifacts/$target" -type f | wc -l) - before))
    [ "$faults" = 0 ] || broken=1
    ./row.sh "$target" "$log" "$faults"
done
exit $broken
