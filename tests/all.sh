#!/usr/bin/env bash
# Installs what the tests need (Debian packages, as root or with sudo), then runs all of them: form, lints, tests against
# a real QEMU, and, where ../shared is, the scorers with their floors.
#
# usage: tests/all.sh [--no-install]     everything
#        tests/all.sh --quick            form, lints and the tests that need neither polars nor QEMU nor a browser; installs nothing
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${KANALYZE_SHARED:-../shared}
target=${CARGO_TARGET_DIR:-target}
step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

# linted COMMAND [argument]…: runs a cargo command, and what it compiles of kanalyze is linted as `cargo clippy -- -D warnings` does it.
# Nothing is checked first and compiled then: a check of its own would read every crate a second time.
linted() {
    local driver
    driver=$(rustc --print sysroot)/bin/clippy-driver
    [ -x "$driver" ] || { echo "$driver is not there: rustup component add clippy"; exit 1; }
    RUSTC_WORKSPACE_WRAPPER=$driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__ "$@"
}

if [ "${1:-}" = --quick ]; then
    # Not optimised: compiling kanalyze at level 1 takes longer than these tests save by it. A test that fails names its line without
    # debug information, too.
    lean=(--config 'profile.dev.package.kanalyze.opt-level=0' --config 'profile.dev.debug=false')
    step "form"
    cargo fmt --check
    # Benches are linted by the whole run. The program is built and linted for `commands`; it has no tests of its own.
    step "lints and tests"
    # A shell starts what runs in the background with interrupts ignored; tests send them.
    linted env --default-signal=INT,QUIT cargo test --no-fail-fast "${lean[@]}" --lib --test tidy --test corpus --test library --test commands
    step "the quick ones passed"
    exit
fi

# Who looks into a crate of somebody else's in a debugger is not served by tests; its lines are half of all bytes that are built.
lean=(--config 'profile.dev.package."*".debug=false')

if [ "${1:-}" != --no-install ]; then
    step "packages"
    packages=(qemu-system-x86 qemu-utils e2fsprogs busybox-static dropbear-bin openssh-client cpio xz-utils zstd gcc binutils python3-venv chromium chromium-driver openjdk-17-jre-headless
        lnav vim shellcheck buildah mmdebstrap dpkg-dev systemd-journal-remote ripgrep zsh fish)
    command -v npm >/dev/null || packages+=(npm)
    missing=()
    for package in "${packages[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        sudo=()
        [ "$(id -u)" = 0 ] || sudo=(sudo)
        "${sudo[@]}" apt-get update -qq
        # QEMU's packages refuse each other's versions. Where one is there from another source (backports), apt would take it away to
        # install the other, and say nothing: so both are named, in one version.
        if [[ " ${missing[*]} " == *" qemu-"* ]]; then
            qemu=$(apt-cache policy qemu-system-x86 | sed -n 's/^ *Candidate: //p')
            missing+=("qemu-system-x86=$qemu" "qemu-utils=$qemu")
        fi
        DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends --no-remove --allow-downgrades "${missing[@]}" >/dev/null
    fi
fi

# What the tables and the statistics are compared with, and a client for agents. Its name says what is in it, so that a change makes it anew.
modules=(pyarrow==26.0.1 duckdb==2.0.0 scipy==1.17.1 mcp==2.3.0)
python=$target/python-$(printf '%s\n' "${modules[@]}" | sha256sum | cut -c 1-8)
if [ "${1:-}" != --no-install ] && [ ! -d "$python" ]; then
    step "Python: ${modules[*]}"
    mkdir -p "$target"
    rm -rf "$python.part"
    "$(command -v /usr/bin/python3 || command -v python3)" -m venv "$python.part"
    "$python.part/bin/python" -m pip install --quiet --disable-pip-version-check "${modules[@]}"
    mv "$python.part" "$python"
fi
[ -d "$python" ] && KANALYZE_PYTHON="$(cd "$python" && pwd)/bin/python" && export KANALYZE_PYTHON

# What the fleet runs on: Spark, and what builds and runs the wheel.
modules=(pyspark==4.3.0 pandas==3.1.1 pyarrow==26.0.1 maturin==1.16.0 uv==0.13.9)
fleet=$target/fleet-$(printf '%s\n' "${modules[@]}" | sha256sum | cut -c 1-8)
if [ "${1:-}" != --no-install ] && [ ! -d "$fleet" ]; then
    step "Python: ${modules[*]}"
    rm -rf "$target"/fleet-*
    "$(command -v /usr/bin/python3 || command -v python3)" -m venv "$fleet.part"
    "$fleet.part/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir "${modules[@]}"
    mv "$fleet.part" "$fleet"
fi

