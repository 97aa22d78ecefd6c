//! The arguments that several commands share, in groups. The comments are the help texts.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use kensa::{Platform, Severity};

use crate::parse::{self, HostName};

/// Which host.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Place {
    /// This machine
    #[arg(long, group = "here", help_heading = "Host")]
    pub(crate) local: bool,
    /// A host over SSH: a name, an address, or an alias of ssh_config [also USER@HOST]
    #[arg(short = 'H', long, value_name = "HOST", value_parser = parse::host, help_heading = "Host")]
    pub(crate) host: Option<HostName>,
}

/// Which host, or none.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct PlanPlace {
    /// No host: plan for this system [e.g. rhel9, rhel:9.4, ubuntu:24.04]
    #[arg(
        long,
        value_name = "SYSTEM",
        value_parser = parse::platform,
        group = "here",
        conflicts_with_all = ["RootArgs", "timeout", "nice", "shells"],
        help_heading = "Host"
    )]
    pub(crate) platform: Option<Platform>,
    /// This machine
    #[arg(long, group = "here", help_heading = "Host")]
    pub(crate) local: bool,
    /// A host over SSH: a name, an address, or an alias of ssh_config [also USER@HOST]
    #[arg(short = 'H', long, value_name = "HOST", value_parser = parse::host, help_heading = "Host")]
    pub(crate) host: Option<HostName>,
}

/// How to get in and how to become root.
#[derive(Debug, Args)]
pub(crate) struct Login {
    #[command(flatten)]
    pub(crate) ssh: SshArgs,
    #[command(flatten)]
    pub(crate) root: RootArgs,
    /// Time for one command on the host [e.g. 90, 30s, 5m]
    #[arg(long, value_name = "TIME", value_parser = parse::duration, help_heading = "Limits")]
    pub(crate) timeout: Option<Duration>,
    /// Niceness of all that runs on the host: the higher, the more it gives way to other work
    #[arg(long, value_name = "0-19", value_parser = clap::value_parser!(i8).range(0..=19), help_heading = "Limits")]
    pub(crate) nice: Option<i8>,
    /// Shells that work at the same time where many commands wait, each with a sudo of its own
    #[arg(
        long,
        value_name = "1-3",
        default_value_t = 1,
        hide_default_value = true,
        value_parser = clap::value_parser!(u8).range(1..=kensa::MAX_SHELLS as i64),
        help_heading = "Limits"
    )]
    pub(crate) shells: u8,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "SSH (with --host)")]
