//! What a capability is: a few probes and what their answers mean.

use kensa_core::{CouldNotTell, Outputs, Probe, Reason};

use super::table::CAPABILITIES;

/// Something a host can have that rules select an implementation by.
#[derive(Clone, Copy, Debug)]
pub struct Capability {
    /// Name in rule files.
    pub name: &'static str,
    /// When a host has it, in one line.
    pub summary: &'static str,
    pub(super) test: Test,
}

/// Present, absent, or why that could not be told.
pub(super) type Judged = Result<bool, CouldNotTell>;

/// How presence is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    /// One of these programs is on the search path.
    Tool(&'static [&'static str]),
    /// systemd knows one of these units: installed, not necessarily running.
    Installed(&'static [&'static str]),
    /// One of these units is active.
    Active(&'static [&'static str]),
    /// One of these paths is a directory, symbolic links followed.
    Directory(&'static [&'static str]),
    /// This path is a regular file, symbolic links followed.
    File(&'static str),
    /// Anything else.
    Other { probes: fn() -> Vec<Probe>, judge: fn(&Outputs) -> Judged },
}

/// Exists exactly while systemd is the running init (see sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

impl Capability {
    /// The capability called `name`.
    pub fn find(name: &str) -> Option<&'static Capability> {
        CAPABILITIES.iter().find(|capability| capability.name == name)
    }

    /// What to ask the host.
    pub fn probes(&self) -> Vec<Probe> {
        match self.test {
            Test::Tool(names) => names.iter().copied().map(Probe::tool).collect(),
            Test::Installed(names) | Test::Active(names) => unit_probes(names),
            Test::Directory(paths) => paths.iter().copied().map(following).collect(),
            Test::File(path) => vec![following(path)],
            Test::Other { probes, .. } => probes(),
        }
    }

    /// Whether the host has it, from the answers to [`Capability::probes`].
    pub fn judge(&self, got: &Outputs) -> Result<bool, CouldNotTell> {
        match self.test {
            Test::Tool(names) => any(names.iter().map(|name| tool(got, name))),
            Test::Installed(names) => any(names.iter().map(|name| installed(got, name))),
            Test::Active(names) => any(names.iter().map(|name| active(got, name))),
            Test::Directory(paths) => any(paths.iter().map(|path| is_kind(got, path, "directory"))),
            Test::File(path) => is_file(got, path),
            Test::Other { judge, .. } => judge(got),
        }
    }
}

pub(super) fn following(path: &str) -> Probe {
    Probe::Stat { path: path.to_owned(), follow: true }
}

pub(super) fn unit_probes(names: &[&str]) -> Vec<Probe> {
    names.iter().copied().map(Probe::unit).chain([following(BOOTED)]).collect()
}

/// True when one is true, whatever the others; false only when all are.
pub(super) fn any(parts: impl IntoIterator<Item = Judged>) -> Judged {
    let mut unknown = None;
    for part in parts {
        match part {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => unknown = unknown.or(Some(error)),
        }
    }
    unknown.map_or(Ok(false), Err)
}

/// False when one is false, whatever the others; true only when all are.
pub(super) fn all(parts: impl IntoIterator<Item = Judged>) -> Judged {
    any(parts.into_iter().map(not)).map(|absent| !absent)
}

pub(super) fn not(judged: Judged) -> Judged {
    judged.map(|present| !present)
}

pub(super) fn tool(got: &Outputs, name: &str) -> Judged {
    Ok(got.tool(name)?.is_some())
}

/// Without systemd as init there are no units; a host with it that does not answer could not tell.
pub(super) fn installed(got: &Outputs, name: &str) -> Judged {
    if booted(got) == Ok(false) { Ok(false) } else { Ok(got.unit(name)?.exists()) }
}

pub(super) fn active(got: &Outputs, name: &str) -> Judged {
    if booted(got) == Ok(false) { Ok(false) } else { Ok(got.unit(name)?.active_state == "active") }
}

pub(super) fn booted(got: &Outputs) -> Judged {
    is_kind(got, BOOTED, "directory")
}

pub(super) fn is_kind(got: &Outputs, path: &str, kind: &str) -> Judged {
    Ok(got.stat_following(path)?.is_some_and(|stat| stat.kind == kind))
}

/// stat(1) has two names for a file, by its size.
pub(super) fn is_file(got: &Outputs, path: &str) -> Judged {
    any([is_kind(got, path, "regular file"), is_kind(got, path, "regular empty file")])
}

/// What a program printed; `None` when it is not installed. Any other failure is the caller's to judge.
pub(super) fn said(got: &Outputs, probe: &Probe) -> Result<Option<(i32, String)>, CouldNotTell> {
    match got.ran(probe) {
        Ok(output) => Ok(Some((output.exit_code, output.stdout_text().into_owned()))),
        Err(error) if error.reason == Reason::ToolMissing => Ok(None),
        Err(error) => Err(error),
    }
}

/// The failure of a program that ran but did not say what it was asked.
pub(super) fn unclear(got: &Outputs, probe: &Probe) -> CouldNotTell {
    match got.succeeded(probe) {
        Err(error) => error,
        Ok(output) => {
            let message = format!("{}: the answer is not understood", output.command);
            CouldNotTell::new(Reason::UnexpectedOutput, message)
        }
    }
}
