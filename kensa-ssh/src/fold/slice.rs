//! Cutting the answer of a folded command into the answers of its items.
//!
//! Every function gives one entry per item, `None` where the item's own answer is not certain. A line that belongs
//! to no item makes the whole answer uncertain.

use std::iter::Peekable;
use std::str::Lines;

use kensa_core::{Output, PackageManager};

use super::Kind;

/// What one item's own command would have given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) exit_code: i32,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Slice {
    fn found(stdout: String) -> Option<Self> {
        Some(Self { exit_code: 0, stdout: stdout.into_bytes(), stderr: Vec::new() })
    }

    fn failed(exit_code: i32, stderr: &str) -> Option<Self> {
        Some(Self { exit_code, stdout: Vec::new(), stderr: format!("{stderr}\n").into_bytes() })
    }
}

pub(super) fn slices(kind: Kind, items: &[&str], output: &Output) -> Vec<Option<Slice>> {
    let uncertain = || vec![None; items.len()];
    let complete = !output.is_truncated() && output.stderr_total == output.stderr.len() as u64;
    let (Ok(stdout), Ok(stderr)) = (std::str::from_utf8(&output.stdout), std::str::from_utf8(&output.stderr))
    else {
        return uncertain();
    };
    if !complete || (!stdout.is_empty() && !stdout.ends_with('\n')) {
        return uncertain();
    }
    if stdout.is_empty() && concerns_all(output.exit_code, stderr) {
        let same = Slice { exit_code: output.exit_code, stdout: Vec::new(), stderr: output.stderr.clone() };
        return vec![Some(same); items.len()];
    }
    let exit = output.exit_code;
    let cut = match kind {
        Kind::Stat { .. } => stat(items, exit, stdout, stderr),
        Kind::Sysctl => sysctl(items, exit, stdout, stderr),
        Kind::Unit => unit(items, exit, stdout, stderr),
        Kind::Package(PackageManager::Dpkg) => dpkg(items, exit, stdout, stderr),
        Kind::Package(PackageManager::Rpm) => rpm(items, exit, stdout, stderr),
        Kind::Tool => tool(items, exit, stdout, stderr),
        Kind::Walk => None,
    };
    cut.filter(|slices| slices.len() == items.len()).unwrap_or_else(uncertain)
}

/// Whether the program failed in a way that does not depend on what it was asked about.
pub(super) fn concerns_all(exit: i32, stderr: &str) -> bool {
    let no_systemd = ["System has not been booted with systemd", "Failed to connect to bus"];
    exit == 127 || (exit == 1 && no_systemd.iter().any(|text| stderr.starts_with(text)))
}

/// One line per path that exists, on standard error one per path that does not, both in order.
fn stat(items: &[&str], exit: i32, stdout: &str, stderr: &str) -> Option<Vec<Option<Slice>>> {
    let (mut found, mut failed) = (stdout.lines().peekable(), stderr.lines().peekable());
    let mut slices = Vec::new();
    for path in items {
        let own = |line: &&str| line.splitn(7, '|').nth(6) == Some(path);
        let about = format!("'{path}': ");
        let slice = if let Some(line) = found.next_if(own) {
            Slice::found(format!("{line}\n"))
        } else {
            let line = failed.next_if(|line| line.starts_with("stat: ") && line.contains(&about))?;
            Slice::failed(1, line)
        };
        slices.push(slice);
    }
    let any_failed = slices.iter().flatten().any(|slice| slice.exit_code != 0);
    let ends = found.next().is_none() && failed.next().is_none();
    (ends && exit == i32::from(any_failed)).then_some(slices)
}

/// `key = value` lines, in order; failures on standard error, counted in the exit status.
fn sysctl(items: &[&str], exit: i32, stdout: &str, stderr: &str) -> Option<Vec<Option<Slice>>> {
    let (mut found, mut failed) = (stdout.lines().peekable(), stderr.lines().peekable());
    let mut slices = Vec::new();
    let mut failures = Vec::new();
    for key in items {
        let prefix = format!("{key} = ");
        let own = take_while(&mut found, |line| line.starts_with(&prefix) || line == prefix.trim_end());
        if own.is_empty() {
            let path = format!("/proc/sys/{}:", key.replace('.', "/"));
            let quoted = format!("'{key}'");
            let line = failed.next_if(|line| line.contains(&path) || line.contains(&quoted))?;
            failures.push(slices.len());
            slices.push(Slice::failed(0, line));
        } else {
            slices.push(Slice::found(own));
        }
    }
    if found.next().is_some() || failed.next().is_some() || (exit == 0) != failures.is_empty() {
        return None;
    }
    // procps counts the failures in its status, others say 1 or 255: only what can be told is told. Any other status
    // means that sysctl did not come to its end.
    let own_status = match failures.len() {
        0 => None,
        1 if matches!(exit, 1 | 255) => Some(exit),
        count if i32::try_from(count) == Ok(exit) || exit == 1 => Some(1),
        _ if exit == 255 => None,
        _ => return None,
    };
    for at in failures {
        slices[at] = match (slices[at].take(), own_status) {
            (Some(slice), Some(exit_code)) => Some(Slice { exit_code, ..slice }),
            _ => None,
        };
    }
    Some(slices)
}

