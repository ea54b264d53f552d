#!/bin/sh
# Makes the guest that tests/live boots: Debian's cloud kernel and an initramfs of busybox and dropbear.
#
# usage: tests/guest/build.sh [FOLDER]     FOLDER defaults to ${CARGO_TARGET_DIR:-target}/guest
#
# Needs: qemu-system-x86 busybox-static dropbear-bin openssh-client cpio, and apt for the kernel's download.
# Does nothing when the folder is already whole; remove it to start afresh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${CARGO_TARGET_DIR:-$here/../../target}/guest}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

stamp=$(cat "$here/init" "$here/build.sh" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$folder/bzImage" ] && [ -s "$folder/initramfs.cpio" ]; then
    exit 0
fi

for tool in qemu-system-x86_64 busybox dropbear dropbearkey ssh ssh-keygen cpio apt-get dpkg-deb; do
    PATH=$PATH:/usr/sbin command -v $tool >/dev/null || {
        echo "build.sh: $tool is missing: apt-get install qemu-system-x86 busybox-static dropbear-bin openssh-client cpio" >&2
        exit 1
    }
done

work=$(mktemp -d "$folder/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# The kernel: the metapackage names the real one.
if [ ! -s "$folder/linux.deb" ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    [ -n "$package" ] || { echo "build.sh: apt knows no linux-image-cloud-amd64: run apt-get update first" >&2; exit 1; }
    apt-get download "$package" 2>/dev/null || apt-get download "$package-unsigned"
    mv ./*.deb "$folder/linux.deb"
fi
dpkg-deb -x "$folder/linux.deb" linux
cp linux/boot/vmlinuz-* "$folder/bzImage.part"
chmod 644 "$folder/bzImage.part"

# The root: busybox, dropbear with its libraries, a few modules, throw-away keys.
mkdir -p root/bin root/modules root/etc/dropbear root/root/.ssh root/proc root/sys root/dev
cp "$(command -v busybox)" root/bin/busybox
ln -s busybox root/bin/sh
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net virtio_blk loop; do
    find linux/lib linux/usr/lib -name "$module.ko" -exec cp {} root/modules/ \; 2>/dev/null || true
done
dropbear=$(PATH=$PATH:/usr/sbin command -v dropbear)
cp "$dropbear" root/bin/dropbear
ldd "$dropbear" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "root$(dirname "$library")"
    cp -L "$library" "root$library"
done
dropbearkey -t ed25519 -f root/etc/dropbear/host_key >/dev/null 2>&1
ssh-keygen -q -t ed25519 -N '' -C kanalyze-test -f key
cp key.pub root/root/.ssh/authorized_keys
chmod 700 root/root root/root/.ssh
chmod 600 root/root/.ssh/authorized_keys
echo 'root::0:0:root:/root:/bin/sh' > root/etc/passwd
echo 'root:x:0:' > root/etc/group
echo '/bin/sh' > root/etc/shells
cp "$here/init" root/init
chmod 755 root/init
(cd root && find . -print0 | LC_ALL=C sort -z | cpio --null --quiet -o -H newc -R 0:0) > "$folder/initramfs.cpio.part"

# The stamp goes first and comes last: a guest without it is not whole.
rm -f "$folder/stamp"
mv key key.pub "$folder"
mv "$folder/bzImage.part" "$folder/bzImage"
mv "$folder/initramfs.cpio.part" "$folder/initramfs.cpio"
echo "$stamp" > "$folder/stamp"
