//! Many probes in few commands, and back: pure.
//!
//! Probes of one kind are answered by one process: one `stat` for all paths, one `sysctl` for all keys. Each
//! probe still gets exactly what its own command prints; what cannot be cut out of the common answer with
//! certainty is asked again alone.

mod slice;
mod walk;

use std::sync::Arc;

use kensa_core::probe::{package_command, stat_command, sysctl_command, unit_command};
use kensa_core::{Answer, Fault, Output, PackageManager, Probe, Reason};

use slice::Slice;

/// Longest text of one folded command.
const LINE_MAX: usize = 30_000;
/// A walk takes as long as the file tree is big.
const WALK_PATIENCE: u32 = 5;

/// One command to send, and the probes it answers.
#[derive(Clone, Debug)]
pub struct Request {
    /// The command.
    pub command: String,
    /// The probes; more than one only for a folded command.
    pub probes: Vec<Probe>,
    kind: Option<Kind>,
}

/// What a request's answer came to.
#[derive(Debug, Default)]
pub struct Unfolded {
    /// Probes that are answered.
    pub answers: Vec<(Probe, Answer)>,
    /// Probes to be asked alone.
    pub again: Vec<Probe>,
}

/// A kind of probe that can be asked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stat { follow: bool },
    Sysctl,
    Unit,
    Package(PackageManager),
    Tool,
    Walk,
}

/// The commands that answer `probes`, which are distinct. Folded ones come first: they answer most. Walks of the
/// file tree come last: they take longest.
pub fn fold(probes: &[Probe]) -> Vec<Request> {
    let mut groups: Vec<(Kind, Vec<Probe>)> = Vec::new();
    let mut single = Vec::new();
    for probe in probes.iter().filter(|probe| !matches!(probe, Probe::Find { .. })) {
        let Some(kind) = Kind::of(probe) else {
            single.push(Request::alone(probe.clone()));
            continue;
        };
        match groups.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, members)) => members.push(probe.clone()),
            None => groups.push((kind, vec![probe.clone()])),
        }
    }
    let mut requests: Vec<Request> =
        groups.into_iter().flat_map(|(kind, members)| kind.requests(members)).collect();
    requests.append(&mut single);
    requests.extend(walk::walks(probes).into_iter().map(|members| Kind::Walk.request(members)));
    requests
}

impl Request {
    /// The request that asks `probe` alone.
    pub fn alone(probe: Probe) -> Self {
        Self { command: probe.command(), probes: vec![probe], kind: None }
    }

    /// How many times the usual limit the command may take.
    pub fn patience(&self) -> u32 {
        if matches!(self.probes.first(), Some(Probe::Find { .. })) { WALK_PATIENCE } else { 1 }
    }

    /// Gives each probe its own answer.
    pub fn unfold(self, answer: Answer) -> Unfolded {
        let Some(kind) = self.kind else {
            let answers = self.probes.into_iter().map(|probe| (probe, answer.clone())).collect();
            return Unfolded { answers, again: Vec::new() };
        };
        let output = match answer {
            Ok(output) => output,
            // Alone each search would take as long.
            Err(fault) if kind == Kind::Walk && fault.reason == Reason::TimedOut => {
                return Unfolded::all(self.probes, &Fault { partial: None, ..fault });
            }
            // One item that hangs or kills says nothing about the others; nor does a supplied transport that
            // cannot run this one command (too long, not on its list).
            Err(Fault {
                reason: Reason::TimedOut | Reason::ShellDied | Reason::Killed | Reason::Internal,
                ..
            }) => {
                return Unfolded { answers: Vec::new(), again: self.probes };
            }
            Err(fault) => return Unfolded::all(self.probes, &fault),
        };
        let slices = if kind == Kind::Walk {
            let slices = walk::slices(&self.probes, &output);
            slices.map_or_else(
                || vec![None; self.probes.len()],
                |slices| slices.into_iter().map(Some).collect(),
            )
        } else {
            let names: Vec<&str> = self.probes.iter().filter_map(item).collect();
            slice::slices(kind, &names, &output)
        };
        let via: Arc<str> = self.command.as_str().into();
        let share = output.elapsed / u32::try_from(self.probes.len()).unwrap_or(u32::MAX).max(1);
        let mut unfolded = Unfolded::default();
        for (probe, slice) in self.probes.iter().zip(slices) {
            match slice {
                None => unfolded.again.push(probe.clone()),
                Some(Slice { exit_code, stdout, stderr }) => {
                    let mut own = Output::new(probe.command(), exit_code, &stdout, &stderr);
                    own.via = Some(Arc::clone(&via));
                    own.started = output.started;
                    own.elapsed = share;
                    unfolded.answers.push((probe.clone(), Ok(Arc::new(own))));
                }
            }
        }
        unfolded
    }
}

