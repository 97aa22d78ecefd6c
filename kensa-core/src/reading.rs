//! What answers mean.
//!
//! Every function here has the same three outcomes: `Ok(Some(…))` is an answer, `Ok(None)` says that the
//! thing asked about is *absent* (a check may judge that), and `Err` says that it could not be told:
//! permission denied, tool missing, killed, truncated, not understood. A check passes the error on with `?`.
//!
//! Messages are matched in the C locale, in which every transport runs its commands.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::facts::PackageManager;
use crate::find::{FindRange, FindTest};
use crate::output::{CouldNotTell, Output, Outputs};
use crate::probe::Probe;
use crate::reason::Reason;

/// Type, mode and ownership of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// As stat(1) names it: `regular file`, `regular empty file`, `directory`, `symbolic link`, …
    pub kind: String,
    /// Permission bits with set-uid, set-gid and sticky.
    pub mode: u32,
    /// User name, `UNKNOWN` when the number has none.
    pub owner: String,
    /// Group name, `UNKNOWN` when the number has none.
    pub group: String,
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}

/// State of a systemd unit, as `systemctl show` gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitState {
    /// The unit's own name; differs from the one asked for where that is an alias.
    pub id: String,
    /// `loaded`, `not-found`, `masked`, `bad-setting`, …
    pub load_state: String,
    /// `active`, `inactive`, `failed`, …
    pub active_state: String,
    /// `running`, `exited`, `dead`, …
    pub sub_state: String,
    /// `enabled`, `disabled`, `static`, `masked`, `generated`, …; empty when there is no unit file.
    pub unit_file_state: String,
}

impl UnitState {
    /// Whether systemd knows the unit; a masked unit is known.
    pub fn exists(&self) -> bool {
        !matches!(self.load_state.as_str(), "" | "not-found")
    }
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Name.
    pub name: String,
    /// `epoch:version-release` for rpm, the version for dpkg.
    pub version: String,
}

impl Outputs {
    /// The file's text, invalid bytes replaced by U+FFFD; `None` when there is no such file.
    pub fn read(&self, path: &str) -> Result<Option<String>, CouldNotTell> {
        let output = self.output(&Probe::read(path))?;
        Ok(if present(output, path)? { Some(output.stdout_text().into_owned()) } else { None })
    }

    /// Names in the directory; `None` when there is no such directory.
    pub fn list(&self, path: &str) -> Result<Option<Vec<String>>, CouldNotTell> {
        let output = self.output(&Probe::list(path))?;
        if present(output, path)? { lines(output).map(Some) } else { Ok(None) }
    }

    /// Paths that match the pattern; empty when none does.
    pub fn glob(&self, pattern: &str) -> Result<Vec<String>, CouldNotTell> {
        let output = self.output(&Probe::Glob { pattern: pattern.to_owned() })?;
        if !present(output, pattern)? {
            return Ok(Vec::new());
        }
        let paths = lines(output)?;
        if paths.is_empty() { Err(not_understood(output)) } else { Ok(paths) }
    }

    /// Attributes of the path itself; `None` when it does not exist.
    pub fn stat(&self, path: &str) -> Result<Option<FileStat>, CouldNotTell> {
        self.stat_of(&Probe::stat(path))
    }

    /// Attributes of what the path leads to, symbolic links followed; `None` when it does not exist.
    pub fn stat_following(&self, path: &str) -> Result<Option<FileStat>, CouldNotTell> {
        self.stat_of(&Probe::Stat { path: path.to_owned(), follow: true })
    }

    fn stat_of(&self, probe: &Probe) -> Result<Option<FileStat>, CouldNotTell> {
        let output = self.output(probe)?;
        let path = probe.path().unwrap_or_default();
        if !present(output, path)? {
            return Ok(None);
        }
        let text = output.stdout_text();
        let stat = text.strip_suffix('\n').and_then(|line| parse_stat(line, path));
        stat.map(Some).ok_or_else(|| not_understood(output))
    }

    /// The kernel parameter's value, blanks trimmed; `None` when the kernel has no such parameter.
    pub fn sysctl(&self, key: &str) -> Result<Option<String>, CouldNotTell> {
        let output = self.output(&Probe::sysctl(key))?;
        if !present(output, key)? {
            return Ok(None);
        }
        let text = whole(output)?;
        let (name, value) = text.trim_end().split_once('=').ok_or_else(|| not_understood(output))?;
        if name.trim() != key {
            return Err(not_understood(output));
        }
        Ok(Some(value.trim().to_owned()))
    }

