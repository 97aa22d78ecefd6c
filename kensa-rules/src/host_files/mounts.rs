//! Mounted file systems (`/proc/self/mountinfo`, see proc(5)) and wanted ones (`/etc/fstab`).

use kensa_core::{CouldNotTell, Outputs, Probe, Reason};

/// The kernel's list of mounts.
pub(crate) const MOUNTINFO: &str = "/proc/self/mountinfo";
/// The list of mounts to make at boot.
pub(crate) const FSTAB: &str = "/etc/fstab";

/// Options in force at `point`, those of the mount and those of its file system; `None` when nothing is
/// mounted there. Of several mounts on one point the last hides the others.
pub(crate) fn mounted_options(got: &Outputs, point: &str) -> Result<Option<Vec<String>>, CouldNotTell> {
    let unknown = |what: &str| CouldNotTell::new(Reason::UnexpectedOutput, format!("{MOUNTINFO}: {what}"));
    let text = got.read(MOUNTINFO)?;
    let text = text.ok_or_else(|| {
        CouldNotTell::new(Reason::ServiceUnavailable, format!("{MOUNTINFO} does not exist"))
    })?;
    let mut root_seen = false;
    let mut options = None;
    for line in text.lines() {
        let (mount, filesystem) = line.split_once(" - ").ok_or_else(|| unknown("a line has no separator"))?;
        let mut mount = mount.split(' ').skip(4);
        let (Some(at), Some(per_mount)) = (mount.next(), mount.next()) else {
            return Err(unknown("a line is too short"));
        };
        let at = decode(at);
        root_seen |= at == "/";
        if at == point {
            let of_filesystem = filesystem.split(' ').nth(2).unwrap_or_default();
            options = Some(merged(per_mount, of_filesystem));
        }
    }
    // Every process has a root; a list without one is something else.
    if root_seen { Ok(options) } else { Err(unknown("there is no root mount")) }
}

/// Both lists without repetition. A file system that is read-only makes the mount read-only.
fn merged(per_mount: &str, of_filesystem: &str) -> Vec<String> {
    let read_only =
        [per_mount, of_filesystem].iter().any(|list| list.split(',').any(|option| option == "ro"));
    let mut options = vec![if read_only { "ro".to_owned() } else { "rw".to_owned() }];
    for option in per_mount.split(',').chain(of_filesystem.split(',')) {
        let option = decode(option);
        if !option.is_empty() && option != "ro" && option != "rw" && !options.contains(&option) {
            options.push(option);
        }
    }
    options
}

/// Options `/etc/fstab` gives the mount point; `None` when no line mounts it.
pub(crate) fn fstab_options(got: &Outputs, point: &str) -> Result<Option<Vec<String>>, CouldNotTell> {
    let text = got.read(FSTAB)?.unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let mut found = None;
    for line in lines {
        let mut fields = line.split_whitespace().skip(1);
        if fields.next().map(|at| normal(&decode(at)).to_owned()).as_deref() == Some(point) {
            let options = fields.nth(1).unwrap_or("defaults");
            found = Some(options.split(',').map(decode).collect());
        }
    }
    Ok(found)
}

/// What to ask for [`mounted_options`].
pub(crate) fn mountinfo() -> Probe {
    Probe::read(MOUNTINFO)
}

/// The path without a trailing slash.
pub(crate) fn normal(point: &str) -> &str {
    match point.trim_end_matches('/') {
        "" => "/",
        point => point,
    }
}

/// Where a search of the whole file tree starts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Roots {
    /// Mount points of local file systems that hold files, each once.
    pub(crate) local: Vec<String>,
    /// Mount points of network file systems, which a search leaves to the host that owns them.
    pub(crate) network: Vec<String>,
}

/// File systems of other machines.
const NETWORK: [&str; 12] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "fuse.sshfs",
    "fuse.glusterfs",
    "9p",
];
/// File systems the kernel makes up, and read-only images: no host state to find there.
const UNSEARCHED: [&str; 24] = [
    "proc",
    "sysfs",
    "devtmpfs",
    "devpts",
    "cgroup",
    "cgroup2",
    "securityfs",
    "debugfs",
    "tracefs",
    "pstore",
    "bpf",
    "configfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "binfmt_misc",
    "rpc_pipefs",
    "nsfs",
    "autofs",
    "selinuxfs",
    "squashfs",
    "iso9660",
    "ramfs",
];

/// The mounted file systems a search has to cover.
pub(crate) fn roots(got: &Outputs) -> Result<Roots, CouldNotTell> {
    let unknown = |what: &str| CouldNotTell::new(Reason::UnexpectedOutput, format!("{MOUNTINFO}: {what}"));
    let text = got.read(MOUNTINFO)?.unwrap_or_default();
    let mut roots = Roots::default();
    for line in text.lines() {
        let (mount, filesystem) = line.split_once(" - ").ok_or_else(|| unknown("a line has no separator"))?;
        let at = mount.split(' ').nth(4).map(decode).ok_or_else(|| unknown("a line is too short"))?;
        let kind = filesystem.split(' ').next().unwrap_or_default();
        let list = if NETWORK.contains(&kind) { &mut roots.network } else { &mut roots.local };
        // A file mounted over another has no tree below it, and a walk of its parent sees it anyway.
        if !UNSEARCHED.contains(&kind) && !list.contains(&at) && !at.starts_with("/proc/") {
            list.push(at);
        }
    }
    if roots.local.iter().any(|at| at == "/") { Ok(roots) } else { Err(unknown("there is no root mount")) }
}

/// Undoes the octal escapes (`\040` for a blank) of both files.
fn decode(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped =
            digits.filter(|_| *first == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_slashes() {
        assert_eq!(decode(r"/mnt/a\040b\134c"), r"/mnt/a b\c");
        assert_eq!(decode(r"a\9"), r"a\9");
        assert_eq!((normal("/tmp/"), normal("/")), ("/tmp", "/"));
    }

    #[test]
    fn a_read_only_file_system_makes_the_mount_read_only() {
        assert_eq!(merged("rw,nodev", "ro,size=1g"), ["ro", "nodev", "size=1g"]);
        assert_eq!(merged("rw,nodev", "rw"), ["rw", "nodev"]);
    }
}