impl Unfolded {
    fn all(probes: Vec<Probe>, fault: &Fault) -> Self {
        let answers = probes.into_iter().map(|probe| (probe, Err(fault.clone()))).collect();
        Self { answers, again: Vec::new() }
    }
}

impl Kind {
    /// The kind of `probe`; `None` for kinds that are not folded and for names a common answer could not be cut
    /// by: quoted by the tool, patterns, or known to it under another name.
    fn of(probe: &Probe) -> Option<Self> {
        let plain = |text: &str, extra: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
        };
        match probe {
            Probe::Stat { path, follow } => {
                (path.starts_with('/') && plain(path, "/._-+:@,=%")).then_some(Kind::Stat { follow: *follow })
            }
            Probe::Sysctl { key } => plain(key, "._-").then_some(Kind::Sysctl),
            Probe::Unit { name } => plain(name, "._-:@").then_some(Kind::Unit),
            Probe::Package { manager, name } => plain(name, "._-+").then_some(Kind::Package(*manager)),
            Probe::Tool { name } => plain(name, "._-+").then_some(Kind::Tool),
            _ => None,
        }
    }

    fn command(self, items: &[&str]) -> String {
        match self {
            Kind::Stat { follow } => stat_command(items, follow),
            Kind::Sysctl => sysctl_command(items),
            Kind::Unit => unit_command(items),
            Kind::Package(manager) => package_command(manager, items),
            // Built from whole probes.
            Kind::Walk => String::new(),
            Kind::Tool => {
                format!("for t in {}; do command -v \"$t\"; echo \":$?\"; done", items.join(" "))
            }
        }
    }

    fn requests(self, members: Vec<Probe>) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut batch: Vec<Probe> = Vec::new();
        let mut length = 0;
        for probe in members {
            let size = item(&probe).map_or(0, str::len) + 3;
            if length + size > LINE_MAX {
                requests.push(self.request(std::mem::take(&mut batch)));
                length = 0;
            }
            length += size;
            batch.push(probe);
        }
        if !batch.is_empty() {
            requests.push(self.request(batch));
        }
        requests
    }

    fn request(self, mut probes: Vec<Probe>) -> Request {
        if probes.len() == 1
            && let Some(only) = probes.pop()
        {
            return Request::alone(only);
        }
        let walk = if self == Kind::Walk { walk::command(&probes) } else { None };
        let items: Vec<&str> = probes.iter().filter_map(item).collect();
        let command = walk.unwrap_or_else(|| self.command(&items));
        Request { command, probes, kind: Some(self) }
    }
}

