//! Every way in which the answer to one probe can go wrong.

#![allow(dead_code, unreachable_pub, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;

use kensa::{Fault, Output, Probe, Reason};

use super::hosts::{Answer, Recorded};

/// A wrong answer and what an `error` because of it may be called.
pub struct Spoiled {
    pub name: &'static str,
    pub answer: Answer,
    pub reasons: &'static [Reason],
    /// The answer is incomplete, but what it shows is true: a finding in it is one.
    pub finds: bool,
}

/// The name of the probe's kind.
pub fn kind(probe: &Probe) -> &'static str {
    match probe {
        Probe::Stat { .. } => "stat",
        Probe::Read { .. } => "read",
        Probe::List { .. } => "list",
        Probe::Glob { .. } => "glob",
        Probe::Sysctl { .. } => "sysctl",
        Probe::Unit { .. } => "unit",
        Probe::Package { .. } => "package",
        Probe::Tool { .. } => "tool",
        Probe::SshdConfig { .. } => "sshd",
        Probe::AuditRules => "audit",
        Probe::Find { .. } => "find",
        Probe::Run { .. } => "run",
        Probe::Command { .. } => "command",
        _ => panic!("a new kind of probe: say how its answers can go wrong"),
    }
}

/// The answer to `probe` spoiled in every way that can be told from a truth.
pub fn spoil(probe: &Probe, host: &Recorded) -> Vec<Spoiled> {
    let kind = kind(probe);
    let Some(Ok(truth)) = host.answers.get(probe) else { return Vec::new() };
    let mut all = Vec::new();
    let mut add = |name, answer, reasons| all.push(Spoiled { name, answer, reasons, finds: false });
    let output = |exit, stdout: &[u8], stderr: &str| {
        Ok(Arc::new(Output::new(probe.command(), exit, stdout, stderr.as_bytes())))
    };

    let lost = Fault::new(Reason::ConnectionLost, "the connection was lost");
    add("link cut", Err(lost), &[Reason::ConnectionLost]);
    let late = Fault { partial: Some(Arc::clone(truth)), ..Fault::new(Reason::TimedOut, "too slow") };
    add("timed out", Err(late), &[Reason::TimedOut]);
    add("shell died", Err(Fault::new(Reason::ShellDied, "the shell died")), &[Reason::ShellDied]);

    add("exit 126", output(126, b"", ""), &[Reason::PermissionDenied]);
    // `command -v` ends with 127 in some shells when there is no such program.
    if kind != "tool" {
        add("exit 127", output(127, b"", ""), &[Reason::ToolMissing]);
    }
    add("exit 137", output(137, b"", ""), &[Reason::Killed]);
    add("exit 137 late", output(137, &truth.stdout, ""), &[Reason::Killed]);
    add("exit 255", output(255, b"", ""), &[Reason::CommandFailed, Reason::UnexpectedOutput]);
    add("denied", output(1, b"", "x: /x: Permission denied\n"), &[Reason::PermissionDenied]);

    let mut cut = Output::clone(truth);
    cut.stdout.truncate(cut.stdout.len() / 2);
    cut.stdout_total += 1;
    add("over the limit", Ok(Arc::new(cut)), &[Reason::Truncated]);

    let structured = matches!(kind, "stat" | "sysctl" | "unit" | "package" | "tool" | "sshd" | "audit");
    let not_understood = &[Reason::UnexpectedOutput, Reason::CommandFailed];
    if structured || kind == "glob" {
        add("empty", output(0, b"", ""), not_understood);
    }
    if structured {
        add("garbage", output(0, b"\x00\xff\xfe=\x80|\t garbage\n", ""), not_understood);
        add("noise", output(0, b"Welcome to this host!\n", ""), not_understood);
    }
    if (structured || matches!(kind, "list" | "glob" | "find")) && truth.stdout.ends_with(b"\n") {
        let part = &truth.stdout[..truth.stdout.len() - 1];
        add("last byte missing", output(truth.exit_code, part, ""), not_understood);
        let part = &part[..part.len() - 1];
        if !part.is_empty() && !part.ends_with(b"\n") {
            add("cut within a line", output(truth.exit_code, part, ""), not_understood);
        }
    }
    if kind == "unit"
        && let Some(line) = truth.stdout.iter().rev().skip(1).position(|byte| *byte == b'\n')
    {
        let part = &truth.stdout[..truth.stdout.len() - 1 - line];
        add("cut between lines", output(0, part, ""), not_understood);
    }
    for (name, other) in swapped(probe, host) {
        add(name, other, not_understood);
    }
    if matches!(kind, "command" | "find") {
        let stderr = format!("{}find: '/x': Permission denied\n", truth.stderr_text());
        let answer = output(truth.exit_code, &truth.stdout, &stderr);
        let (name, reasons) = ("denied in part", &[Reason::PermissionDenied][..]);
        all.push(Spoiled { name, answer, reasons, finds: kind == "command" });
    }
    all
}

/// Answers to other probes of the same kind, where an answer says what it is about: one of something that is there
/// and one of something that is not.
fn swapped(probe: &Probe, host: &Recorded) -> Vec<(&'static str, Answer)> {
    let says_its_name = |exit: i32| match kind(probe) {
        "stat" | "sysctl" | "unit" | "package" => true,
        "tool" => exit == 0,
        "read" | "list" | "glob" => exit != 0,
        _ => false,
    };
    let others = || {
        host.answers.iter().filter(|(other, _)| *other != probe && kind(other) == kind(probe)).filter_map(
            |(other, answer)| Some((other, answer.as_ref().ok().filter(|got| says_its_name(got.exit_code))?)),
        )
    };
    // With and without following links, and by a unit's other name, the same thing is asked about.
    let truth = host.answers[probe].as_ref().unwrap();
    let another = |other: &Probe, got: &Output| {
        got.stdout != truth.stdout && (other.path().is_none() || other.path() != probe.path())
    };
    let there = others().find(|(other, got)| another(other, got) && got.exit_code == 0);
    let absent = others().find(|(other, got)| {
        (another(other, got) || got.stderr != truth.stderr)
            && other.path() != probe.path()
            && got.exit_code != 0
    });
    let named =
        |name, found: Option<(&Probe, &Arc<Output>)>| found.map(|(_, got)| (name, Ok(Arc::clone(got))));
    [named("swapped", there), named("swapped with an absent one", absent)].into_iter().flatten().collect()
}