pub(crate) struct SshArgs {
    /// Login name
    #[arg(short, long, conflicts_with = "here")]
    pub(crate) user: Option<String>,
    /// Port
    #[arg(short = 'P', long, value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "here")]
    pub(crate) port: Option<u16>,
    /// Private key file; may be given twice
    #[arg(short, long, value_name = "FILE", conflicts_with = "here")]
    pub(crate) key: Vec<PathBuf>,
    /// Ask for the login password on the terminal [native transport only]
    #[arg(long, conflicts_with = "password_stdin", conflicts_with = "here")]
    pub(crate) ask_pass: bool,
    /// Read the login password from the first line of standard input [native transport only]
    #[arg(long, conflicts_with = "here")]
    pub(crate) password_stdin: bool,
    /// Ask for the passphrase of the key on the terminal [native transport only]
    #[arg(long, conflicts_with = "here")]
    pub(crate) ask_passphrase: bool,
    /// File of known host keys, in place of the usual ones; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with = "here")]
    pub(crate) known_hosts: Vec<PathBuf>,
    /// What to do about a host key that is not known [default: as ssh_config says, else accept-new]
    #[arg(long, value_enum, value_name = "POLICY", conflicts_with = "here")]
    pub(crate) host_key_policy: Option<HostKeys>,
    /// ssh_config file, in place of the usual ones; `none` reads none
    #[arg(long, value_name = "FILE", conflicts_with = "here")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// Hosts to pass through, first one first, with commas between [each as USER@HOST:PORT]
    #[arg(short = 'J', long, value_name = "HOSTS", value_delimiter = ',', conflicts_with = "here")]
    pub(crate) jump: Vec<String>,
    /// Who speaks SSH
    #[arg(long, value_enum, default_value = "native", conflicts_with = "here")]
    pub(crate) transport: Transport,
    /// Time to connect and log in [e.g. 90, 30s, 5m]
    #[arg(long, value_name = "TIME", value_parser = parse::duration, conflicts_with = "here")]
    pub(crate) connect_timeout: Option<Duration>,
    /// Do not connect again when the connection is lost; what was not answered could then not be told
    #[arg(long, conflicts_with = "here")]
    pub(crate) no_reconnect: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HostKeys {
    /// Only known keys
    Strict,
    /// Remember the key of a host never seen before; refuse a changed one
    AcceptNew,
    /// Any key: no protection against a false host
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// This program
    Native,
    /// The system's ssh program, with everything it is configured for
    Openssh,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Root rights")]
pub(crate) struct RootArgs {
    /// Become root by sudo; short for --become sudo
    #[arg(long, conflicts_with = "become_method")]
    sudo: bool,
    /// How to become root [default: not at all]
    #[arg(id = "become_method", long = "become", value_enum, value_name = "METHOD")]
    method: Option<RootMethod>,
    /// Ask for the password of sudo, doas or su on the terminal; empty means the login password
    #[arg(long)]
    pub(crate) ask_sudo_pass: bool,
}

impl RootArgs {
    pub(crate) fn method(&self) -> RootMethod {
        self.method.unwrap_or(if self.sudo { RootMethod::Sudo } else { RootMethod::None })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RootMethod {
    /// sudo
    Sudo,
    /// doas
    Doas,
    /// su, which needs a terminal on the host
    Su,
    /// Stay who logs in
    None,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub(crate) struct RuleSet {
    /// A rule file, or a folder of them [default: the bundled rules]
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Option<PathBuf>,
    /// Leave out rules that do not load, with a warning; a scan is then incomplete at best
    #[arg(long)]
    pub(crate) skip_broken: bool,
}

/// Filters. Each may be repeated or hold several values with commas between; a rule has to fit one value of
/// each that is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub(crate) struct SelectionArgs {
    /// Only rules of this severity: critical, high, medium or low; may be repeated
    #[arg(long, value_delimiter = ',', value_parser = parse::severity)]
    pub(crate) severity: Vec<Severity>,
    /// Only rules of this category; may be repeated
    #[arg(long, value_delimiter = ',')]
    pub(crate) category: Vec<String>,
    /// Only rules with this tag; may be repeated
    #[arg(long, value_delimiter = ',')]
    pub(crate) tag: Vec<String>,
    /// Only rules that serve this framework, with its values where variables have some [e.g. cis, stig,
    /// cis_rhel9_v2]; may be repeated
    #[arg(long, value_delimiter = ',')]
    pub(crate) framework: Vec<String>,
    /// Only this rule, by id; may be repeated
    #[arg(long, value_delimiter = ',')]
    pub(crate) rule: Vec<String>,
    /// Set a variable of the rules for this scan; may be repeated
    #[arg(id = "variables", long = "var", value_name = "KEY=VALUE", value_parser = parse::variable)]
    pub(crate) variables: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct CapabilityArgs {
    /// Set a capability by hand, whatever the host has; may be repeated
    #[arg(
        id = "capabilities",
        long = "capability",
        value_name = "NAME[=true|false]",
        value_parser = parse::capability,
        help_heading = "Rules"
    )]
    pub(crate) capabilities: Vec<(String, bool)>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ReportOutput {
    /// Format of the report
    #[arg(long, value_parser = PossibleValuesParser::new(formats()), default_value = "text")]
    pub(crate) format: String,
    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

fn formats() -> Vec<clap::builder::PossibleValue> {
    let value =
        |format: &kensa::report::Format| clap::builder::PossibleValue::new(format.name).help(format.summary);
    kensa::report::FORMATS.iter().map(value).collect()
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct PlainOutput {
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: PlainFormat,
    /// Write the answer to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    /// For people
    Text,
    /// For programs
    Json,
}
