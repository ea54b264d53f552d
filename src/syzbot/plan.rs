//! A bug's JSON and page together → which crash to take, and which files belong to it.

use super::dashboard::{Bug, Crash, commit_hash, text_key};
use super::link;
use super::manifest::Role;
use super::page::{Asset, BugPage, PageCrash};
use std::fmt::Write as _;

/// A crash of the bug, with everything that the JSON and the page say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// As the dashboard counts, from 0.
    pub index: usize,
    /// The crash's title.
    pub title: String,
    /// The tree.
    pub kernel_repository: String,
    /// Its commit.
    pub kernel_commit: Option<String>,
    /// syzkaller's commit.
    pub syzkaller_commit: Option<String>,
    /// The compiler.
    pub compiler: String,
    /// The instance.
    pub manager: String,
    /// What there is to fetch, as linked.
    pub items: Vec<Item>,
    /// Whether the disk boots by itself; `None` without a disk.
    pub disk_boots: Option<bool>,
}

/// Something to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub role: Role,
    /// As linked: often relative to the dashboard.
    pub link: String,
    /// What it is called in the bundle; never what the server calls it.
    pub path: String,
    /// A reproducer that no longer works on HEAD.
    pub revoked: bool,
}

/// The crashes, in the dashboard's order.
#[must_use]
pub fn candidates(bug: &Bug, page: &BugPage) -> Vec<Candidate> {
    let count = if bug.crashes.is_empty() { page.crashes.len() } else { bug.crashes.len() };
    let no_crash = Crash::default();
    let no_row = PageCrash::default();
    (0..count)
        .map(|index| {
            let crash = bug.crashes.get(index).unwrap_or(&no_crash);
            let row = if bug.crashes.is_empty() {
                page.crashes.get(index)
            } else {
                page.crashes.iter().find(|row| is_same(crash, row))
            };
            candidate(index, crash, row.unwrap_or(&no_row), page)
        })
        .collect()
}

/// The crash that serves best: with a program, with the kernel that it crashed, with a C program; then the first.
#[must_use]
pub fn best(candidates: &[Candidate]) -> Option<&Candidate> {
    let worth = |candidate: &Candidate| {
        let has = |role| candidate.items.iter().any(|item| item.role == role);
        (has(Role::ReproSyz) || has(Role::ReproC), has(Role::Kernel), has(Role::ReproSyz), has(Role::ReproC))
    };
    // The first of the best: `max_by_key` would take the last.
    candidates.iter().rev().max_by_key(|candidate| worth(candidate))
}

/// A row is the crash's if they share a text that no other crash has.
fn is_same(crash: &Crash, row: &PageCrash) -> bool {
    [
        (&crash.crash_report_link, &row.report),
        (&crash.syz_reproducer, &row.repro_syz),
        (&crash.c_reproducer, &row.repro_c),
    ]
    .into_iter()
    .any(|(ours, theirs)| text_key(ours).is_some() && text_key(ours) == text_key(theirs))
}

