//! The commands. The comments are the help texts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kensa::Platform;

use crate::arguments::{
    CapabilityArgs, Login, Place, PlainOutput, PlanPlace, ReportOutput, RuleSet, SelectionArgs,
};
use crate::parse;

/// Measures whether a Linux host complies with a set of rules.
///
/// Nothing is installed on the host and nothing there is changed. Every answer comes with the command that
/// gave it, so that it can be checked by hand.
#[derive(Debug, Parser)]
#[command(name = "kensa", version, max_term_width = 100, after_long_help = AFTER)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Examples:
  kensa check --local                       this machine, with the bundled rules
  kensa check -H web1 -u audit --sudo       another one, over SSH
  kensa plan --platform rhel9               every command a scan would run

Exit codes:
  0    compliant, or done
  1    findings: at least one rule fails
  2    the arguments, a rule or a local file is wrong
  3    incomplete: no rule is known to fail, but not everything could be told; or cut short
  4    the host could not be reached, or refused the login or root rights
  130  cancelled (Ctrl-C)";

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Say nothing but the result, and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "General options")]
    pub(crate) quiet: bool,
    /// Say more: rules that pass or are skipped, commands that were run
    #[arg(short, long, global = true, help_heading = "General options")]
    pub(crate) verbose: bool,
    /// No colours; so does the environment variable NO_COLOR
    #[arg(long, global = true, help_heading = "General options")]
    pub(crate) no_color: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan one host and report what complies
    #[command(after_long_help = "\
Examples:
  kensa check --local --sudo --severity critical --severity high
  kensa check -H web1.example.com -u audit -k ~/.ssh/audit --sudo --framework cis
  kensa check -H web1 --format sarif -o web1.sarif --var banner_text='Authorised use only'")]
    Check(CheckArgs),
    /// Show what a host is: its system and its capabilities
    #[command(after_long_help = "\
Examples:
  kensa detect --local
  kensa detect -H web1 -u audit --sudo --format json")]
    Detect(DetectArgs),
    /// Print every command a scan would run on a host, without running it
    ///
    /// With --platform no host is asked at all. Some checks ask more once the first answers are in, such as the
    /// files of a folder they have listed; those commands depend on the host and are not printed. What is printed
    /// answers one question each; a scan asks many of them together.
    #[command(after_long_help = "\
Examples:
  kensa plan --platform rhel9 --capability selinux --capability firewalld=false
  kensa plan --platform ubuntu:24.04 --severity high --verbose
  kensa plan -H web1 -u audit --sudo --format json")]
    Plan(PlanArgs),
    /// List, show and validate rules
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Explain one rule: what, why, how it is checked and fixed, which controls it serves
    #[command(after_long_help = "\
Examples:
  kensa explain ssh-disable-root-login
  kensa explain ssh-disable-root-login --platform rhel9 --capability sshd_config_d")]
    Explain(ExplainArgs),
    /// Write the first version of a rule file
    ///
    /// The file loads as it is; what it says and what it looks at have to be filled in. An existing file is left
    /// alone.
    #[command(after_long_help = "\
Examples:
  kensa new-rule sshd-max-sessions --category access-control --method sshd_effective_config
  kensa new-rule sysctl-kernel-sysrq --category kernel --method sysctl_value --rules ./rules
  kensa new-rule at-allow --category system --method file_exists --fixtures variants.yml")]
    NewRule(NewRuleArgs),
    /// Write the report of an earlier scan in another format
    ///
    /// Reads what `kensa check --format json` wrote and ends with the exit code of that scan.
    #[command(after_long_help = "\
Examples:
  kensa report web1.json
  kensa report web1.json --format junit -o web1.xml
  kensa check --local --format json | kensa report - --verbose")]
    Report(ReportArgs),
    /// Print a completion script for a shell
    #[command(after_long_help = "\
