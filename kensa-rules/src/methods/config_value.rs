//! `config_value`: the value a configuration file gives a key.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::{Method, Parameters};
use crate::host_files::setting_files::SettingFiles;
use crate::host_files::settings::{Setting, unquote};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<ConfigValue>(
    "config_value",
    "The value that configuration files give a key compares as wanted",
);

/// The value a `key value` or `key = value` file gives a key, snippets included.
///
/// Lines that begin with `#` or `;` never count, quotes round the value are taken off, and so is a trailing
/// ` # comment` unless the program that reads the file takes it for a part of the value (systemd, login.defs,
/// auditd, dnf). A file that does not exist sets nothing; one that cannot be read is an error.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConfigValue {
    /// Absolute path of the file; with `scan_pattern`, of a directory.
    path: Text,
    /// The key; it may hold blanks. Case matters, but not below `/etc/ssh` and `/etc/audit`.
    key: Text,
    /// The value wanted; empty when the key stands alone.
    expected: Text,
    /// What stands between key and value: a blank, or a character such as `=` (a colon is taken beside
    /// it). Without it blanks, `=` and `:` are all taken.
    delimiter: Option<Text>,
    /// How to compare.
    #[serde(default)]
    comparator: Comparator,
    /// Directory whose `*.conf` files are read after `path`, in the order of their names. Below `/etc/systemd` those
    /// of `/run` and `/usr/lib` are read as well.
    dropin_dir: Option<Text>,
    /// Whether the files of `dropin_dir` are read before `path`, as libpwquality does.
    #[serde(default)]
    snippets_first: bool,
    /// Pattern of the names of the files in the directory `path`; a bare suffix such as `conf` means `*.conf`.
    scan_pattern: Option<Text>,
    /// Only lines below this `[section]` header count.
    section: Option<Text>,
    /// Values that never pass, such as `0` where that switches the control off.
    #[serde(default)]
    refuse: Vec<Text>,
    /// Values that mean without limit, such as `0` for a lock that nobody but an administrator ends; they count
    /// as more than any number.
    #[serde(default)]
    unlimited: Vec<Text>,
    /// The value in force when no line sets the key; without it an absent key fails.
    default: Option<Text>,
    /// Whether the case of the value matters.
    #[serde(default)]
    case_sensitive: bool,
    /// Which line wins when several set the key; by default the last, as nearly all programs read their
    /// files, and below `/etc/ssh` the first.
    wins: Option<Wins>,
}

/// Which of several lines is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Wins {
    /// The first; snippets are then read before the file.
    First,
    /// The last.
    Last,
}

impl ConfigValue {
    fn files(&self) -> SettingFiles<'_> {
        SettingFiles {
            path: &self.path,
            dropin_dir: self.dropin_dir.as_deref(),
            snippets_first: self.snippets_first,
            scan_pattern: self.scan_pattern.as_deref(),
        }
    }

    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            expected: unquote(&self.expected),
            comparator: self.comparator,
            refuse: &self.refuse,
            unlimited: &self.unlimited,
            ignore_case: !self.case_sensitive,
        }
    }

    fn in_force(&self, mut found: Vec<Setting>) -> Option<Setting> {
        let by_path = if self.path.starts_with("/etc/ssh/") { Wins::First } else { Wins::Last };
        if self.wins.unwrap_or(by_path) == Wins::Last {
            return found.pop();
        }
        // Programs in which the first line wins include their snippets at the top.
        let main = |setting: &Setting| setting.source.path == *self.path;
        let snippet = found.iter().position(|setting| !main(setting)).unwrap_or(0);
        (!found.is_empty()).then(|| found.swap_remove(snippet))
    }
}

impl Parameters for ConfigValue {
    fn validate(&mut self) -> Result<(), ParamError> {
        self.files().validate()?;
        syntax::line("key", &self.key)?;
        if self.key.trim() != &*self.key {
            return Err(ParamError::at("key", "begins or ends with a blank"));
        }
        self.comparison().validate()
    }
}