fn candidate(index: usize, crash: &Crash, row: &PageCrash, page: &BugPage) -> Candidate {
    let first = |ours: &str, theirs: &str| if ours.is_empty() { theirs.to_owned() } else { ours.to_owned() };
    let mut candidate = Candidate {
        index,
        title: first(&crash.title, &row.title),
        kernel_repository: first(&crash.kernel_source_git, &row.kernel),
        kernel_commit: commit_hash(&crash.kernel_source_commit).or_else(|| commit_hash(&row.commit)),
        syzkaller_commit: commit_hash(&crash.syzkaller_commit)
            .or_else(|| row.syzkaller.rsplit('/').next().and_then(commit_hash)),
        compiler: crash.compiler_description.clone(),
        manager: row.manager.clone(),
        ..Candidate::default()
    };
    let mut add = |role, link: &str, path: &str| {
        if !link.is_empty() {
            let revoked = row.revoked && matches!(role, Role::ReproSyz | Role::ReproC);
            candidate.items.push(Item { role, link: link.to_owned(), path: path.to_owned(), revoked });
        }
    };
    add(Role::ReproSyz, &first(&crash.syz_reproducer, &row.repro_syz), "repro.syz");
    add(Role::ReproC, &first(&crash.c_reproducer, &row.repro_c), "repro.c");
    add(Role::Config, &first(&crash.kernel_config, &row.config), "config");
    add(Role::Report, &first(&crash.crash_report_link, &row.report), "report.txt");
    add(Role::ConsoleLog, &row.log, "console.log");
    add(Role::ReproLog, &row.repro_log, "repro.log");
    add(Role::MachineInfo, &row.machine_info, "machine.txt");
    add(Role::BisectLog, page.bisect_log.as_deref().unwrap_or_default(), "bisect.txt");
    let mut mounted = 0;
    for asset in &row.assets {
        let Some((role, path)) = place(asset, mounted) else { continue };
        add(role, &asset.url, &path);
        if role == Role::MountedImage {
            add(Role::FsckLog, asset.fsck_log.as_deref().unwrap_or_default(), &format!("fsck_{mounted}.log"));
            mounted += 1;
        }
    }
    let disk = row.assets.iter().find(|asset| place(asset, 0).is_some_and(|(role, _)| role == Role::Disk));
    candidate.disk_boots = disk.map(|asset| !is_unbootable(asset));
    candidate
}

fn is_unbootable(asset: &Asset) -> bool {
    asset.title.contains("non-bootable") || link::file_name(&asset.url).starts_with("non_bootable_disk")
}

/// What an asset is, and its name in the bundle. The title decides, then the beginning of the file's name.
fn place(asset: &Asset, mounted: usize) -> Option<(Role, String)> {
    let name = link::file_name(&asset.url);
    let kernel = ["bzImage", "zImage", "Image", "vmlinux"].into_iter().find(|image| name.starts_with(image));
    let title = asset.title.as_str();
    let role = if title == "kernel image" {
        Role::Kernel
    } else if title.starts_with("disk image") || name.starts_with("disk-") || name.starts_with("non_bootable_disk-") {
        Role::Disk
    } else if title.starts_with("mounted in repro") || name.starts_with("mount_") {
        Role::MountedImage
    } else if title == "vmlinux" || kernel == Some("vmlinux") {
        Role::Vmlinux
    } else if kernel.is_some() {
        Role::Kernel
    } else {
        return None;
    };
    let path = match role {
        Role::Kernel if kernel == Some("vmlinux") => "kernel".to_owned(),
        Role::Kernel => kernel.unwrap_or("kernel").to_owned(),
        Role::Disk => "disk.raw".to_owned(),
        Role::MountedImage => format!("mount_{mounted}.img"),
        _ => "vmlinux".to_owned(),
    };
    Some((role, path))
}

/// The most bytes that a file of this role may have over the wire, and unpacked.
#[must_use]
pub fn limits(role: Role) -> (u64, u64) {
    const MIB: u64 = 1 << 20;
    match role {
        Role::Disk => (16 << 30, 64 << 30),
        Role::MountedImage => (1 << 30, 16 << 30),
        Role::Vmlinux => (2 << 30, 8 << 30),
        Role::Kernel | Role::Initrd => (512 * MIB, 2 << 30),
        // The dashboard cuts its texts at 10 MB.
        _ => (64 * MIB, 256 * MIB),
    }
}

/// What to say of something that the server no longer has.
#[must_use]
pub fn farewell(role: Role, candidate: &Candidate) -> String {
    match role {
        Role::Kernel | Role::Vmlinux | Role::Disk | Role::MountedImage | Role::FsckLog => format!(
            "gone: syzbot deletes a bug's images 30 days or more after it was fixed or closed; {}",
            remedy(role, candidate)
        ),
        _ => "the dashboard no longer has it".to_owned(),
    }
}

