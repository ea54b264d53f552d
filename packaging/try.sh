#!/usr/bin/env bash
# Installs each thing that packaging/dist.sh made into a root that has nothing else, runs it there, and prints how long the road
# takes. As root, or with sudo; Debian's packages come from the mirror that this machine uses.
#
# usage: packaging/try.sh [FOLDER]     $CARGO_TARGET_DIR/dist if it is not given
set -euo pipefail
cd "$(dirname "$0")/.."
build=${CARGO_TARGET_DIR:-target}
dist=$(cd "${1:-$build/dist}" && pwd)
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
work=$(mktemp -d)
trap '"${sudo[@]}" rm -rf "$work"' EXIT
log=corpus/lab/logs/hang_chain.log
title='INFO: task hung in chain_keeper'
started=$EPOCHREALTIME
road() { started=$EPOCHREALTIME; printf '== %s\n' "$*"; }
took() { awk -v from="$started" -v to="$EPOCHREALTIME" 'BEGIN { printf "   %.1f s\n", to - from }'; }
# answers COMMAND…: it reads the log on standard input, names the hang and ends with status 1.
answers() {
    local status=0 said
    said=$("$@" < "$log") || status=$?
    [ "$status" = 1 ] || { echo "status $status instead of 1: $*"; exit 1; }
    case $said in
        "$title"*) printf '   $ %s\n   %s\n' "${*/#$work/…}" "${said%%$'\n'*}" ;;
        *) printf 'not the answer: %s\n%s\n' "$*" "$said"; exit 1 ;;
    esac
}

road "checksums"
(cd "$dist" && sha256sum --quiet -c SHA256SUMS)
took

archive=$(echo "$dist"/kanalyze-*-linux.tar.xz)
road "the archive, unpacked into an empty root: $(basename "$archive"), $(du -k "$archive" | cut -f 1) KiB"
mkdir "$work/empty"
tar -xJf "$archive" -C "$work/empty" --strip-components 1
answers "${sudo[@]}" chroot "$work/empty" /bin/kanalyze parse -
# Without /etc/resolv.conf no server answers: what must come is a sentence, not a crash of the C library.
status=0
said=$("${sudo[@]}" chroot "$work/empty" /bin/kanalyze thread --mid 1@example.org 2>&1) || status=$?
[ "$status" = 2 ] || { echo "a name that cannot be looked up gives status $status: $said"; exit 1; }
printf '   %s\n' "$said"
took

road "the Debian package, in a root of Debian's essential packages"
root=$build/tools/debian-root.tar
if [ ! -f "$root" ]; then
    mkdir -p "$build/tools"
    # Made once: it costs a minute. The suite is this machine's, since the program is linked with its libraries.
    suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # mmdebstrap goes by the end of the name.
    part=${root%.tar}.part.tar
    "${sudo[@]}" rm -rf "$root" "$part"
    "${sudo[@]}" mmdebstrap --quiet --variant=minbase --include=ca-certificates,man-db,bash-completion,less "$suite" "$part"
    mv "$part" "$root"
    took
    started=$EPOCHREALTIME
fi
mkdir "$work/debian"
"${sudo[@]}" tar -xf "$root" -C "$work/debian" --exclude='./dev/*'
cp "$dist"/kanalyze_*.deb "$work/debian/tmp/kanalyze.deb"
unpacked=$EPOCHREALTIME
inside() { "${sudo[@]}" chroot "$work/debian" env LC_ALL=C.UTF-8 "$@"; }
inside dpkg -i /tmp/kanalyze.deb | sed 's/^/   /'
awk -v from="$unpacked" -v to="$EPOCHREALTIME" 'BEGIN { printf "   dpkg -i: %.1f s\n", to - from }'
inside dpkg --audit
answers inside kanalyze
inside man -P cat kanalyze-parse | grep -q 'console.log' || { echo "no man page"; exit 1; }
# As bash completes it, with bash-completion's own loader.
# shellcheck disable=SC2016 # these are the inner shell's variables
offered=$(inside bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader kanalyze
    COMP_WORDS=(kanalyze symb) COMP_CWORD=1 COMP_LINE="kanalyze symb" COMP_POINT=13
    made=$(complete -p kanalyze); made=${made#*-F }; "${made%% *}" kanalyze symb kanalyze; echo "${COMPREPLY[*]}"')
[ "${offered%% *}" = symbolize ] || { echo "bash offers '$offered' for symb"; exit 1; }
inside kanalyze grammar check /usr/share/doc/kanalyze/examples/grammar.toml | sed -n '1s/^/   /p'
inside sh -c 'cd / && md5sum --quiet -c /var/lib/dpkg/info/kanalyze.md5sums'
inside dpkg -r kanalyze | sed 's/^/   /'
# Nothing of it stays.
# shellcheck disable=SC2016
inside sh -c 'set -- $(find / -xdev -iname "*kanalyze*" ! -path "/proc/*" ! -path "/tmp/*" ! -path "/var/lib/dpkg/*" ! -path "/var/cache/*"); echo "$*"' |
    { read -r left || true; [ -z "$left" ] || { echo "left behind: $left"; exit 1; }; }
took

image=$(echo "$dist"/kanalyze-*-container.tar)
road "the container image: $(basename "$image"), $(du -k "$image" | cut -f 1) KiB"
store=(--root "$work/store" --runroot "$work/runroot" --storage-driver vfs)
container=$("${sudo[@]}" buildah "${store[@]}" from --pull-never "docker-archive:$image")
answers "${sudo[@]}" buildah "${store[@]}" run --isolation chroot --user 65532 "$container" -- /kanalyze parse -
took

road "what is inside: $(basename "$dist"/*.cdx.json)"
python3 - "$dist"/*.cdx.json <<'PYTHON'
import json, sys
made = json.load(open(sys.argv[1]))
assert made["bomFormat"] == "CycloneDX", made.keys()
parts = {part["name"]: part for part in made["components"]}
locked = open("Cargo.lock").read()
for name, part in parts.items():
    assert f'name = "{name}"\nversion = "{part["version"]}"' in locked, f"{name} is not in Cargo.lock"
assert "aho-corasick" in parts and "polars" not in parts, sorted(parts)
unlicensed = [name for name, part in parts.items() if not part.get("licenses")]
print(f"   CycloneDX {made['specVersion']}, {len(parts)} crates, {len(unlicensed)} without a licence {unlicensed}")
PYTHON
took
