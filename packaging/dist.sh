#!/usr/bin/env bash
# Builds what people install: an archive with a static program, a Debian package, a container image, the list of what is
# inside (SBOM) and checksums. All of it ends up in one folder.
#
# usage: packaging/dist.sh [--profile release|scoring|dev] [--features FEATURES] [--target TRIPLE] [--out FOLDER]
#
#   --profile   release (the default) is optimised across crates; CI takes `scoring`, which tests/all.sh builds anyway;
#               `dev` is for trying this script
#   --features  arrow,mcp if it is not given: tables in Parquet and Arrow, the server for agents; `tables` adds SQL: up to 31 CPU minutes
#               instead of 8
#   --target    for another machine: its rust-std must be installed, and the linker named in CARGO_TARGET_…_LINKER
#   --out       $CARGO_TARGET_DIR/dist if it is not given
#
# The static program is linked with musl where `rustup target add x86_64-unknown-linux-musl` was done (and musl-gcc is
# there: `apt-get install musl-tools`), else with glibc's static library. It needs nothing of the system. Linked with glibc it
# looks names up in /etc/hosts and by DNS only: what else /etc/nsswitch.conf may name (mdns, sss, resolve) needs shared libraries.
# The program of the Debian package is linked with the shared glibc, as Debian's are.
#
# Needs: cargo, gcc, dpkg-dev, xz. With packaging/tools.sh done before, an SBOM; with buildah, podman or docker, the image. What
# is left out is said at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=release features=arrow,mcp target="" out=""
while [ $# -gt 0 ]; do
    case $1 in
        --profile) profile=${2:?}; shift 2 ;;
        --features) features=${2:?}; shift 2 ;;
        --target) target=${2:?}; shift 2 ;;
        --out) out=${2:?}; shift 2 ;;
        *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done
folder=$profile
[ "$profile" != dev ] || folder=debug
build=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
out=${out:-$build/dist}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
left_out=()
step() { printf '== dist: %s (%s s)\n' "$*" "$SECONDS" >&2; }
# The same commit gives the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
packed() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" "$@"; }

host=$(rustc -vV | sed -n 's/^host: //p')
target=${target:-$host}
architecture=${target%%-*}
case $architecture in
    x86_64) debian=amd64 ;;
    aarch64) debian=arm64 ;;
    *) debian=$architecture ;;
esac
installed() { [ -d "$(rustc --print target-libdir --target "$1" 2>/dev/null)" ]; }
installed "$target" || { echo "dist.sh: rust-std for $target is not installed: rustup target add $target" >&2; exit 2; }

# compiled TRIPLE [rustc option]…: builds the program and prints its path. Only the program's own crate gets the options, so
# that all others are compiled once for both ways to link.
compiled() {
    local triple=$1 place=
    shift
    [ "$triple" = "$host" ] || place=$triple/
    # Libraries in C are compiled anew where the date of the build is another one, or is given for the first time.
    env -u SOURCE_DATE_EPOCH cargo rustc --quiet --profile "$profile" --features "$features" --bin kanalyze ${place:+--target "$triple"} -- "$@" >&2
    echo "$build/$place$folder/kanalyze"
}

step "the program, $profile, for $target"
cp "$(compiled "$target")" "$work/kanalyze"
musl=$architecture-unknown-linux-musl
if installed "$musl" && command -v musl-gcc >/dev/null; then
    libc=musl
    step "the static program, with musl"
    cp "$(compiled "$musl" -C target-feature=+crt-static)" "$work/kanalyze-static"
else
    libc=glibc
    step "the static program, with glibc (rust-std for $musl or musl-gcc is not here)"
    cp "$(compiled "$target" -C target-feature=+crt-static)" "$work/kanalyze-static"
fi
# What the build folder holds is what the next build makes of it; a static one must not stay there for a dynamic one.
cp "$work/kanalyze" "$(compiled "$target")"
if readelf -d "$work/kanalyze-static" | grep -q NEEDED; then
    echo "dist.sh: the static program wants shared libraries" >&2
    exit 1
fi

step "man pages and completions"
# Of this machine's own build: those of another machine cannot run here.
runs=$work/kanalyze
[ "$target" = "$host" ] || runs=$(compiled "$host")
"$runs" generate man "$work/man"
mkdir -p "$work/completions"
for shell in bash zsh fish; do
    "$runs" generate completions "$shell" > "$work/completions/$shell"
done

