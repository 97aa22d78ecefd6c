//! Which operating system a host runs.

use kensa_core::{Outputs, Platform, Probe};

const OS_RELEASE: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];
const REDHAT_RELEASE: &str = "/etc/redhat-release";
const DEBIAN_VERSION: &str = "/etc/debian_version";

pub(super) fn probes() -> Vec<Probe> {
    OS_RELEASE.into_iter().chain([REDHAT_RELEASE, DEBIAN_VERSION]).map(Probe::read).collect()
}

/// By os-release, and on systems older than that file by the distribution's own.
pub(super) fn judge(got: &Outputs) -> Option<Platform> {
    let text = |path: &str| got.read(path).ok().flatten();
    let from_os_release = OS_RELEASE.into_iter().find_map(|path| Platform::from_os_release(&text(path)?));
    from_os_release.or_else(|| redhat(&text(REDHAT_RELEASE)?)).or_else(|| debian(&text(DEBIAN_VERSION)?))
}

/// `CentOS Linux release 7.9.2009 (Core)`.
fn redhat(text: &str) -> Option<Platform> {
    let line = text.lines().next()?.trim();
    let (name, rest) = line.split_once(" release ")?;
    let version = rest.split_whitespace().next()?;
    let ids = [
        ("Red Hat", "rhel"),
        ("CentOS", "centos"),
        ("Rocky", "rocky"),
        ("AlmaLinux", "almalinux"),
        ("Oracle", "ol"),
        ("Fedora", "fedora"),
    ];
    let (_, id) = ids.iter().find(|(start, _)| name.starts_with(start))?;
    let mut platform = Platform::new(id, version);
    platform.pretty_name = line.to_owned();
    Some(platform)
}

/// `12.5`; a release still in the making has no number.
fn debian(text: &str) -> Option<Platform> {
    let version = text.trim();
    let numbered = version.starts_with(|c: char| c.is_ascii_digit());
    (!version.is_empty()).then(|| Platform::new("debian", if numbered { version } else { "" }))
}
