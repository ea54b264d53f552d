//! `kanalyze kernel build` on a stand-in for a kernel tree, since a real build takes an hour.

use super::contract;
use kanalyze::syzbot::Bundle;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/assets/stand-in-kernel");

struct Place {
    _folder: tempfile::TempDir,
    config: PathBuf,
    bundle: PathBuf,
    root: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().to_owned();
    let config = root.join("my.config");
    fs::write(&config, "# Linux/x86 6.0.0 Kernel Configuration\nCONFIG_64BIT=y\nCONFIG_A=y\n# CONFIG_B is not set\n")
        .expect("a file");
    Place { config, bundle: root.join("bundle"), root, _folder: folder }
}

fn build(place: &Place, source: &Path, more: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["kernel", "build", "--source"])
        .arg(source)
        .arg("--config")
        .arg(&place.config)
        .arg("--into")
        .arg(&place.bundle)
        .args(more)
        .output()
        .expect("kanalyze");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, text)
}

fn fragment(place: &Place, text: &str) -> String {
    let path = place.root.join("my.fragment");
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn a_kernel_is_built_outside_its_tree_and_staged() {
    let place = place();
    let fragment = fragment(&place, "CONFIG_LOCKDEP=y\n# CONFIG_A is not set\nCONFIG_NO_SUCH=y\n");
    let (output, text) = build(&place, Path::new(TREE), &["--fragment", &fragment, "-M", "LOCALVERSION=-mine"]);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("CONFIG_A: n instead of y"), "{text}");
    assert!(text.contains("CONFIG_NO_SUCH: y was asked for"), "{text}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("6.0.0-stand-in-mine\n"));
    let bundle = Bundle::open(&place.bundle).expect("a bundle");
    let local = bundle.local.expect("a local kernel");
    assert_eq!(local.image, place.bundle.join("local/bzImage"));
    let config = fs::read_to_string(local.config.expect("a configuration")).expect("text");
    assert!(
        config.contains("CONFIG_LOCKDEP=y") && config.contains("# CONFIG_A is not set") && !config.contains("NO_SUCH"),
        "{config}"
    );
    assert!(local.vmlinux.is_some() && local.system_map.is_some());
    assert_eq!(bundle.arch.map(|arch| arch.kernel_name()), Some("x86_64"));
    let refused = &bundle.manifest.local.as_ref().expect("a local kernel").refused_options;
    assert_eq!(refused.iter().map(|option| &*option.name).collect::<Vec<_>>(), ["CONFIG_NO_SUCH"]);
    assert!(!Path::new(TREE).join("vmlinux").exists(), "nothing is written into the tree");
    assert_eq!(local.head, None, "the stand-in lies inside another repository, whose commit is not its own");
}

#[test]
fn a_build_that_fails_shows_why_and_leaves_the_old_kernel() {
    let place = place();
    let (output, text) = build(&place, Path::new(TREE), &[]);
    assert!(output.status.success(), "{text}");
    let old = fs::read(place.bundle.join("bundle.json")).expect("a manifest");
    let image = fs::read(place.bundle.join("local/bzImage")).expect("an image");
    let fragment = fragment(&place, "CONFIG_B=y\n");
    let (output, text) = build(&place, Path::new(TREE), &["--fragment", &fragment]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("error: B does not compile") && text.contains("build.log"), "{text}");
    assert_eq!(fs::read(place.bundle.join("bundle.json")).expect("a manifest"), old);
    assert_eq!(fs::read(place.bundle.join("local/bzImage")).expect("an image"), image);
}

#[test]
fn strict_stops_before_compiling() {
    let place = place();
    let fragment = fragment(&place, "CONFIG_NO_SUCH=y\n");
    let (output, text) = build(&place, Path::new(TREE), &["--fragment", &fragment, "--strict"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("the first is CONFIG_NO_SUCH"), "{text}");
    assert!(!place.bundle.join("local/build/vmlinux").exists());
}

#[test]
fn the_trees_commit_and_its_uncommitted_changes_are_kept() {
    let place = place();
    let (tree, git) = git_tree(&place);
    let head = git(&["rev-parse", "HEAD"]);
    let (output, text) = build(&place, &tree, &[]);
    assert!(output.status.success(), "{text}");
    let local = Bundle::open(&place.bundle).expect("a bundle").local.expect("a local kernel");
    assert_eq!((local.head.as_deref(), local.uncommitted), (Some(head.as_str()), None));
    fs::write(tree.join("Kconfig"), "config A\nconfig 64BIT\n").expect("a file");
    let (output, text) = build(&place, &tree, &[]);
    assert!(output.status.success(), "{text}");
    let local = Bundle::open(&place.bundle).expect("a bundle").local.expect("a local kernel");
    let diff = fs::read_to_string(local.uncommitted.expect("changes")).expect("text");
    assert!(diff.contains("-config LOCKDEP"), "{diff}");
}

/// A git tree of the stand-in, and the way to call git there.
fn git_tree(place: &Place) -> (PathBuf, impl Fn(&[&str]) -> String) {
    let tree = place.root.join("tree");
    fs::create_dir(&tree).expect("a folder");
    for name in ["Makefile", "Kconfig"] {
        fs::copy(Path::new(TREE).join(name), tree.join(name)).expect("a copy");
    }
    let there = tree.clone();
    let git = move |arguments: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let output = Command::new("git").arg("-C").arg(&there).args(identity).args(arguments).output().expect("git");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "a tree"]);
    (tree, git)
}

