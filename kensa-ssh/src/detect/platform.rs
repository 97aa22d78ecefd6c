//! Which operating system a host runs.

use kensa_core::{CouldNotTell, Outputs, Platform, Probe, Reason};

const REDHAT_RELEASE: &str = "/etc/redhat-release";
const DEBIAN_VERSION: &str = "/etc/debian_version";
const FILES: [&str; 4] = ["/etc/os-release", "/usr/lib/os-release", REDHAT_RELEASE, DEBIAN_VERSION];

pub(super) fn probes() -> Vec<Probe> {
    FILES.into_iter().map(Probe::read).collect()
}

/// By os-release, and on systems older than that file by the distribution's own. `None` when the host has none of
/// these files.
///
/// The first file that is there decides; one that could not be read might have said something else than the next.
pub(super) fn judge(got: &Outputs) -> Result<Option<Platform>, CouldNotTell> {
    let mut nameless = None;
    for path in FILES {
        let Some(text) = got.read(path)? else { continue };
        let platform = match path {
            REDHAT_RELEASE => redhat(&text),
            DEBIAN_VERSION => debian(&text),
            _ => Platform::from_os_release(&text),
        };
        if platform.is_some() {
            return Ok(platform);
        }
        nameless = nameless.or(Some(path));
    }
    nameless.map_or(Ok(None), |path| {
        let message = format!("{path} names no operating system");
        Err(CouldNotTell::new(Reason::UnexpectedOutput, message))
    })
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