# What pages are looked over with: accessibility rules that run in the browser of the tests.
axe=$target/axe-core-4.14.1
if [ "${1:-}" != --no-install ] && [ ! -d "$axe" ]; then
    step "axe-core 4.14.1"
    rm -rf "$axe.part"
    npm install --silent --no-audit --no-fund --prefix "$axe.part" axe-core@4.14.1
    mv "$axe.part" "$axe"
fi
[ -d "$axe" ] && KANALYZE_AXE="$(cd "$axe" && pwd)/node_modules/axe-core/axe.min.js" && export KANALYZE_AXE

# What packages and the book are made and checked with.
if [ "${1:-}" != --no-install ]; then
    step "tools: mdbook, cargo-cyclonedx, cargo-deny, kcidb-io"
    packaging/tools.sh >/dev/null
fi
[ -d "$target/tools/bin" ] && KANALYZE_TOOLS="$(cd "$target/tools" && pwd)" && export KANALYZE_TOOLS

step "the guest that the live tests boot"
tests/guest/build.sh "$target/guest"

step "form"
cargo fmt --check
shellcheck tests/all.sh .ci/run packaging/*.sh packaging/places/{xfstests,blktests,kselftest,github/check.sh}

step "lints"
# With tables and the server for agents, as the tests below, which run what is compiled here; the builds without them must not warn
# either.
linted cargo test --quiet --no-run "${lean[@]}" --all-targets --features tables,mcp

step "the library alone"
for features in "" net vm; do
    cargo check --quiet "${lean[@]}" --lib --no-default-features ${features:+--features "$features"}
done
crates=$(cargo tree --no-default-features -e normal --prefix none | sed 's/ (.*//' | grep -v '^kanalyze ' | sort -u)
count=$(printf '%s\n' "$crates" | wc -l)
if [ "$count" -ge 40 ] || printf '%s\n' "$crates" | grep -qE '^(clap|ureq|indicatif) '; then
    printf 'the library alone depends on %s crates; fewer than 40 are promised:\n%s\n' "$count" "$crates"
    exit 1
fi
RUSTDOCFLAGS="-D warnings" cargo doc --quiet "${lean[@]}" --no-deps --lib

step "tests"
# A shell starts what runs in the background with interrupts ignored; tests send them.
KANALYZE_GUEST="$(cd "$target/guest" && pwd)" linted env --default-signal=INT,QUIT cargo test --no-fail-fast "${lean[@]}" --features tables,mcp

# An unpacked kernel (Debian's linux-source) is too large to be fetched for one test.
if [ -n "${KANALYZE_LINUX:-}" ]; then
    step "MAINTAINERS against scripts/get_maintainer.pl of $KANALYZE_LINUX"
    linted cargo test "${lean[@]}" --test library --features tables,mcp -- --ignored the_kernels_own_script
else
    echo "not run: KANALYZE_LINUX names no unpacked kernel, so MAINTAINERS was not compared with get_maintainer.pl"
fi

step "the build that is scored"
# What the packages and the wheel hold: the release with these features.
warned=$(cargo build --profile scoring --features arrow,mcp --quiet 2>&1) || { echo "$warned"; exit 1; }
[ -z "$warned" ] || { echo "$warned"; exit 1; }
B=$target/scoring/kanalyze
"$B" corpus check corpus
"$B" bisect --help >/dev/null
# The verbs with the largest command lines, and the views with the most text, on a stack of 256 KB.
(
    ulimit -s 256
    "$B" generate man >/dev/null
    "$B" repro minimize --help >/dev/null
    "$B" page corpus/lab/logs/hang_chain.log >/dev/null
    "$B" corpus check corpus/lab >/dev/null
)
# says WHAT WORDS PROGRAM [argument]…: a build that leaves something out must end with a sentence that says how to get it.
says() {
    local what=$1 words=$2 said
    shift 2
    if said=$("$@" 2>&1) || [ "${said#*"$words"}" = "$said" ]; then
        echo "a build without $what says: $said"
        exit 1
    fi
}
# The tests above were built with tables; this build is without them.
says SQL "--features tables" "$B" query top corpus/lab/logs/clean.log

step "the build that cargo install makes"
# Not optimised: what it answers is known by now. It may not warn, writes CSV, and says how to get the rest.
warned=$(cargo build --bin kanalyze "${lean[@]}" --config 'profile.dev.package.kanalyze.opt-level=0' --quiet 2>&1) || { echo "$warned"; exit 1; }
[ -z "$warned" ] || { echo "$warned"; exit 1; }
plain=$target/debug/kanalyze tables=$(mktemp -d)
"$plain" table corpus/lab/logs/oops_bug.log -o "$tables/plain.csv"
"$B" table corpus/lab/logs/oops_bug.log -o "$tables/arrow.csv"
cmp "$tables/plain.csv" "$tables/arrow.csv"
"$plain" table corpus/lab/logs --cluster --format jsonl | cmp - <("$B" table corpus/lab/logs --cluster --format jsonl)
says Parquet "--features arrow" "$plain" table corpus/lab/logs/oops_bug.log -o "$tables/plain.parquet"
rm -rf "$tables"

