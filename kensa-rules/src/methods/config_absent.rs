//! `config_absent`: no configuration line sets a key.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::host_files::setting_files::SettingFiles;
use crate::host_files::settings::{Delimiter, Key};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<ConfigAbsent>("config_absent", "No line of the configuration files sets a key");

/// A key that no line sets. Lines that begin with `#` or `;` set nothing; neither does a missing file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConfigAbsent {
    /// Absolute path of the file; with `scan_pattern`, of a directory.
    path: Text,
    /// The key, in upper or lower case.
    key: Text,
    /// What stands between key and value, as in `config_value`.
    delimiter: Option<Text>,
    /// Directory whose `*.conf` files are read as well.
    dropin_dir: Option<Text>,
    /// Pattern of the names of the files in the directory `path`.
    scan_pattern: Option<Text>,
    /// Only lines below this `[section]` header count.
    section: Option<Text>,
}

impl ConfigAbsent {
    fn files(&self) -> SettingFiles<'_> {
        SettingFiles {
            path: &self.path,
            dropin_dir: self.dropin_dir.as_deref(),
            snippets_first: false,
            scan_pattern: self.scan_pattern.as_deref(),
        }
    }
}

impl Parameters for ConfigAbsent {
    fn validate(&mut self) -> Result<(), ParamError> {
        self.files().validate()?;
        syntax::line("key", &self.key)
    }
}

impl Check for ConfigAbsent {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        self.files().probes()
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        self.files().follow_up(got)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        // Whether the program takes the key in any case, or with another delimiter, is not known; a doubtful line is
        // a finding.
        let delimiter = Delimiter::new(self.delimiter.as_deref());
        let section = self.section.as_deref();
        let key = Key { name: self.key.trim(), ignore_case: true, delimiter, section, comments: true };
        let found = self.files().occurrences(got, &key)?;
        let wanted = format!("{} not set", self.key);
        Ok(match found.into_iter().next() {
            None => {
                let detail = format!("{} is not set in {}", self.key, self.files().describe());
                Verdict::new(true, wanted, "not set", detail)
            }
            Some(setting) => {
                let detail = format!("{} is set in {}; wanted {wanted}", self.key, setting.source);
                Verdict::new(false, wanted, setting.value, detail).from_source(Some(setting.source))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str = r#"{"path": "/etc/dnf/dnf.conf", "key": "exclude"}"#;

    #[test]
    fn passes_only_when_no_line_sets_the_key() {
        let case = |text: &str| Case::new("config_absent", RULE).file("/etc/dnf/dnf.conf", text);
        assert_eq!(judge(case("[main]\n#exclude=kernel\nexcludepkgs=x\n")).passed(), Some(true));
        assert_eq!(judge(case("[main]\nexclude=kernel\n")).passed(), Some(false));
        assert_eq!(judge(case("[main]\nExclude=kernel\n")).passed(), Some(false));
        let gone = Case::new("config_absent", RULE).gone(&Probe::read("/etc/dnf/dnf.conf"));
        assert_eq!(judge(gone).passed(), Some(true));
        assert_never_guesses(&case(""), &Probe::read("/etc/dnf/dnf.conf"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("config_absent", r#"{"path": "/x"}"#);
        assert_refused("config_absent", r#"{"path": "/x", "key": " "}"#);
    }
}