/// What to do without it.
#[must_use]
pub fn remedy(role: Role, candidate: &Candidate) -> String {
    match role {
        Role::Kernel | Role::Vmlinux => {
            let mut words = "build it: ".to_owned();
            // Before 2026-02-27 the dashboard's JSON had a web link to the commit here.
            let repository = &candidate.kernel_repository;
            if repository.contains("://") && !repository.contains(['?', '=']) && !repository.contains("/commit") {
                let _ = write!(words, "git clone {repository}, ");
            }
            if let Some(commit) = &candidate.kernel_commit {
                let _ = write!(words, "git checkout {commit}, ");
            }
            words + "kanalyze kernel build --source TREE --into BUNDLE"
        }
        Role::Disk => "any image with an ssh server will do, syzkaller's tools/create-image.sh makes one: put it there as disk.raw and run `kanalyze bundle adopt`".to_owned(),
        Role::MountedImage | Role::FsckLog => "the program itself still holds the filesystem".to_owned(),
        _ => "nothing replaces it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(title: &str, url: &str) -> Asset {
        Asset { title: title.to_owned(), url: url.to_owned(), fsck_log: None }
    }

    #[test]
    fn the_servers_names_never_become_ours() {
        for (title, url, expected) in [
            ("kernel image", "https://a/0/bzImage-12345678.xz", Some((Role::Kernel, "bzImage"))),
            ("kernel image", "https://a/0/Image-12345678.gz.xz", Some((Role::Kernel, "Image"))),
            ("kernel image", "https://a/../../etc/passwd", Some((Role::Kernel, "kernel"))),
            ("kernel image", "https://a/0/vmlinux-12345678.xz", Some((Role::Kernel, "kernel"))),
            ("vmlinux", "https://a/0/vmlinux-12345678.xz", Some((Role::Vmlinux, "vmlinux"))),
            ("disk image", "https://a/0/..%2f..%2fdisk", Some((Role::Disk, "disk.raw"))),
            ("disk image (non-bootable)", "https://a/0/non_bootable_disk-1.raw.xz", Some((Role::Disk, "disk.raw"))),
            ("mounted in repro #2", "https://a/0/mount_1.gz", Some((Role::MountedImage, "mount_1.img"))),
            ("../../etc/cron.d/x", "https://a/0/x", None),
        ] {
            let expected = expected.map(|(role, path)| (role, path.to_owned()));
            assert_eq!(place(&asset(title, url), 1), expected, "{title} {url}");
        }
    }

    #[test]
    fn a_row_joins_its_crash_by_the_texts_that_both_name() {
        let bug = Bug {
            crashes: vec![
                Crash { crash_report_link: "/text?tag=CrashReport&x=1".to_owned(), ..Crash::default() },
                Crash {
                    crash_report_link: "/text?tag=CrashReport&x=2".to_owned(),
                    syz_reproducer: "/text?tag=ReproSyz&x=3".to_owned(),
                    ..Crash::default()
                },
            ],
            ..Bug::default()
        };
        let row = |x: &str, manager: &str| PageCrash {
            report: format!("/x/report.txt?x={x}"),
            manager: manager.to_owned(),
            ..PageCrash::default()
        };
        let page = BugPage { crashes: vec![row("2", "two"), row("1", "one")], ..BugPage::default() };
        let candidates = candidates(&bug, &page);
        assert_eq!(candidates.iter().map(|candidate| &*candidate.manager).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(best(&candidates).map(|candidate| candidate.index), Some(1), "the one with a program");
    }

    #[test]
    fn the_page_alone_will_do() {
        let page = BugPage {
            crashes: vec![PageCrash { repro_c: "/x/repro.c?x=1".to_owned(), ..PageCrash::default() }],
            ..BugPage::default()
        };
        let candidates = candidates(&Bug::default(), &page);
        assert_eq!(candidates[0].items[0].role, Role::ReproC);
        assert_eq!(best(&[]), None);
    }
}