# laid FOLDER: what stands beside the program below a prefix such as /usr.
laid() {
    install -d "$1/share/man/man1" "$1/share/man/man7" "$1/share/doc/kanalyze/examples" "$1/share/kanalyze"
    for page in "$work"/man/*.[17]; do
        gzip -9nc "$page" > "$1/share/man/man${page##*.}/$(basename "$page").gz"
    done
    install -Dm644 "$work/completions/bash" "$1/share/bash-completion/completions/kanalyze"
    install -Dm644 "$work/completions/zsh" "$1/share/zsh/vendor-completions/_kanalyze"
    install -Dm644 "$work/completions/fish" "$1/share/fish/vendor_completions.d/kanalyze.fish"
    cp -r packaging/lnav packaging/editors packaging/places "$1/share/kanalyze/"
    install -Dm644 -t "$1/share/doc/kanalyze/examples" packaging/grammar.toml
    install -Dm644 -t "$1/share/doc/kanalyze" README.md
    find "$1/share" -type d -exec chmod 755 {} + -o -perm -u+x -exec chmod 755 {} + -o -exec chmod 644 {} +
}

rm -rf "$out" && mkdir -p "$out"
name=kanalyze-$version-$architecture-linux
step "$name.tar.xz"
install -Dm755 -s "$work/kanalyze-static" "$work/tree/$name/bin/kanalyze"
laid "$work/tree/$name"
install -Dm644 -t "$work/tree/$name" LICENSE CHANGELOG.md packaging/INSTALL
packed -C "$work/tree" -cf - "$name" | xz -T0 -6 > "$out/$name.tar.xz"

step "kanalyze_${version}_$debian.deb"
root=$work/deb
install -Dm755 -s "$work/kanalyze" "$root/usr/bin/kanalyze"
laid "$root/usr"
install -Dm644 LICENSE "$root/usr/share/doc/kanalyze/copyright"
gzip -9nc CHANGELOG.md > "$root/usr/share/doc/kanalyze/NEWS.gz"
chmod 644 "$root/usr/share/doc/kanalyze/NEWS.gz"
mkdir -p "$work/shlibs/debian" "$root/DEBIAN"
: > "$work/shlibs/debian/control"
# Which libraries in which version, as Debian's own tool has it.
depends=$(cd "$work/shlibs" && dpkg-shlibdeps -O "$root/usr/bin/kanalyze" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
cat > "$root/DEBIAN/control" <<CONTROL
Package: kanalyze
Version: $version
Architecture: $debian
Maintainer: the kanalyze developers <kanalyze@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f 1)
Depends: ${depends:?dpkg-shlibdeps gave no libraries}
Recommends: ca-certificates, less
Suggests: git, python3, qemu-system-x86, openssh-client, lnav
Section: devel
Priority: optional
Description: reads kernel logs and bisection transcripts and says what went wrong
 Crash titles identical to syzbot's, lock graphs of hangs, source lines of
 frames, how much to trust a bisection, what changed between two runs; and it
 reproduces syzbot's bugs in QEMU while it reads the serial port.
CONTROL
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/kanalyze_${version}_$debian.deb" >/dev/null

step "the container image"
mkdir "$work/context"
cp "$work/tree/$name/bin/kanalyze" "$work/context/kanalyze"
image=$out/kanalyze-$version-$architecture-container.tar
if [ "$target" != "$host" ]; then
    left_out+=("the container image: it is made for this machine's architecture only")
elif command -v buildah >/dev/null; then
    # The format that `docker load` and `podman load` of any age take. No overlay and no namespaces of its own, so that it also works inside of a container.
    store=(--root "$work/store" --runroot "$work/runroot" --storage-driver vfs)
    buildah "${store[@]}" build --quiet --isolation chroot --timestamp "$SOURCE_DATE_EPOCH" \
        -f packaging/Containerfile -t "kanalyze:$version" "$work/context" >/dev/null
    buildah "${store[@]}" push --quiet "kanalyze:$version" "docker-archive:$image:kanalyze:$version"
elif command -v podman >/dev/null; then
    podman build --quiet -f packaging/Containerfile -t "kanalyze:$version" "$work/context" >/dev/null
    podman save --quiet --format docker-archive -o "$image" "kanalyze:$version"
elif docker info >/dev/null 2>&1; then
    docker build --quiet -f packaging/Containerfile -t "kanalyze:$version" "$work/context" >/dev/null
    docker save -o "$image" "kanalyze:$version"
else
    left_out+=("the container image: neither buildah, nor podman, nor a docker daemon is here (apt-get install buildah)")
fi

step "what is inside"
cyclonedx=$build/tools/bin/cargo-cyclonedx
command -v "$cyclonedx" >/dev/null || cyclonedx=$(command -v cargo-cyclonedx || true)
if [ -n "$cyclonedx" ]; then
    # It writes beside Cargo.toml; the list of this target, with what is optional left out.
    "$cyclonedx" cyclonedx --quiet --format json --no-build-deps --target "$target" --features "$features" --override-filename kanalyze.sbom
    mv kanalyze.sbom.json "$out/kanalyze-$version.cdx.json"
else
    left_out+=("the SBOM: run packaging/tools.sh first")
fi

(cd "$out" && sha256sum -- * > "$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
step "done: $out (static with $libc)"
(cd "$out" && ls -l) >&2
if [ ${#left_out[@]} -gt 0 ]; then
    printf 'left out: %s\n' "${left_out[@]}" >&2
fi