/// One block of properties per unit, in order, with blank lines between. Each must be about the unit asked for.
fn unit(items: &[&str], exit: i32, stdout: &str, stderr: &str) -> Option<Vec<Option<Slice>>> {
    if exit != 0 || !stderr.is_empty() {
        return None;
    }
    let blocks: Vec<&str> = stdout.strip_suffix('\n')?.split("\n\n").collect();
    let complete = |(block, item): (&&str, &&str)| {
        let keys = kensa_core::probe::UNIT_PROPERTIES.split(',');
        let lines: Vec<&str> = block.lines().collect();
        let full = if item.contains('.') { (*item).to_owned() } else { format!("{item}.service") };
        let names = lines.iter().find_map(|line| line.strip_prefix("Names=")).unwrap_or_default();
        names.split(' ').any(|name| name == full)
            && keys.clone().count() == lines.len()
            && keys.into_iter().all(|key| {
                let named = |line: &&&str| line.split_once('=').is_some_and(|(name, _)| name == key);
                lines.iter().filter(named).count() == 1
            })
    };
    let fits = blocks.len() == items.len() && blocks.iter().zip(items).all(complete);
    fits.then(|| blocks.into_iter().map(|block| Slice::found(format!("{block}\n"))).collect())
}

/// One line per known package in dpkg's own order; one line on standard error per unknown one.
fn dpkg(items: &[&str], exit: i32, stdout: &str, stderr: &str) -> Option<Vec<Option<Slice>>> {
    let name = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    if !stdout.lines().all(|line| items.contains(&name(line).as_str())) {
        return None;
    }
    let mut unknown: Vec<&str> = stderr.lines().collect();
    let mut slices = Vec::new();
    for item in items {
        let own: String =
            stdout.lines().filter(|line| name(line) == *item).map(|line| format!("{line}\n")).collect();
        let said = format!("dpkg-query: no packages found matching {item}");
        let missing = unknown.iter().position(|line| *line == said);
        slices.push(match (own.is_empty(), missing) {
            (false, None) => Slice::found(own),
            (true, Some(at)) => Slice::failed(1, unknown.remove(at)),
            _ => return None,
        });
    }
    let any_failed = slices.iter().flatten().any(|slice| slice.exit_code != 0);
    (unknown.is_empty() && exit == i32::from(any_failed)).then_some(slices)
}

/// In order, one line per installed version or one that says there is none; all on standard output. Anything on
/// standard error may be a broken database. The status counts what is missing, as far as a status can.
fn rpm(items: &[&str], exit: i32, stdout: &str, stderr: &str) -> Option<Vec<Option<Slice>>> {
    if !stderr.is_empty() {
        return None;
    }
    let mut lines = stdout.lines().peekable();
    let mut slices = Vec::new();
    let mut missing = 0;
    for item in items {
        let said = format!("package {item} is not installed");
        if let Some(line) = lines.next_if(|line| *line == said) {
            missing += 1;
            let stdout = format!("{line}\n").into_bytes();
            slices.push(Some(Slice { exit_code: 1, stdout, stderr: Vec::new() }));
            continue;
        }
        let own = take_while(&mut lines, |line| line.split('\t').next() == Some(item) && line.contains('\t'));
        if own.is_empty() {
            return None;
        }
        slices.push(Slice::found(own));
    }
    let counted = (exit == 0) == (missing == 0) && (0..=missing).contains(&exit);
    (lines.next().is_none() && counted).then_some(slices)
}

/// Per program its path, where there is one, and `:status`.
fn tool(items: &[&str], exit: i32, stdout: &str, stderr: &str) -> Option<Vec<Option<Slice>>> {
    if exit != 0 || !stderr.is_empty() {
        return None;
    }
    let mut lines = stdout.lines().peekable();
    let mut slices = Vec::new();
    for _ in items {
        let own = take_while(&mut lines, |line| !line.starts_with(':'));
        let exit_code = lines.next()?.strip_prefix(':')?.parse().ok()?;
        slices.push(Some(Slice { exit_code, stdout: own.into_bytes(), stderr: Vec::new() }));
    }
    lines.next().is_none().then_some(slices)
}

fn take_while(lines: &mut Peekable<Lines<'_>>, own: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    while let Some(line) = lines.next_if(|line| own(line)) {
        text.push_str(line);
        text.push('\n');
    }
    text
}