    /// State of the unit; an unknown unit has `load_state` `not-found`.
    pub fn unit(&self, name: &str) -> Result<UnitState, CouldNotTell> {
        let output = self.output(&Probe::unit(name))?;
        succeeded(output)?;
        let text = whole(output)?;
        let fields: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let field = |key: &str| fields.get(key).map(|value| (*value).to_owned());
        let asked = if name.contains('.') { name.to_owned() } else { format!("{name}.service") };
        if !fields.get("Names").is_some_and(|names| names.split(' ').any(|known| known == asked)) {
            return Err(not_understood(output));
        }
        let state = || {
            Some(UnitState {
                id: field("Id")?,
                load_state: field("LoadState").filter(|state| !state.is_empty())?,
                active_state: field("ActiveState")?,
                sub_state: field("SubState")?,
                unit_file_state: field("UnitFileState")?,
            })
        };
        state().ok_or_else(|| not_understood(output))
    }

    /// The installed package; `None` when it is not installed (removed but not purged counts as that).
    pub fn package(
        &self,
        manager: PackageManager,
        name: &str,
    ) -> Result<Option<InstalledPackage>, CouldNotTell> {
        let output = self.output(&Probe::package(manager, name))?;
        usable(output)?;
        let (stdout, stderr) = (whole(output)?, output.stderr_text());
        let says = |text: &str, line: &str| text.lines().any(|known| known == line);
        match manager {
            // rpm says "not installed" as well when it cannot open its database; only stderr tells.
            PackageManager::Rpm if stderr.contains("error:") => Err(failed(output)),
            PackageManager::Rpm if output.exit_code != 0 => {
                let absent = says(&stdout, &format!("package {name} is not installed"));
                if absent { Ok(None) } else { Err(failed(output)) }
            }
            PackageManager::Dpkg if output.exit_code != 0 => {
                let none = format!("dpkg-query: no packages found matching {name}");
                let absent = output.exit_code == 1 && says(&stderr, &none);
                if absent { Ok(None) } else { Err(failed(output)) }
            }
            PackageManager::Rpm | PackageManager::Dpkg => installed(&stdout, name, output),
        }
    }

    /// The program's path; `None` when it is not on the search path.
    pub fn tool(&self, name: &str) -> Result<Option<String>, CouldNotTell> {
        let output = self.output(&Probe::tool(name))?;
        let text = whole(output)?.trim().to_owned();
        match output.exit_code {
            0 if text.rsplit('/').next() == Some(name) => Ok(Some(text)),
            _ if refused(&output.stderr_text()) => Err(failed(output)),
            1 | 127 if text.is_empty() => Ok(None),
            _ => Err(not_understood(output)),
        }
    }

    /// The server configuration by lower-case keyword, in order, one entry per occurrence.
    pub fn sshd_config(&self, connection: Option<&str>) -> Result<Vec<(String, String)>, CouldNotTell> {
        let output = self.output(&Probe::SshdConfig { connection: connection.map(str::to_owned) })?;
        succeeded(output)?;
        let text = whole(output)?;
        let settings: Vec<(String, String)> = text
            .lines()
            .map(|line| {
                let (key, value) = line.split_once(' ').unwrap_or((line, ""));
                (key.to_ascii_lowercase(), value.trim().to_owned())
            })
            .collect();
        // Every sshd prints its port; output without it is something else.
        if settings.iter().any(|(key, _)| key == "port") { Ok(settings) } else { Err(not_understood(output)) }
    }

    /// The loaded audit rules, one per line, as `auditctl -l` prints them.
    pub fn audit_rules(&self) -> Result<Vec<String>, CouldNotTell> {
        let output = self.output(&Probe::AuditRules)?;
        succeeded(output)?;
        let rules = lines(output)?;
        match rules.as_slice() {
            [only] if only == "No rules" => Ok(Vec::new()),
            [] => Err(not_understood(output)),
            all if all.iter().all(|rule| rule.starts_with('-')) => Ok(rules),
            _ => Err(not_understood(output)),
        }
    }

    /// The paths a search of the file tree found.
    pub fn find(&self, range: &FindRange, test: &FindTest) -> Result<Vec<String>, CouldNotTell> {
        let output = self.output(&Probe::Find { range: range.clone(), test: test.clone() })?;
        usable(output)?;
        // A file that went away during the walk is not a finding; anything else find complains of is a gap.
        let stderr = output.stderr_text();
        let vanished = |line: &str| line.ends_with("No such file or directory");
        let complaints = || stderr.lines().filter(|line| !line.is_empty() && !vanished(line));
        let complete = !output.stderr_is_truncated() && complaints().next().is_none();
        let only_vanished = output.exit_code == 1 && !stderr.is_empty();
        if complete && (output.exit_code == 0 || only_vanished) { lines(output) } else { Err(failed(output)) }
    }