impl Check for ConfigValue {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        self.files().probes()
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        self.files().follow_up(got)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let comparison = self.comparison();
        let key = self.files().key(&self.key, self.delimiter.as_deref(), self.section.as_deref());
        let found = self.files().occurrences(got, &key)?;
        let alone = self.comparator == Comparator::Equal && comparison.expected.is_empty();
        let wanted = if alone { "the key without a value".to_owned() } else { comparison.wanted() };
        let (value, source) = match (self.in_force(found), self.default.as_deref()) {
            (Some(setting), _) => (setting.value, Some(setting.source)),
            (None, Some(default)) => (default.to_owned(), None),
            (None, None) => {
                let detail =
                    format!("{} is not set in {}; wanted {wanted}", self.key, self.files().describe());
                return Ok(Verdict::new(false, wanted, "not set", detail));
            }
        };
        let passed = comparison.holds(&value)?;
        let origin = match &source {
            Some(source) => format!("in {source}"),
            None => format!("by default, as {} does not set it", self.files().describe()),
        };
        let shown = if value.is_empty() { "set without a value" } else { &value };
        let detail = format!("{} is {shown} {origin}; wanted {wanted}", self.key);
        Ok(Verdict::new(passed, wanted, value, detail).from_source(source))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str = r#"{"path": "/etc/login.defs", "key": "PASS_MAX_DAYS", "expected": "60", "comparator": "<=",
        "refuse": ["0", "-1"]}"#;

    fn one(params: &str, text: &str) -> Case {
        Case::new("config_value", params).file("/etc/login.defs", text)
    }

    #[test]
    fn compares_the_value_in_force() {
        assert_eq!(judge(one(RULE, "PASS_MAX_DAYS\t60\n")).passed(), Some(true));
        assert_eq!(judge(one(RULE, "PASS_MAX_DAYS 99999\n")).passed(), Some(false));
        assert_eq!(judge(one(RULE, "PASS_MAX_DAYS 0\n")).passed(), Some(false));
        let twice = judge(one(RULE, "PASS_MAX_DAYS 60\nPASS_MAX_DAYS 99999\n"));
        assert_eq!(twice.passed(), Some(false));
        assert_eq!(
            twice.verdict().source.as_ref().map(ToString::to_string),
            Some("/etc/login.defs:2".to_owned())
        );
        let first = RULE.replace("\"refuse\"", "\"wins\": \"first\", \"refuse\"");
        assert_eq!(judge(one(&first, "PASS_MAX_DAYS 60\nPASS_MAX_DAYS 99999\n")).passed(), Some(true));
    }

    #[test]
    fn an_absent_key_or_file_fails_unless_the_default_is_given() {
        assert_eq!(judge(one(RULE, "# PASS_MAX_DAYS 60\n")).passed(), Some(false));
        let gone = Case::new("config_value", RULE).gone(&Probe::read("/etc/login.defs"));
        assert_eq!(judge(gone).passed(), Some(false));
        let default = RULE.replace("\"refuse\"", "\"default\": 30, \"refuse\"");
        assert_eq!(judge(one(&default, "")).passed(), Some(true));
        assert_eq!(judge(one(&default, "PASS_MAX_DAYS 90\n")).passed(), Some(false));
    }

    #[test]
    fn never_guesses() {
        assert_never_guesses(&one(RULE, "PASS_MAX_DAYS 60\n"), &Probe::read("/etc/login.defs"));
        let dropins = dropins("Storage=none\n");
        assert_never_guesses(&dropins, &Probe::list("/etc/systemd/coredump.conf.d"));
        assert_never_guesses(&dropins, &Probe::read("/etc/systemd/coredump.conf.d/20.conf"));
    }

    const DROPINS: &str = r#"{"path": "/etc/systemd/coredump.conf", "dropin_dir": "/etc/systemd/coredump.conf.d",
        "key": "Storage", "section": "Coredump", "expected": "none"}"#;

    fn dropins(last: &str) -> Case {
        let elsewhere = ["/run", "/usr/local/lib"].map(|root| format!("{root}/systemd/coredump.conf.d"));
        let case = Case::new("config_value", DROPINS)
            .dir("/usr/lib/systemd/coredump.conf.d", &["05.conf", "20.conf"])
            .file("/usr/lib/systemd/coredump.conf.d/05.conf", "[Coredump]\nStorage=external\n");
        elsewhere
            .iter()
            .fold(case, |case, dir| case.gone(&Probe::list(dir)))
            .file("/etc/systemd/coredump.conf", "[Coredump]\nStorage=external\n")
            .dir("/etc/systemd/coredump.conf.d", &["10.conf", "20.conf", "30.bak"])
            .file("/etc/systemd/coredump.conf.d/10.conf", "[Coredump]\nStorage=journal\n")
            .file("/etc/systemd/coredump.conf.d/20.conf", &format!("[Coredump]\n{last}"))
    }

    #[test]
    fn the_last_snippet_wins() {
        assert_eq!(judge(dropins("Storage=NONE\n")).passed(), Some(true));
        assert_eq!(judge(dropins("Storage=external\n")).passed(), Some(false));
        let overridden = judge(dropins("[Other]\nStorage=none\n"));
        assert_eq!(overridden.verdict().actual, "journal");
        // systemd knows neither comments after a value nor another delimiter.
        assert_eq!(judge(dropins("Storage=none # really\n")).passed(), Some(false));
        assert_eq!(judge(dropins("Storage none\n")).verdict().actual, "journal");
    }

    #[test]
    fn a_file_read_after_its_snippets_wins() {
        let params =
            DROPINS.replace("/etc/systemd", "/etc/x").replace("\"key\"", "\"snippets_first\": true, \"key\"");
        let case = Case::new("config_value", &params)
            .file("/etc/x/coredump.conf", "[Coredump]\nStorage=none\n")
            .dir("/etc/x/coredump.conf.d", &["9.conf"])
            .file("/etc/x/coredump.conf.d/9.conf", "[Coredump]\nStorage=external\n");
        assert_eq!(judge(case).passed(), Some(true));
    }

    #[test]
    fn a_pattern_scans_a_directory() {
        for pattern in ["*.conf", "conf"] {
            let params =
                format!(r#"{{"path": "/etc/x", "scan_pattern": "{pattern}", "key": "a", "expected": "1"}}"#);
            let case = Case::new("config_value", &params).dir("/etc/x", &["a.conf", "b.txt"]);
            assert_eq!(judge(case.file("/etc/x/a.conf", "a: 1 # yes\n")).passed(), Some(true));
        }
    }

    #[test]
    fn a_key_alone_and_case() {
        let alone = r#"{"path": "/etc/login.defs", "key": "even_deny_root", "expected": ""}"#;
        assert_eq!(judge(one(alone, "even_deny_root\n")).passed(), Some(true));
        assert_eq!(judge(one(alone, "even_deny_root = no\n")).passed(), Some(false));
        let exact = r#"{"path": "/etc/login.defs", "key": "a", "expected": "Yes", "case_sensitive": true}"#;
        assert_eq!(judge(one(exact, "a yes\n")).passed(), Some(false));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        for params in [
            r#"{"path": "/x", "key": "a"}"#,
            r#"{"path": "/x", "key": "", "expected": "1"}"#,
            r#"{"path": "x", "key": "a", "expected": "1"}"#,
            r#"{"path": "/x", "key": "a", "expected": "many", "comparator": ">="}"#,
            r#"{"path": "/x", "key": "a", "expected": "1", "dropin_dir": "/y", "scan_pattern": "conf"}"#,
        ] {
            assert_refused("config_value", params);
        }
    }
}