/// The name a foldable probe asks about.
fn item(probe: &Probe) -> Option<&str> {
    match probe {
        Probe::Stat { path, .. } => Some(path),
        Probe::Sysctl { key } => Some(key),
        Probe::Unit { name } | Probe::Package { name, .. } | Probe::Tool { name } => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats() -> Request {
        let mut requests = fold(&[Probe::stat("/a"), Probe::read("/a"), Probe::stat("/b")]);
        assert_eq!(requests.len(), 2);
        requests.remove(0)
    }

    #[test]
    fn r28_a_folded_command_that_hangs_or_dies_is_asked_again_one_by_one() {
        for reason in [Reason::TimedOut, Reason::ShellDied, Reason::Killed, Reason::Internal] {
            let unfolded = stats().unfold(Err(Fault::new(reason, "x")));
            assert_eq!(unfolded.again, [Probe::stat("/a"), Probe::stat("/b")]);
        }
        let lost = stats().unfold(Err(Fault::new(Reason::ConnectionLost, "x")));
        assert_eq!((lost.answers.len(), lost.again.len()), (2, 0));
    }

    #[test]
    fn walks_come_last_and_a_walk_that_takes_too_long_is_not_taken_again() {
        let search = |mode_any| Probe::Find {
            range: kensa_core::FindRange { roots: vec!["/".to_owned()], prune: Vec::new() },
            test: kensa_core::FindTest { mode_any, ..Default::default() },
        };
        let mut requests = fold(&[search(1), Probe::read("/a"), search(2), Probe::stat("/b")]);
        let walk = requests.pop().unwrap();
        assert_eq!((requests.len(), walk.probes.len(), walk.patience()), (2, 2, WALK_PATIENCE));
        assert!(requests.iter().all(|request| request.patience() == 1));
        let unfolded = walk.unfold(Err(Fault::new(Reason::TimedOut, "x")));
        assert_eq!((unfolded.answers.len(), unfolded.again.len()), (2, 0));
    }

    #[test]
    fn what_cannot_be_cut_with_certainty_is_asked_again() {
        let line = |path: &str| format!("regular file|644|root|root|0|0|{path}\n");
        let both = format!("{}{}", line("/a"), line("/b"));
        let cases = [
            (0, format!("{}{}", line("/b"), line("/a")), ""),
            (0, line("/a"), ""),
            (0, format!("{both}extra\n"), ""),
            (0, both.trim_end().to_owned(), ""),
            (1, both.clone(), ""),
            (137, both.clone(), ""),
            (1, line("/a"), "stat: something else\n"),
            (0, both.clone(), "stat: a warning\n"),
        ];
        for (exit, stdout, stderr) in cases {
            let output = Output::new("x", exit, stdout.as_bytes(), stderr.as_bytes());
            let unfolded = stats().unfold(Ok(Arc::new(output)));
            assert_eq!(unfolded.again.len(), 2, "{exit} {stdout:?} {stderr:?}");
        }
        let mut cut = Output::new("x", 0, both.as_bytes(), b"");
        cut.stdout_total += 1;
        assert_eq!(stats().unfold(Ok(Arc::new(cut))).again.len(), 2);
        let whole = stats().unfold(Ok(Arc::new(Output::new("x", 0, both.as_bytes(), b""))));
        assert_eq!((whole.answers.len(), whole.again.len()), (2, 0));
    }

    #[test]
    fn a_block_about_another_unit_is_no_answer() {
        let block = |name: &str| {
            format!("Id={name}\nNames={name} x\nLoadState=a\nActiveState=b\nSubState=c\nUnitFileState=\n")
        };
        let mut requests = fold(&[Probe::unit("a"), Probe::unit("b.socket")]);
        let request = requests.remove(0);
        let answered = |stdout: String| {
            let output = Output::new("x", 0, stdout.as_bytes(), b"");
            request.clone().unfold(Ok(Arc::new(output))).answers.len()
        };
        assert_eq!(answered(format!("{}\n{}", block("a.service"), block("b.socket"))), 2);
        assert_eq!(answered(format!("{}\n{}", block("b.socket"), block("a.service"))), 0);
        assert_eq!(answered(block("a.service")), 0);
    }

    #[test]
    fn names_a_tool_would_read_otherwise_are_not_folded() {
        for probe in [
            Probe::stat("/a b"),
            Probe::stat("relative"),
            Probe::sysctl("net/ipv4/ip_forward"),
            Probe::sysctl("-w"),
            Probe::unit("a*"),
            Probe::package(PackageManager::Dpkg, "libc6:i386"),
            Probe::tool("$(id)"),
        ] {
            assert_eq!(Kind::of(&probe), None, "{probe}");
        }
    }
}