    /// The complete output of a program that ran to its end, whatever its exit status says.
    pub fn ran(&self, probe: &Probe) -> Result<&Output, CouldNotTell> {
        let output = self.output(probe)?;
        usable(output)?;
        Ok(output)
    }

    /// The complete output of a program that ended with status 0.
    pub fn succeeded(&self, probe: &Probe) -> Result<&Output, CouldNotTell> {
        let output = self.output(probe)?;
        succeeded(output)?;
        Ok(output)
    }
}

/// Standard output of a program that ends every line; one that ends within a line is not whole.
fn whole(output: &Output) -> Result<Cow<'_, str>, CouldNotTell> {
    if output.stdout.last().is_none_or(|byte| *byte == b'\n') {
        Ok(output.stdout_text())
    } else {
        Err(not_understood(output))
    }
}

/// Lines of standard output, without empty ones.
fn lines(output: &Output) -> Result<Vec<String>, CouldNotTell> {
    let text = whole(output)?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Reads a line in `STAT_FORMAT`; `None` unless it is whole and about `path`.
fn parse_stat(line: &str, path: &str) -> Option<FileStat> {
    let mut fields = line.splitn(7, '|');
    let mut next = || fields.next();
    let stat = FileStat {
        kind: next()?.to_owned(),
        mode: u32::from_str_radix(next()?, 8).ok()?,
        owner: next()?.to_owned(),
        group: next()?.to_owned(),
        uid: next()?.parse().ok()?,
        gid: next()?.parse().ok()?,
    };
    (next()? == path).then_some(stat)
}

fn installed(stdout: &str, name: &str, output: &Output) -> Result<Option<InstalledPackage>, CouldNotTell> {
    let mut package = None;
    let mut understood = false;
    for line in stdout.lines() {
        let mut fields = line.split('\t');
        let (Some(found), Some(version), Some(_)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(not_understood(output));
        };
        if found != name {
            return Err(not_understood(output));
        }
        understood = true;
        // dpkg also lists packages that are known but not installed; rpm gives no status.
        if fields.next().is_none_or(|status| status == "installed") {
            package = Some(InstalledPackage { name: name.to_owned(), version: version.to_owned() });
        }
    }
    if understood { Ok(package) } else { Err(not_understood(output)) }
}

/// Fails unless the program itself ran to its end: found, executable, not killed.
fn usable(output: &Output) -> Result<(), CouldNotTell> {
    let reason = match output.exit_code {
        126 => Reason::PermissionDenied,
        127 => Reason::ToolMissing,
        129..=192 => Reason::Killed,
        _ => return Ok(()),
    };
    Err(CouldNotTell::new(reason, describe(output)))
}

/// Fails unless the program ended with status 0.
fn succeeded(output: &Output) -> Result<(), CouldNotTell> {
    usable(output)?;
    if output.exit_code == 0 { Ok(()) } else { Err(failed(output)) }
}

/// Whether the thing asked about is there; absence is an answer only when the program says so, and of `subject`.
fn present(output: &Output, subject: &str) -> Result<bool, CouldNotTell> {
    usable(output)?;
    if output.exit_code == 0 {
        return Ok(true);
    }
    let stderr = output.stderr_text();
    let says = |text: &str| stderr.contains(text);
    if refused(&stderr) {
        return Err(failed(output));
    }
    let absent = says("No such file or directory") || says("Not a directory") || says("unknown key");
    match (absent, names(&stderr, subject)) {
        (true, true) => Ok(false),
        (true, false) => Err(not_understood(output)),
        (false, _) => Err(failed(output)),
    }
}

/// Whether a message is about `subject`: a path, or a kernel parameter, which programs name with dots or as the path
/// below `/proc/sys`. Programs write characters that need quoting in several ways; such a subject is not looked for.
fn names(message: &str, subject: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || " /._-+:@,=%~*?[]".contains(c);
    !subject.chars().all(plain) || message.replace('.', "/").contains(&subject.replace('.', "/"))
}

/// The reason behind a complaint on standard error that a right or a program is missing, whatever the exit
/// status says; `None` when there is no such complaint. For shell text, whose status may hide the failure
/// of a command inside it.
pub fn complaint(output: &Output) -> Option<Reason> {
    let stderr = output.stderr_text();
    if refused(&stderr) {
        return Some(Reason::PermissionDenied);
    }
    // dash: `sh: 1: x: not found`; bash: `x: command not found`; busybox: `sh: x: not found`.
    let missing = |line: &str| {
        line.ends_with(": command not found")
            || (line.ends_with(": not found") && line.matches(": ").count() >= 2)
    };
    stderr.lines().any(|line| missing(line.trim_end())).then_some(Reason::ToolMissing)
}

/// Whether the message says that the user lacks a right.
fn refused(stderr: &str) -> bool {
    let text = stderr.to_ascii_lowercase();
    ["permission denied", "operation not permitted", "must be root", "access denied", "only root can"]
        .iter()
        .any(|phrase| text.contains(phrase))
}

/// The error behind a program that ended badly: a missing right or service where its message says so.
pub fn failed(output: &Output) -> CouldNotTell {
    let stderr = output.stderr_text();
    let unavailable =
        ["not been booted with systemd", "Failed to connect to bus", "audit support not in kernel"];
    let reason = if refused(&stderr) {
        Reason::PermissionDenied
    } else if unavailable.iter().any(|text| stderr.contains(text)) {
        Reason::ServiceUnavailable
    } else {
        Reason::CommandFailed
    };
    CouldNotTell::new(reason, describe(output))
}

/// The error behind an answer that does not look like one.
pub fn not_understood(output: &Output) -> CouldNotTell {
    CouldNotTell::new(Reason::UnexpectedOutput, format!("{}: the answer is not understood", output.command))
}

/// One line: the command, how it ended and the first thing it said.
fn describe(output: &Output) -> String {
    let stderr = output.stderr_text();
    let said = stderr.lines().map(str::trim).find(|line| !line.is_empty());
    let command = output.command.lines().next().unwrap_or_default();
    match said {
        Some(text) => format!("{command}: exit status {}: {text}", output.exit_code),
        None => format!("{command}: exit status {}", output.exit_code),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn one(probe: Probe, exit: i32, stdout: &str, stderr: &str) -> Outputs {
        let output = Output::new(probe.command(), exit, stdout.as_bytes(), stderr.as_bytes());
        [(probe, Ok(Arc::new(output)))].into_iter().collect()
    }

    fn reason<T: std::fmt::Debug>(result: Result<T, CouldNotTell>) -> Option<Reason> {
        result.err().map(|error| error.reason)
    }

    #[test]
    fn a_missing_file_is_absent_and_a_denied_one_is_not() {
        let gone = one(Probe::read("/x"), 1, "", "cat: /x: No such file or directory\n");
        assert_eq!(gone.read("/x"), Ok(None));
        let denied = one(Probe::read("/x"), 1, "", "cat: /x: Permission denied\n");
        assert_eq!(reason(denied.read("/x")), Some(Reason::PermissionDenied));
        let no_cat = one(Probe::read("/x"), 127, "", "sh: 1: cat: not found\n");
        assert_eq!(reason(no_cat.read("/x")), Some(Reason::ToolMissing));
        assert_eq!(reason(Outputs::new().read("/x")), Some(Reason::Internal));
    }

    #[test]
    fn stat_lines_are_parsed_in_full_or_not_at_all() {
        let got = one(Probe::stat("/a|b"), 0, "regular file|4755|root|shadow|0|42|/a|b\n", "");
        let stat = got.stat("/a|b").ok().flatten();
        assert_eq!(stat.map(|s| (s.mode, s.group)), Some((0o4755, "shadow".to_owned())));
        let cut = one(Probe::stat("/a"), 0, "regular file|755|root", "");
        assert_eq!(reason(cut.stat("/a")), Some(Reason::UnexpectedOutput));
        let empty = one(Probe::stat("/a"), 0, "", "");
        assert_eq!(reason(empty.stat("/a")), Some(Reason::UnexpectedOutput));
    }

    #[test]
    fn a_broken_rpm_database_is_not_an_absent_package() {
        let rpm = PackageManager::Rpm;
        let said = "package telnet is not installed\n";
        let absent = one(Probe::package(rpm, "telnet"), 1, said, "");
        assert_eq!(absent.package(rpm, "telnet"), Ok(None));
        let broken = one(Probe::package(rpm, "telnet"), 1, said, "error: cannot open Packages database\n");
        assert_eq!(reason(broken.package(rpm, "telnet")), Some(Reason::CommandFailed));
    }

    #[test]
    fn dpkg_tells_installed_from_removed() {
        let dpkg = PackageManager::Dpkg;
        let line = "telnet\t0.17\tamd64\tconfig-files\n";
        assert_eq!(one(Probe::package(dpkg, "telnet"), 0, line, "").package(dpkg, "telnet"), Ok(None));
        let line = "telnet\t0.17\tamd64\tinstalled\n";
        let got = one(Probe::package(dpkg, "telnet"), 0, line, "").package(dpkg, "telnet");
        assert_eq!(got.ok().flatten().map(|p| p.version), Some("0.17".to_owned()));
    }

    #[test]
    fn a_complaint_is_seen_behind_a_good_exit_status() {
        let said = |stderr: &str| complaint(&Output::new("x", 0, b"", stderr.as_bytes()));
        assert_eq!(said("sh: 1: auditctl: not found\n"), Some(Reason::ToolMissing));
        assert_eq!(said("bash: line 1: auditctl: command not found\n"), Some(Reason::ToolMissing));
        assert_eq!(said("find: '/root': Permission denied\n"), Some(Reason::PermissionDenied));
        assert_eq!(said("find: '/proc/9': No such file or directory\n"), None);
        assert_eq!(said("key: not found\n"), None);
    }

    #[test]
    fn another_keys_value_is_not_this_keys_value() {
        let swapped = one(Probe::sysctl("a.b"), 0, "c.d = 1\n", "");
        assert_eq!(reason(swapped.sysctl("a.b")), Some(Reason::UnexpectedOutput));
        assert_eq!(
            one(Probe::sysctl("a.b"), 0, "a.b = 1\t2\n", "").sysctl("a.b"),
            Ok(Some("1\t2".to_owned()))
        );
    }

    #[test]
    fn an_answer_about_something_else_is_no_answer() {
        let stat = one(Probe::stat("/a"), 0, "regular file|755|root|root|0|0|/b\n", "");
        assert_eq!(reason(stat.stat("/a")), Some(Reason::UnexpectedOutput));
        let unit = "Id=cron.service\nNames=cron.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\
            UnitFileState=enabled\n";
        assert!(one(Probe::unit("cron"), 0, unit, "").unit("cron").is_ok_and(|state| state.exists()));
        assert_eq!(
            reason(one(Probe::unit("sshd"), 0, unit, "").unit("sshd")),
            Some(Reason::UnexpectedOutput)
        );
        let dpkg = PackageManager::Dpkg;
        let package = one(Probe::package(dpkg, "a"), 0, "b\t1\tall\tinstalled\n", "");
        assert_eq!(reason(package.package(dpkg, "a")), Some(Reason::UnexpectedOutput));
        let tool = one(Probe::tool("nft"), 0, "/usr/sbin/iptables\n", "");
        assert_eq!(reason(tool.tool("nft")), Some(Reason::UnexpectedOutput));
    }

    #[test]
    fn an_absence_of_something_else_is_no_absence() {
        let said = |path: &str| format!("cat: {path}: No such file or directory\n");
        assert_eq!(one(Probe::read("/etc/x"), 1, "", &said("/etc/x")).read("/etc/x"), Ok(None));
        let other = one(Probe::read("/etc/x"), 1, "", &said("/etc/y"));
        assert_eq!(reason(other.read("/etc/x")), Some(Reason::UnexpectedOutput));
        let key = "sysctl: cannot stat /proc/sys/a/b: No such file or directory\n";
        assert_eq!(one(Probe::sysctl("a.b"), 1, "", key).sysctl("a.b"), Ok(None));
        assert_eq!(
            reason(one(Probe::sysctl("a.c"), 1, "", key).sysctl("a.c")),
            Some(Reason::UnexpectedOutput)
        );
        let dpkg = PackageManager::Dpkg;
        let none = "dpkg-query: no packages found matching ab\n";
        assert_eq!(one(Probe::package(dpkg, "ab"), 1, "", none).package(dpkg, "ab"), Ok(None));
        assert!(one(Probe::package(dpkg, "a"), 1, "", none).package(dpkg, "a").is_err());
    }

    #[test]
    fn a_last_line_without_its_end_is_a_part() {
        let keys = one(Probe::sysctl("a.b"), 0, "a.b = 1", "");
        assert_eq!(reason(keys.sysctl("a.b")), Some(Reason::UnexpectedOutput));
        let names = one(Probe::list("/d"), 0, "a\nb", "");
        assert_eq!(reason(names.list("/d")), Some(Reason::UnexpectedOutput));
    }

    #[test]
    fn systemd_that_is_not_running_is_no_answer() {
        let said = "System has not been booted with systemd as init system (PID 1). Can't operate.\n";
        let got = one(Probe::unit("cron"), 1, "", said);
        assert_eq!(reason(got.unit("cron")), Some(Reason::ServiceUnavailable));
    }
}
