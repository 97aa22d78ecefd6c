//! `grub_parameter`: a kernel command line parameter, now and after the next boot.

use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Outputs, Probe, Reason, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::{Method, Parameters};
use crate::host_files::kernel_command_line as cmdline;
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<GrubParameter>(
    "grub_parameter",
    "A kernel command line parameter compares as wanted, for the running kernel and for later boots",
);

/// A parameter of the kernel command line.
///
/// It must be as wanted on the running kernel's command line, in every boot loader entry but the rescue
/// ones, and in the file that new entries are made from (`/etc/kernel/cmdline` where there are entries,
/// else the `GRUB_CMDLINE_LINUX` and `GRUB_CMDLINE_LINUX_DEFAULT` of `/etc/default/grub`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GrubParameter {
    /// Name of the parameter; hyphens and underscores are the same.
    key: Text,
    /// The value wanted; the last occurrence counts. A parameter without a value is `1`, or empty.
    expected: Text,
    /// How to compare.
    #[serde(default)]
    comparator: Comparator,
    /// Values that never pass.
    #[serde(default)]
    refuse: Vec<Text>,
}

impl GrubParameter {
    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            expected: &self.expected,
            comparator: self.comparator,
            refuse: &self.refuse,
            unlimited: &[],
            ignore_case: false,
        }
    }

    /// The parameter's value on one command line; a bare one is worth `1` where that is wanted.
    fn value(&self, tokens: &[String]) -> Option<String> {
        let value = cmdline::value(tokens, &self.key)?;
        let bare = value.is_empty() && self.expected.trim() == "1";
        Some(if bare { "1".to_owned() } else { value.to_owned() })
    }
}

impl Parameters for GrubParameter {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::word("key", &self.key, "._-", "a kernel parameter")?;
        syntax::no_control("expected", &self.expected)?;
        self.comparison().validate()
    }
}

impl Check for GrubParameter {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        cmdline::probes()
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        cmdline::follow_up(got)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let running = cmdline::running(got)?.ok_or_else(|| {
            CouldNotTell::new(Reason::ServiceUnavailable, format!("{} does not exist", cmdline::RUNNING))
        })?;
        let persistent = cmdline::persistent(got)?;
        let mut passed = !persistent.is_empty();
        let mut seen = Vec::new();
        for (place, tokens) in std::iter::once((cmdline::RUNNING.to_owned(), running)).chain(persistent) {
            let value = self.value(&tokens);
            passed &= match &value {
                Some(value) => self.comparison().holds(value)?,
                None => false,
            };
            let value = match value.as_deref() {
                None => "not set",
                Some("") => "set without a value",
                Some(value) => value,
            };
            seen.push(format!("{value} in {place}"));
        }
        if seen.len() == 1 {
            seen.push("no persistent configuration found".to_owned());
        }
        let (wanted, actual) = (self.comparison().wanted(), seen.join("; "));
        let detail = format!("{}: {actual}; wanted {wanted}", self.key);
        Ok(Verdict::new(passed, wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str = r#"{"key": "audit", "expected": "1"}"#;
    const ENTRIES: &str = "/boot/loader/entries";

    /// A Debian host.
    fn grub(running: &str, default: &str) -> Case {
        Case::new("grub_parameter", RULE)
            .file("/proc/cmdline", running)
            .file("/etc/default/grub", default)
            .gone(&Probe::read("/etc/kernel/cmdline"))
            .gone(&Probe::list("/etc/default/grub.d"))
            .gone(&Probe::list(ENTRIES))
    }

    #[test]
    fn running_and_persistent_value_both_count() {
        let good =
            "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"audit=1\" # why\n";
        assert_eq!(judge(grub("ro quiet audit=1\n", good)).passed(), Some(true));
        assert_eq!(judge(grub("ro quiet audit\n", good)).passed(), Some(true));
        assert_eq!(judge(grub("ro quiet\n", good)).passed(), Some(false));
        assert_eq!(judge(grub("audit=1 audit=0\n", good)).passed(), Some(false));
        assert_eq!(judge(grub("audit=1\n", &good.replace("audit=1", "audit=0"))).passed(), Some(false));
        assert_eq!(
            judge(grub("audit=1\n", &format!("#{good}").replace("GRUB_CMDLINE_LINUX=", "#x="))).passed(),
            Some(false)
        );
    }

    #[test]
    fn snippets_add_to_the_defaults() {
        let case = Case::new("grub_parameter", RULE)
            .file("/proc/cmdline", "audit=1\n")
            .file("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n")
            .gone(&Probe::read("/etc/kernel/cmdline"))
            .dir("/etc/default/grub.d", &["50-audit.cfg"])
            .file("/etc/default/grub.d/50-audit.cfg", "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX audit=1\"\n")
            .gone(&Probe::list(ENTRIES));
        assert_eq!(judge(case).passed(), Some(true));
    }

    /// A Red Hat host with boot loader entries.
    fn entries(kernelopts: &str, second: &str) -> Case {
        Case::new("grub_parameter", RULE)
            .file("/proc/cmdline", "audit=1\n")
            .file("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"audit=1\"\n")
            .gone(&Probe::read("/etc/kernel/cmdline"))
            .gone(&Probe::list("/etc/default/grub.d"))
            .dir(ENTRIES, &["m-5.14.conf", "m-5.15.conf", "m-0-rescue.conf"])
            .file("/boot/loader/entries/m-5.14.conf", "title x\noptions $kernelopts quiet\n")
            .file("/boot/loader/entries/m-5.15.conf", &format!("title y\noptions ro {second}\n"))
            .file("/boot/loader/entries/m-0-rescue.conf", "options ro\n")
            .file("/boot/grub2/grubenv", &format!("# GRUB\nkernelopts=root=x {kernelopts}\n"))
    }

    #[test]
    fn every_boot_entry_counts() {
        assert_eq!(judge(entries("audit=1", "audit=1")).passed(), Some(true));
        assert_eq!(judge(entries("audit=1", "")).passed(), Some(false));
        assert_eq!(judge(entries("audit=0", "audit=1")).passed(), Some(false));
    }

    #[test]
    fn never_guesses() {
        let good = grub("audit=1\n", "GRUB_CMDLINE_LINUX=audit=1\n");
        for path in ["/proc/cmdline", "/etc/default/grub", "/etc/kernel/cmdline"] {
            assert_never_guesses(&good, &Probe::read(path));
        }
        assert_never_guesses(&good, &Probe::list(ENTRIES));
        assert_never_guesses(&entries("audit=1", "audit=1"), &Probe::read("/boot/grub2/grubenv"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("grub_parameter", r#"{"key": "audit"}"#);
        assert_refused("grub_parameter", r#"{"key": "a b", "expected": "1"}"#);
    }
}
