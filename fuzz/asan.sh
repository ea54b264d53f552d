#!/usr/bin/env bash
# asan.sh MINUTES: the unpackers with AddressSanitizer, the C of liblzma and libzstd compiled with it, too (clang).
set -euo pipefail
minutes=${1:?"asan.sh MINUTES: name the minutes, as in asan.sh 10"}
cd "$(dirname "$0")/unpackers"
host=$(rustc -vV | sed -n 's/^host: //p')
# Sanitizers are not stable in rustc; only this build, of which nothing is shipped, asks for one.
export RUSTC_BOOTSTRAP=1 CC=clang CXX=clang++ CFLAGS="-fsanitize=address -fno-omit-frame-pointer -g"
export RUSTFLAGS="--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../target}/asan
cargo build --release --target "$host"
mkdir -p ../work/corpus/unpackers ../work/artifacts/unpackers ../work/logs ../work/packed
# Each packer's own bytes as seeds, where it is installed; the first byte chooses the size of pieces.
text=../../corpus/README.md
for packer in gzip "xz --check=crc32" "xz --format=lzma" "zstd -q" bzip2 "lz4 -q" lzop; do
    command -v "${packer%% *}" >/dev/null || continue
    { printf '\100'; head -c 6000 "$text" | $packer -c; } >"../work/packed/${packer//[^a-z0-9]/_}"
done
"$CARGO_TARGET_DIR/$host/release/unpackers" ../work/corpus/unpackers ../work/packed -artifact_prefix=../work/artifacts/unpackers/ \
    -max_total_time=$((minutes * 60)) -max_len=16384 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 2>&1 | tee ../work/logs/unpackers.log | tail -12