Examples:
  kensa completions bash > /etc/bash_completion.d/kensa
  kensa completions zsh > ~/.zfunc/_kensa
  kensa completions fish > ~/.config/fish/completions/kensa.fish")]
    Completions(CompletionsArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List rules, one a line
    #[command(after_long_help = "\
Examples:
  kensa rules list --severity critical --framework stig
  kensa rules list --rules ./rules --format json")]
    List(ListArgs),
    /// Show one rule; the same as `kensa explain`
    #[command(after_long_help = "\
Examples:
  kensa rules show ssh-disable-root-login
  kensa rules show ssh-disable-root-login --format json")]
    Show(ExplainArgs),
    /// Say what is wrong with rule files, with file and line
    ///
    /// Ends with 0 when every file loads, else with 2.
    #[command(after_long_help = "\
Examples:
  kensa rules validate ./rules
  kensa rules validate ./rules/network/firewalld-installed.yml --format json")]
    Validate(ValidateArgs),
    /// Say what is wrong with rules that load, with file and line
    ///
    /// Verdicts that cannot be reached, shell text that hides a failure or does not parse, gates and controls that
    /// do not exist, remediations that act on something else than the check reads. Exceptions stand with their
    /// reason in lint-allow.csv beside the rules. Ends with 0 when nothing is found, else with 2.
    #[command(after_long_help = "\
Examples:
  kensa rules lint ./rules
  kensa rules lint ./rules/network/firewalld-installed.yml --format json")]
    Lint(LintArgs),
    /// Say how much of each benchmark the rules answer
    ///
    /// A control that rules answer only in part counts as answered and shows in its own column; a benchmark with
    /// anything unmeasured never shows 100 %. Controls without a rule either have a reason (somebody has to judge,
    /// the system has no such thing, it is a duty of the organisation) or are open.
    #[command(after_long_help = "\
Examples:
  kensa rules coverage
  kensa rules coverage --framework cis-rhel9-v2.0.0 --verbose
  kensa rules coverage --framework stig --format json")]
    Coverage(CoverageArgs),
    /// Print the JSON Schema of rule files or of results
    #[command(after_long_help = "\
Examples:
  kensa rules schema > rule.schema.json
  kensa rules schema result")]
    Schema(SchemaArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) login: Login,
    /// Time for the whole scan; what is unanswered then could not be told [e.g. 90, 30s, 5m]
    #[arg(long, value_name = "TIME", value_parser = parse::duration, help_heading = "Limits")]
    pub(crate) scan_timeout: Option<Duration>,
    /// Also say where the time went: what is no rule's, and the dearest rules [formats text, json, jsonl]
    #[arg(long, help_heading = "Output")]
    pub(crate) profile: bool,
    #[command(flatten)]
    pub(crate) set: RuleSet,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) capabilities: CapabilityArgs,
    #[command(flatten)]
    pub(crate) output: ReportOutput,
}

#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) login: Login,
    #[command(flatten)]
    pub(crate) capabilities: CapabilityArgs,
    #[command(flatten)]
    pub(crate) output: PlainOutput,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) place: PlanPlace,
    #[command(flatten)]
    pub(crate) login: Login,
    #[command(flatten)]
    pub(crate) set: RuleSet,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) capabilities: CapabilityArgs,
    #[command(flatten)]
    pub(crate) output: PlainOutput,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) set: RuleSet,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) output: PlainOutput,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The rule's id
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,
    #[command(flatten)]
    pub(crate) set: RuleSet,
    /// Show only what would be done on this system [e.g. rhel9, rhel:9.4, ubuntu:24.04]
    #[arg(long, value_name = "SYSTEM", value_parser = parse::platform)]
    pub(crate) platform: Option<Platform>,
    #[command(flatten)]
    pub(crate) capabilities: CapabilityArgs,
    #[command(flatten)]
    pub(crate) output: PlainOutput,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// A rule file, or a folder of them
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Take most warnings for errors
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) output: PlainOutput,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// A rule file, or a folder of them
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) output: PlainOutput,
}

#[derive(Debug, Args)]
pub(crate) struct CoverageArgs {
    /// Only this benchmark, or every one whose name begins so [e.g. cis-rhel9-v2.0.0, stig]; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) framework: Vec<String>,
    #[command(flatten)]
    pub(crate) set: RuleSet,
    #[command(flatten)]
    pub(crate) output: PlainOutput,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value = "rule")]
    pub(crate) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Rule files
    Rule,
    /// The JSON report of a scan
    Result,
}

#[derive(Debug, Args)]
pub(crate) struct NewRuleArgs {
    /// The rule's id, kebab-case; also the name of the file
    #[arg(value_name = "RULE")]
    pub(crate) id: String,
    /// Its category; also the name of the folder
    #[arg(long, value_name = "CATEGORY")]
    pub(crate) category: String,
    /// The check method
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: String,
    /// The folder of the rule set
    #[arg(long, value_name = "PATH", default_value = "rules")]
    pub(crate) rules: PathBuf,
    /// Also add host states for it to this file, to be filled in
    ///
    /// The file is one like `tests/states/variants.yml` of the bundled rules: by rule, what is done to a host and what
    /// the rule then comes to.
    #[arg(long, value_name = "FILE")]
    pub(crate) fixtures: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// A JSON report; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: ReportOutput,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
