//! `sysctl_value`: a kernel parameter's running value.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::{Method, Parameters};
use crate::host_files::sysctl_files;
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<SysctlValue>("sysctl_value", "A kernel parameter's running value compares as wanted");

/// A kernel parameter's running value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SysctlValue {
    /// Key with dots, e.g. `net.ipv4.ip_forward`.
    key: Text,
    /// The value wanted.
    expected: Text,
    /// How to compare; equality is exact.
    #[serde(default)]
    comparator: Comparator,
    /// Values that never pass.
    #[serde(default)]
    refuse: Vec<Text>,
    /// Whether the value that the files of sysctl.d(5) set at boot must compare as well; none set fails.
    /// `/etc/sysctl.conf` counts where a link in `/etc/sysctl.d` leads to it, as systemd-sysctl(8) reads it.
    #[serde(default)]
    persistent: bool,
}

impl SysctlValue {
    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            expected: &self.expected,
            comparator: self.comparator,
            refuse: &self.refuse,
            unlimited: &[],
            ignore_case: false,
        }
    }
}

impl Parameters for SysctlValue {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::sysctl_key("key", &self.key)?;
        self.comparison().validate()
    }
}

impl Check for SysctlValue {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        let files = if self.persistent { sysctl_files::probes() } else { Vec::new() };
        std::iter::once(Probe::sysctl(&*self.key)).chain(files).collect()
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        if self.persistent { sysctl_files::follow_up(got) } else { Vec::new() }
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.comparison().wanted();
        let at_boot = if self.persistent { Some(sysctl_files::boot_value(got, &self.key)?) } else { None };
        let Some(actual) = got.sysctl(&self.key)? else {
            let detail = format!("the kernel has no parameter {}; wanted {wanted}", self.key);
            return Ok(Verdict::new(false, wanted, "", detail));
        };
        let actual = one_blank(&actual);
        let running = self.comparison().holds(&actual)?;
        let Some(at_boot) = at_boot else {
            let detail = format!("{} is {actual}; wanted {wanted}", self.key);
            return Ok(Verdict::new(running, wanted, actual, detail));
        };
        let (boot, source) =
            at_boot.map_or((None, None), |(value, source)| (Some(one_blank(&value)), Some(source)));
        let lasting =
            boot.as_deref().map(|value| self.comparison().holds(value)).transpose()?.unwrap_or(false);
        let place =
            source.as_ref().map_or("not set at boot".to_owned(), |source| format!("set at boot in {source}"));
        let actual = match boot {
            Some(boot) => format!("{actual}, {boot} {place}"),
            None => format!("{actual}, {place}"),
        };
        let detail = format!("{} is {actual}; wanted {wanted}", self.key);
        Ok(Verdict::new(running && lasting, wanted, actual, detail).from_source(source))
    }
}

/// The kernel separates the fields of a value by tabs; rules write blanks.
fn one_blank(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, judge};

    const RULE: &str = r#"{"key": "net.ipv4.ip_forward", "expected": "0"}"#;

    #[test]
    fn passes_and_fails_on_the_value() {
        let case =
            |value: &str| Case::new("sysctl_value", RULE).answer("sysctl net.ipv4.ip_forward", 0, value, "");
        assert_eq!(judge(case("net.ipv4.ip_forward = 0\n")).passed(), Some(true));
        assert_eq!(judge(case("net.ipv4.ip_forward = 1\n")).passed(), Some(false));
    }

    #[test]
    fn a_key_the_kernel_lacks_fails_and_a_denied_one_could_not_be_told() {
        let case = |stderr: &str| {
            Case::new("sysctl_value", RULE).answer("sysctl net.ipv4.ip_forward", 1, "", stderr)
        };
        let absent = "sysctl: cannot stat /proc/sys/net/ipv4/ip_forward: No such file or directory\n";
        assert_eq!(judge(case(absent)).passed(), Some(false));
        let denied = "sysctl: permission denied on key 'net.ipv4.ip_forward'\n";
        assert_eq!(judge(case(denied)).reason(), Some(Reason::PermissionDenied));
    }

    #[test]
    fn a_missing_tool_or_a_cut_answer_is_no_verdict() {
        let case = Case::new("sysctl_value", RULE);
        let missing =
            case.clone().answer("sysctl net.ipv4.ip_forward", 127, "", "sh: 1: sysctl: not found\n");
        assert_eq!(judge(missing).reason(), Some(Reason::ToolMissing));
        let cut = case.truncated("sysctl net.ipv4.ip_forward", "net.ipv4.ip_forward = 0");
        assert_eq!(judge(cut).reason(), Some(Reason::Truncated));
    }

    #[test]
    fn the_value_at_boot_counts_when_asked_for() {
        let params = RULE.replace('}', ", \"persistent\": true}");
        let case = |snippet: &str, last: &str| {
            let case = Case::new("sysctl_value", &params)
                .answer("sysctl net.ipv4.ip_forward", 0, "net.ipv4.ip_forward = 0\n", "")
                .dir("/etc/sysctl.d", &["99-sysctl.conf"])
                .file("/etc/sysctl.d/99-sysctl.conf", last)
                .dir("/run/sysctl.d", &["60-net.conf", "99-sysctl.conf"])
                .file("/run/sysctl.d/60-net.conf", snippet);
            ["/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"]
                .into_iter()
                .fold(case, |case, dir| case.gone(&Probe::list(dir)))
        };
        let good = case("-net/ipv4/ip_forward=0\n", "# net.ipv4.ip_forward = 1\n");
        assert_eq!(judge(good.clone()).passed(), Some(true));
        assert_eq!(judge(case("net.ipv4.ip_forward=0\n", "net.ipv4.ip_forward = 1\n")).passed(), Some(false));
        assert_eq!(judge(case("", "")).passed(), Some(false));
        assert_never_guesses(&good, &Probe::read("/run/sysctl.d/60-net.conf"));
        assert_never_guesses(&good, &Probe::list("/lib/sysctl.d"));
    }

    #[test]
    fn a_comparison_that_makes_no_sense_does_not_load() {
        let error =
            Case::new("sysctl_value", r#"{"key": "a.b", "expected": "x", "comparator": ">="}"#).build_error();
        assert_eq!(error.and_then(|e| e.key), Some("expected".to_owned()));
    }
}
