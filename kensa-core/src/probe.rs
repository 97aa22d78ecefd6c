//! Questions a check can ask of a host. A probe only ever reads.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::PackageManager;
use crate::find::{self, FindRange, FindTest};
use crate::shell;

/// One question. Equal probes are asked once in a scan, and probes of one kind are asked together.
///
/// [`Probe::command`] is the shell command that answers the probe alone; run by hand as the same user
/// it prints what the evidence holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Probe {
    /// Type, mode and ownership of one path; of the link itself unless `follow`.
    Stat {
        /// Absolute path.
        path: String,
        /// Judge what a symbolic link points to.
        #[serde(default)]
        follow: bool,
    },
    /// The content of one file.
    Read {
        /// Absolute path.
        path: String,
    },
    /// The names in one directory, hidden ones included.
    List {
        /// Absolute path.
        path: String,
    },
    /// The paths a pattern matches.
    Glob {
        /// Absolute path with `*`, `?` or `[…]`.
        pattern: String,
    },
    /// A kernel parameter's running value.
    Sysctl {
        /// Key with dots, as sysctl(8) prints it.
        key: String,
    },
    /// State of one systemd unit.
    Unit {
        /// Unit name; without a suffix it is a service.
        name: String,
    },
    /// Whether a package is installed, and its version.
    Package {
        /// The database to ask.
        manager: PackageManager,
        /// Package name, no pattern.
        name: String,
    },
    /// The path of a program on the fixed search path.
    Tool {
        /// Program name without a slash.
        name: String,
    },
    /// The server configuration sshd would use, by `sshd -T`.
    SshdConfig {
        /// Connection to resolve `Match` blocks for, as `sshd -T -C` takes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection: Option<String>,
    },
    /// The audit rules loaded in the kernel, by `auditctl -l`.
    AuditRules,
    /// Paths of the file tree with some property.
    Find {
        /// Where to search.
        range: FindRange,
        /// What to search for.
        test: FindTest,
    },
    /// Any other program with its arguments.
    Run {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// A rule's own shell text.
    Command {
        /// POSIX shell text.
        script: String,
    },
}

/// Output format of [`Probe::Stat`]: type, octal mode, owner, group, uid, gid, path.
pub const STAT_FORMAT: &str = "%F|%a|%U|%G|%u|%g|%n";
/// Properties [`Probe::Unit`] asks for.
pub const UNIT_PROPERTIES: &str = "Id,Names,LoadState,ActiveState,SubState,UnitFileState";
/// Output format of [`Probe::Package`] for rpm.
pub const RPM_FORMAT: &str = r"%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{ARCH}\n";
/// Output format of [`Probe::Package`] for dpkg.
pub const DPKG_FORMAT: &str = r"${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n";

impl Probe {
    /// [`Probe::Stat`] of the path itself.
    pub fn stat(path: impl Into<String>) -> Self {
        Probe::Stat { path: path.into(), follow: false }
    }

    /// [`Probe::Read`].
    pub fn read(path: impl Into<String>) -> Self {
        Probe::Read { path: path.into() }
    }

    /// [`Probe::List`].
    pub fn list(path: impl Into<String>) -> Self {
        Probe::List { path: path.into() }
    }

    /// [`Probe::Sysctl`].
    pub fn sysctl(key: impl Into<String>) -> Self {
        Probe::Sysctl { key: key.into() }
    }

    /// [`Probe::Unit`].
    pub fn unit(name: impl Into<String>) -> Self {
        Probe::Unit { name: name.into() }
    }

    /// [`Probe::Package`].
    pub fn package(manager: PackageManager, name: impl Into<String>) -> Self {
        Probe::Package { manager, name: name.into() }
    }

    /// [`Probe::Tool`].
    pub fn tool(name: impl Into<String>) -> Self {
        Probe::Tool { name: name.into() }
    }

    /// [`Probe::Run`].
    pub fn run<'a>(argv: impl IntoIterator<Item = &'a str>) -> Self {
        Probe::Run { argv: argv.into_iter().map(str::to_owned).collect() }
    }

    /// [`Probe::Command`].
    pub fn command_text(script: impl Into<String>) -> Self {
        Probe::Command { script: script.into() }
    }

    /// The shell command that answers this probe alone.
    ///
    /// ```
    /// use kensa_core::Probe;
    /// assert_eq!(Probe::read("/etc/issue").command(), "cat -- /etc/issue");
    /// assert_eq!(Probe::sysctl("net.ipv4.ip_forward").command(), "sysctl net.ipv4.ip_forward");
    /// ```
    pub fn command(&self) -> String {
        match self {
            Probe::Stat { path, follow } => stat_command(&[path], *follow),
            Probe::Read { path } => shell::command(["cat", "--", path]),
            Probe::List { path } => shell::command(["ls", "-1A", "--", path]),
            Probe::Glob { pattern } => format!("ls -1d -- {}", shell::quote_glob(pattern)),
            Probe::Sysctl { key } => sysctl_command(&[key]),
            Probe::Unit { name } => unit_command(&[name]),
            Probe::Package { manager, name } => package_command(*manager, &[name]),
            Probe::Tool { name } => shell::command(["command", "-v", name]),
            Probe::SshdConfig { connection: None } => "sshd -T".to_owned(),
            Probe::SshdConfig { connection: Some(connection) } => {
                shell::command(["sshd", "-T", "-C", connection])
            }
            Probe::AuditRules => "auditctl -l".to_owned(),
            Probe::Find { range, test } => find::find_command(range, test),
            Probe::Run { argv } => shell::command(argv.iter().map(String::as_str)),
            Probe::Command { script } => script.clone(),
        }
    }

    /// The absolute path the probe reads, where it reads one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Probe::Stat { path, .. } | Probe::Read { path } | Probe::List { path } => Some(path),
            Probe::Glob { pattern } => Some(pattern),
            _ => None,
        }
    }
}

/// The `stat` command for several paths at once; one line each, in [`STAT_FORMAT`].
pub fn stat_command(paths: &[&str], follow: bool) -> String {
    let head = if follow {
        &["stat", "-L", "-c", STAT_FORMAT, "--"][..]
    } else {
        &["stat", "-c", STAT_FORMAT, "--"]
    };
    shell::command(head.iter().chain(paths).copied())
}

/// The `sysctl` command for several keys at once; one `key = value` line each.
pub fn sysctl_command(keys: &[&str]) -> String {
    shell::command(["sysctl"].iter().chain(keys).copied())
}

/// The `systemctl show` command for several units at once; one block each, a blank line between.
pub fn unit_command(names: &[&str]) -> String {
    shell::command(["systemctl", "show", "-p", UNIT_PROPERTIES, "--"].iter().chain(names).copied())
}

/// The package query for several names at once; one line for each that is known.
pub fn package_command(manager: PackageManager, names: &[&str]) -> String {
    let head = match manager {
        PackageManager::Rpm => &["rpm", "-q", "--qf", RPM_FORMAT, "--"][..],
        PackageManager::Dpkg => &["dpkg-query", "-W", "-f", DPKG_FORMAT, "--"][..],
    };
    shell::command(head.iter().chain(names).copied())
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.command())
    }
}