#[test]
fn patches_are_built_in_a_tree_of_their_own() {
    let place = place();
    let (tree, git) = git_tree(&place);
    let head = git(&["rev-parse", "HEAD"]);
    // One patch teaches Kconfig an option, the next one the Makefile another release; both as `git diff` writes them.
    let patch = |name: &str, file: &str, from: &str, to: &str| {
        let path = tree.join(file);
        let old = fs::read_to_string(&path).expect("text");
        fs::write(&path, old.replace(from, to)).expect("a change");
        let text = git(&["diff"]) + "\n";
        fs::write(&path, old).expect("undone");
        fs::write(place.root.join(name), text).expect("a patch");
        place.root.join(name).display().to_string()
    };
    let kconfig = fs::read_to_string(tree.join("Kconfig")).expect("text");
    let first = patch("one.patch", "Kconfig", &kconfig, &(kconfig.clone() + "config NEW\n"));
    let second = patch("two.patch", "Makefile", "6.0.0-stand-in", "6.0.0-patched");
    // What the user is working on is not in it, and stays.
    fs::write(tree.join("Kconfig"), kconfig.clone() + "config MINE\n").expect("a change");
    let index = fs::read(tree.join(".git/index")).expect("an index");
    let fragment = fragment(&place, "CONFIG_NEW=y\nCONFIG_MINE=y\n");
    let patches = ["--fragment", &fragment, "--patch", &first, "--patch", &second];
    let (output, text) = build(&place, &tree, &patches);
    assert!(output.status.success(), "{text}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("6.0.0-patched\n"), "{text}");
    assert!(text.contains("the tree's uncommitted changes are not in the patched kernel"), "{text}");
    assert!(text.contains("CONFIG_MINE: y was asked for"), "{text}");
    let bundle = Bundle::open(&place.bundle).expect("a bundle");
    let local = bundle.manifest.local.as_ref().expect("a local kernel");
    assert_eq!(local.head.as_deref(), Some(head.as_str()));
    assert_eq!(local.source, tree.canonicalize().expect("there").display().to_string());
    assert_eq!(
        local.patches.iter().map(|patch| patch.path.as_str()).collect::<Vec<_>>(),
        [first.as_str(), second.as_str()]
    );
    let diff = fs::read_to_string(place.bundle.join("local/uncommitted.diff")).expect("the diff");
    assert!(diff.contains("+config NEW") && diff.contains("6.0.0-patched") && !diff.contains("MINE"), "{diff}");
    // Nothing of the user's tree or repository is another one.
    assert_eq!(fs::read_to_string(tree.join("Kconfig")).expect("text"), kconfig + "config MINE\n");
    assert_eq!(fs::read(tree.join(".git/index")).expect("an index"), index);
    assert_eq!(git(&["worktree", "list"]).lines().count(), 1);
    // Once more with one patch, and with one that does not fit.
    let (output, text) = build(&place, &tree, &["--patch", &second]);
    assert!(output.status.success(), "{text}");
    let diff = fs::read_to_string(place.bundle.join("local/uncommitted.diff")).expect("the diff");
    assert!(!diff.contains("config NEW"), "{diff}");
    let (output, text) = build(&place, &tree, &["--patch", &second, "--patch", &second]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("two.patch does not apply to") && text.contains("with 1 patch before"), "{text}");
    let (output, text) = build(&place, &place.root.clone(), &["--patch", &second]);
    assert_eq!((output.status.code(), text.contains("no kernel tree")), (Some(2), true), "{text}");
    let (output, text) = build(&place, Path::new(TREE), &["--patch", &second]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("--patch needs a git tree of its own"), "{text}");
}

#[test]
fn a_build_that_is_stopped_ends_make_and_all_that_it_started() {
    let place = place();
    // A make that starts a compiler which never ends.
    let bin = place.root.join("bin");
    fs::create_dir(&bin).expect("a folder");
    let pid = place.root.join("pid");
    fs::write(
        bin.join("make"),
        format!("#!/bin/sh\nsleep 1000 &\necho $! > {0}.part; mv {0}.part {0}; wait\n", pid.display()),
    )
    .expect("a file");
    fs::set_permissions(bin.join("make"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let child = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["kernel", "build", "--source", TREE, "--config"])
        .arg(&place.config)
        .arg("--into")
        .arg(&place.bundle)
        .env("PATH", path)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("kanalyze");
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let begun = std::time::Instant::now();
        while !done() {
            assert!(begun.elapsed().as_secs() < 60, "{what}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    until("make was never started", &|| pid.exists());
    let compiler = fs::read_to_string(&pid).expect("a number");
    let compiler = Path::new("/proc").join(compiler.trim()).join("cmdline");
    // The shell knows the number before the program has become another.
    until("the compiler was never started", &|| fs::read(&compiler).is_ok_and(|line| line.starts_with(b"sleep")));
    // Only this program gets the signal, as from a supervisor; a terminal would send it to the group.
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("stopped by signal 2"), "{text}");
    // make is waited for, what it started is only sent SIGKILL: the kernel ends it when it next runs it. One that is
    // dead and not yet waited for has no command line any more.
    until("the compiler still runs", &|| fs::read(&compiler).map_or(true, |line| line.is_empty()));
}

#[test]
fn a_folder_that_is_no_tree_is_reported() {
    let place = place();
    let (output, text) = build(&place, &place.root.clone(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("no kernel tree"), "{text}");
}

#[test]
fn the_bundles_own_configuration_is_the_default() {
    let place = place();
    fs::create_dir(&place.bundle).expect("a folder");
    fs::copy(&place.config, place.bundle.join("config")).expect("a copy");
    let kanalyze = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(arguments).arg(&place.bundle).output().expect("kanalyze")
    };
    assert!(kanalyze(&["bundle", "adopt"]).status.success());
    let output = kanalyze(&["kernel", "build", "--source", TREE, "--format", "jsonl", "--into"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a record");
    contract::assert_valid(&record);
    assert_eq!(record["schema"], "kanalyze.local-kernel/1");
    assert_eq!(record["image"]["format"], "bzimage");
    assert!(kanalyze(&["bundle", "verify"]).status.success());
}
