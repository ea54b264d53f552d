//! A folder in which examples run: the files they name, and on PATH nothing but kanalyze, a few plain tools and stand-ins.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Programs of the system that examples may really use.
const TOOLS: [&str; 21] = [
    "sh", "bash", "cat", "ls", "head", "tail", "cut", "sort", "uniq", "wc", "grep", "sed", "gzip", "zcat", "mkdir",
    "cp", "rm", "test", "tr", "timeout", "env",
];

/// Programs that examples name and that must not do anything here.
const STAND_INS: [&str; 19] = [
    "sudo",
    "apt-get",
    "cargo",
    "rustup",
    "docker",
    "buildah",
    "podman",
    "dpkg",
    "make",
    "vim",
    "emacs",
    "lnav",
    "scp",
    "jq",
    "dot",
    "journalctl",
    "pip",
    "tar",
    "curl",
];

/// kanalyze as the examples find it. Verbs that want a machine, a network, a kernel image or a tree only have their command line
/// checked: with `--help` behind it, clap reads all that stands before. Each status is noted.
const WRAPPER: &str = r#"#!/bin/sh
only=
case " $* " in *" --extid "*|*" --mid "*|*" -k "*|*" -r "*|*" --tree "*|*" --release "*|*" --vmlinux "*|*" --from arrow"*) only=1 ;; esac
case $1 in run|watch|bundle|syzbot|kernel|repro|doctor|runs|note|fixed|blame|image|symbolize|host|mcp) only=1 ;; esac
case $1 in query) [ "$TABLES" = yes ] || only=1 ;; esac
case " $* " in *.parquet\ *|*" --partition-by "*|*" --to arrow"*) [ "$ARROW" = yes ] || only=1 ;; esac
if [ -n "$only" ]; then
    said=$("$KANALYZE" "$@" --help 2>&1)
    status=$?
    [ $status = 0 ] || echo "$said" >&2
else
    "$KANALYZE" "$@"
    status=$?
fi
echo "$status kanalyze $*" >> "$STATUSES"
exit $status
"#;

/// The folder. It goes when this is dropped.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    /// Where commands run.
    pub(crate) place: PathBuf,
}

/// What a command came to.
pub(crate) struct Outcome {
    /// Standard output.
    pub(crate) output: String,
    /// Standard error.
    pub(crate) error: String,
    /// `1 kanalyze parse x.log` for each call of kanalyze.
    pub(crate) statuses: Vec<String>,
}

impl Stage {
    /// With a copy of `files` as the working folder.
    pub(crate) fn of(files: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().join("place");
        copy(files, &place);
        let bin = folder.path().join("bin");
        std::fs::create_dir_all(&bin).expect("a temporary folder");
        let put = |name: &str, text: &str| {
            let path = bin.join(name);
            std::fs::write(&path, text).expect("a temporary folder");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        };
        put("kanalyze", WRAPPER);
        for name in STAND_INS {
            put(name, "#!/bin/sh\n[ -t 0 ] || cat > /dev/null\n");
        }
        put("dmesg", "#!/bin/sh\nexec cat \"$STAGED_LOG\"\n");
        put("conserver", "#!/bin/sh\nexec cat \"$STAGED_LOG\"\n");
        put("find", "#!/bin/sh\necho \"$STAGED_LOG\"\n");
        put("uname", "#!/bin/sh\necho 6.12.9\n");
        put("git", "#!/bin/sh\n[ \"$1 $2\" = 'bisect run' ] || exit 0\nshift 2\nexec \"$@\"\n");
        for name in TOOLS {
            let real = ["/usr/bin", "/bin"].iter().map(|at| Path::new(at).join(name)).find(|path| path.exists());
            symlink(real.unwrap_or_else(|| panic!("{name} is not installed")), bin.join(name))
                .expect("a temporary folder");
        }
        Self { folder, place }
    }

    /// Runs a command by a shell, with nothing on standard input.
    pub(crate) fn run(&self, command: &str) -> Outcome {
        let statuses = self.folder.path().join("statuses");
        let _ = std::fs::remove_file(&statuses);
        let home = self.folder.path().join("home");
        let done = Command::new("/usr/bin/timeout")
            .args(["120", "sh", "-c", command])
            .current_dir(&self.place)
            .env_clear()
            .envs([
                ("PATH", self.folder.path().join("bin")),
                ("HOME", home.clone()),
                ("XDG_CACHE_HOME", home.join("cache")),
            ])
            .envs([("LC_ALL", "C.UTF-8"), ("TERM", "dumb"), ("KANALYZE", env!("CARGO_BIN_EXE_kanalyze"))])
            .env("TABLES", if cfg!(feature = "tables") { "yes" } else { "no" })
            .env("ARROW", if cfg!(feature = "arrow") { "yes" } else { "no" })
            .env("STAGED_LOG", self.place.join("console.log"))
            .env("STATUSES", &statuses)
            .stdin(Stdio::null())
            .output()
            .expect("a shell runs");
        let noted = std::fs::read_to_string(&statuses).unwrap_or_default();
        Outcome {
            output: String::from_utf8_lossy(&done.stdout).into_owned(),
            error: String::from_utf8_lossy(&done.stderr).into_owned(),
            statuses: noted.lines().map(str::to_owned).collect(),
        }
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a temporary folder");
    for entry in std::fs::read_dir(from).expect("it is there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file can be copied");
        }
    }
}

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
