//! The shapes in which real images come: a disk with partitions, with and without an initrd that finds the root by itself.

use super::{Scene, manifest, nothing_is_left, read};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;

/// Where the partition begins, as fdisk and debootstrap's users have it, bytes.
const BEGIN: u64 = 1 << 20;
const SIZE: u64 = 24 << 20;

impl Scene {
    fn shell(&self, script: &str) {
        let done =
            Command::new("sh").args(["-e", "-c", script]).current_dir(self.folder.path()).output().expect("sh runs");
        assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// disk.raw, a PC's partition table and one ext4 partition with the guest's root, and initrd.cpio, which mounts what
    /// root= says, as Debian's does.
    fn with_partitions(self) -> Self {
        let guest = self.guest.display();
        let init = "#!/bin/busybox sh\nb=/bin/busybox\n$b mount -t devtmpfs devtmpfs /dev\n$b mount -t proc proc /proc\n\
                    for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do [ -e /modules/$m.ko ] && $b insmod /modules/$m.ko; done\n\
                    root=; for word in $($b cat /proc/cmdline); do case $word in root=*) root=${word#root=};; esac; done\n\
                    [ -b \"$root\" ] || { echo \"ALERT!  $root does not exist.  Dropping to a shell!\" > /dev/console; exec $b sh; }\n\
                    $b mount -t ext4 \"$root\" /root && $b umount /proc && exec $b switch_root /root /init\n";
        fs::write(self.path("init"), init).expect("written");
        self.shell(&format!(
            "mkdir tree small && (cd tree && cpio -idm --quiet < {guest}/initramfs.cpio && mkdir -p proc sys dev tmp) \
             && PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -d tree partition {}k \
             && mkdir -p small/bin small/dev small/proc small/root && cp tree/bin/busybox small/bin && cp -r tree/modules small \
             && cp init small/init && chmod 755 small/init && cd small && find . | cpio --quiet -o -H newc > ../initrd.cpio",
            SIZE >> 10
        ));
        let mut disk = File::create(self.path("disk.raw")).expect("made");
        let mut sector = vec![0; 512];
        let [begin, sectors] = [BEGIN, SIZE].map(|bytes| u32::try_from(bytes / 512).expect("small").to_le_bytes());
        sector[446 + 4] = 0x83;
        sector[446 + 8..446 + 12].copy_from_slice(&begin);
        sector[446 + 12..446 + 16].copy_from_slice(&sectors);
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        disk.write_all(&sector).expect("written");
        disk.seek(SeekFrom::Start(BEGIN)).expect("sought");
        disk.write_all(&fs::read(self.path("partition")).expect("made")).expect("written");
        self
    }
}

#[test]
fn a_partitioned_disk_with_an_initrd_gets_its_root() {
    let Some(scene) = Scene::new() else { return };
    let scene = scene.with_partitions();
    let arguments = ["--disk", "disk.raw", "--initrd", "initrd.cpio", "--exec", "grep ' / ' /proc/mounts"];
    let done = scene.finish(&mut scene.run(&arguments));
    done.exits(0).says("said /dev/vda1 / ext4");
    assert!(read(&done.run, "serial.log").contains("root=/dev/vda1"), "{}", read(&done.run, "serial.log"));
    nothing_is_left(&done.run);
    // The wrong partition: the initrd's shell, and nobody waits for it.
    let arguments = [&arguments[..], &["--root", "/dev/vda7", "--git-bisect"]].concat();
    let done = scene.finish(&mut scene.run(&arguments));
    done.exits(125).says("boot failure the initrd does not find the root").says("--root /dev/vda1");
}

#[test]
fn a_partitioned_disk_without_an_initrd_gets_its_root() {
    let Some(scene) = Scene::new() else { return };
    let scene = scene.with_partitions();
    let kernel = scene.guest.join("bzImage").display().to_string();
    let run = ["run", "--machine", "pc", "--memory", "512", "--accel", "tcg", "--settle", "1s", "--git-bisect"];
    let mut command = scene.kanalyze(&run);
    command.args(["--kernel", &kernel, "--disk", "disk.raw", "--exec", "true", "--boot-timeout", "60"]);
    let done = scene.finish(&mut command);
    // Debian's kernel has the disk's driver as a module: it knows which root it wants, and cannot have it.
    done.exits(125).says("blocker the kernel found no root file system");
    let serial = read(&done.run, "serial.log");
    assert!(serial.contains("root=/dev/vda1"), "{serial}");
    assert_eq!(manifest(&done.run)["outcome"]["verdict"], "boot_failure");
}
