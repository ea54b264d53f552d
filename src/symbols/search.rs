//! Where a kernel's image is looked for when only its release or build id is known.

use std::path::{Path, PathBuf};

/// Where the image of a release may be, in the order of the kernel tree's `decode_stacktrace.sh`, with the folders that
/// drgn knows after them.
#[must_use]
pub fn places_of_release(release: &str) -> Vec<PathBuf> {
    let boot = ["/boot", "/usr/lib/debug/boot"].iter();
    let mut places: Vec<PathBuf> = boot
        .flat_map(|folder| ["", ".debug"].map(|ending| PathBuf::from(format!("{folder}/vmlinux-{release}{ending}"))))
        .collect();
    places.push(PathBuf::from(format!("/lib/modules/{release}/vmlinux")));
    places.push(PathBuf::from(format!("/lib/modules/{release}/build/vmlinux")));
    places.push(PathBuf::from(format!("/usr/lib/debug/lib/modules/{release}/vmlinux")));
    places
}

/// The image of a release, if it is on this machine.
#[must_use]
pub fn find_release(release: &str) -> Option<PathBuf> {
    // A release is a folder's name; anything else leads out of the folders.
    let plain =
        !release.is_empty() && release.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+~".contains(&byte));
    if !plain || release.starts_with('.') {
        return None;
    }
    places_of_release(release).into_iter().find(|path| path.exists())
}

/// The debug file of a build id below `/usr/lib/debug/.build-id`.
#[must_use]
pub fn find_build_id(root: &Path, build_id: &str) -> Option<PathBuf> {
    let (first, rest) = build_id.split_at_checked(2)?;
    let path = root.join(".build-id").join(first).join(format!("{rest}.debug"));
    path.exists().then_some(path)
}

/// A `vmlinux` in the build folder that the environment or the current folder names.
#[must_use]
pub fn find_in_build_tree() -> Option<PathBuf> {
    let folders = ["KBUILD_OUTPUT", "O"].iter().filter_map(std::env::var_os).map(PathBuf::from);
    folders.chain([PathBuf::from(".")]).map(|folder| folder.join("vmlinux")).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_kernels_script() {
        let places: Vec<String> = places_of_release("6.1.0").iter().map(|path| path.display().to_string()).collect();
        assert_eq!(
            places,
            [
                "/boot/vmlinux-6.1.0",
                "/boot/vmlinux-6.1.0.debug",
                "/usr/lib/debug/boot/vmlinux-6.1.0",
                "/usr/lib/debug/boot/vmlinux-6.1.0.debug",
                "/lib/modules/6.1.0/vmlinux",
                "/lib/modules/6.1.0/build/vmlinux",
                "/usr/lib/debug/lib/modules/6.1.0/vmlinux",
            ]
        );
    }

    #[test]
    fn a_release_cannot_lead_out_of_its_folder() {
        assert_eq!(find_release("../../etc/passwd"), None);
        assert_eq!(find_release(""), None);
    }

    #[test]
    fn a_build_id_is_a_path() {
        let root = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir_all(root.path().join(".build-id/ab")).expect("writable");
        let path = root.path().join(".build-id/ab/cdef.debug");
        std::fs::write(&path, b"").expect("writable");
        assert_eq!(find_build_id(root.path(), "abcdef"), Some(path));
        assert_eq!(find_build_id(root.path(), "abcd"), None);
        assert_eq!(find_build_id(root.path(), "a"), None);
    }
}