step "the wheel, and the fleet that runs it"
tests/fleet.sh scoring "$fleet"

if [ -d "$shared/score" ]; then
    S=$shared
    step "scores"
    # Exactly syzbot's reports, and then ours, which leave out what is not a report of the kernel's.
    "$S/score/goldens.py" "$B" "$S/corpora/goldens" --with=--as-syzbot --floor title=0.995 --floor list=0.995 --floor alt_titles=0.995 \
        --floor type=0.995 --floor frame=0.995 --floor corrupted=0.995 --floor suppressed=0.995 --floor panicked=0.995 --floor executor=1 \
        --floor start=0.995 --floor clean=1
    "$S/score/goldens.py" "$B" "$S/corpora/goldens" --show 2 --floor title=0.99 --floor list=0.98 --floor clean=1
    "$S/score/reports.py" "$B" "$S/corpora/reports" --show 0 --floor found=0.995 --floor title=0.88 --floor guilty=0.865
    "$S/score/guilty.py" "$B" "$S/corpora/guilty" --floor guilty=0.97
    # What a log says by itself it says among the lines of another, too. How long that takes is not asked here.
    "$S/score/biglog.py" "$S/corpora/goldens" "$target/mixed.log" --mib 64 --every-kb 100
    "$S/score/speed.py" "$B" "$target/mixed.log" --rounds 1 --floor recall=0.985 --floor precision=1
    rm -f "$target"/mixed.log*
    "$S/score/locks.py" "$B" "$S/corpora/lab" --floor holders=1 --floor honest=1 --floor roots=1 --floor cycles=1
    "$S/score/locks.py" "$B" corpus/lab --floor holders=1 --floor honest=1 --floor roots=1 --floor cycles=1
    "$S/score/bisections.py" "$B" "$S/corpora/bisect" --show 0 --floor parsed=1 --floor answer=0.995 --floor tested=0.99 --floor steps=0.995 \
        --floor auc=0.88 --floor calibration=0.93
    "$S/score/field.py" "$B" "$S/corpora/field" --floor parse=0.995 --floor locks=0.995 --floor bisect=0.995
    "$S/score/reports.py" "$B" "$S/corpora/mails/syzbot" --show 0 --floor title=0.974
    "$S/score/mails.py" "$B" people "$S/corpora/mails/people" --floor seen=0.995 --floor named=0.83 --floor one=0.9
    "$S/score/mails.py" "$B" bisect "$S/corpora/mails/bisect" --floor commit=0.99 --floor clean=0.98 --floor steps=0.98
    L=$S/corpora/lab/logs
    "$S/score/dressings.py" "$B" "$L"/{atomic_mutex,hang_abba_lockdep,hang_rwsem_writer,hang_chain.run2,kasan_global_oob,kasan_uaf_read,ld_hardirq,ld_recursive,oom_kill}.log \
        "$L"/{rcu_stall,oops_null_write,panic_call,ref_underflow,spin_lockup}.log --floor whole=0.995 --floor titles=0.995 --floor locks=0.995
    if [ -f "$S/lab/kernel.tar.zst" ]; then
        [ -d "$target/klab" ] || { rm -rf "$target/klab.part" && mkdir -p "$target/klab.part" &&
            tar --zstd -xf "$S/lab/kernel.tar.zst" -C "$target/klab.part" && mv "$target/klab.part" "$target/klab"; }
        "$S/score/symbols.py" "$B" "$S/corpora/lab" "$(dirname "$(find "$target/klab" -name vmlinux | head -n 1)")" \
            --floor call_site=0.99 --floor compat=0.99
        "$S/score/decoded.py" "$B" "$S/corpora/lab" "$(dirname "$(find "$target/klab" -name vmlinux | head -n 1)")" --floor own_titles=1 \
            --floor own_whole=0.98 --floor compat_titles=0.97 --floor compat_whole=0.97 --floor compat_locks=0.97
    fi
else
    echo "skipped: $shared is not here, so nothing was scored"
fi
step "licences and sources of what is linked in"
said=$("${KANALYZE_TOOLS:?packaging/tools.sh was not run}/bin/cargo-deny" --locked --config packaging/deny.toml check bans licenses sources 2>&1) ||
    { printf '%s\n' "$said"; exit 1; }
printf '%s\n' "$said" | tail -n 1

step "the book"
packaging/book.sh "$B"

step "what people install"
# The crate as crates.io would take it; that it compiles is known by now.
cargo publish --quiet --dry-run --no-verify --allow-dirty
packaging/dist.sh --profile scoring
packaging/try.sh

step "all passed"
