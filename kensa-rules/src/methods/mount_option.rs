//! `mount_option`: the options a file system is mounted with.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::host_files::mounts::{self, FSTAB, fstab_options, mounted_options};
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<MountOption>(
    "mount_option",
    "A file system is mounted with some options and without others",
);

/// The options in force at a mount point, as the kernel lists them. At least one of `options`,
/// `absent_options`, `mounted` is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MountOption {
    /// Absolute path of the mount point.
    mount_point: Text,
    /// Options that must be in force: a list, or text with commas. `key=value` is compared in full, `key`
    /// alone matches any value.
    #[serde(default)]
    options: Texts,
    /// Options that must not be in force.
    #[serde(default)]
    absent_options: Texts,
    /// Whether a file system of its own is all that is wanted.
    #[serde(default)]
    mounted: bool,
    /// Pass when nothing is mounted there.
    #[serde(default)]
    allow_unmounted: bool,
    /// Whether the line of `/etc/fstab` must be there and give the options as well.
    #[serde(default)]
    fstab: bool,
    /// Whether the line of `/etc/fstab`, where there is one, must give the options as well; without it a mount that
    /// a systemd unit makes is judged by the running system alone.
    #[serde(default)]
    fstab_agrees: bool,
}

fn split(texts: &Texts) -> Vec<String> {
    texts
        .0
        .iter()
        .flat_map(|text| text.split(','))
        .map(|o| o.trim().to_owned())
        .filter(|o| !o.is_empty())
        .collect()
}

/// Whether `options` hold `wanted`; a bare name also matches `name=value`.
fn holds(options: &[String], wanted: &str) -> bool {
    options.iter().any(|option| {
        let key = option.split_once('=').map_or(option.as_str(), |(key, _)| key);
        option == wanted || key == wanted
    })
}

impl MountOption {
    fn point(&self) -> &str {
        mounts::normal(&self.mount_point)
    }

    fn wanted(&self) -> String {
        let (with, without) = (split(&self.options), split(&self.absent_options));
        let mut parts = Vec::new();
        if self.mounted {
            parts.push("a file system of its own".to_owned());
        }
        if !with.is_empty() {
            parts.push(format!("mounted with {}", with.join(",")));
        }
        if !without.is_empty() {
            parts.push(format!("mounted without {}", without.join(",")));
        }
        if self.allow_unmounted {
            parts.push("or not mounted".to_owned());
        }
        parts.join(", ")
    }

    /// What is wrong with these options, in words.
    fn faults(&self, options: &[String]) -> Vec<String> {
        let missing = split(&self.options).into_iter().filter(|wanted| !holds(options, wanted));
        let missing: Vec<String> = missing.collect();
        let surplus: Vec<String> =
            split(&self.absent_options).into_iter().filter(|o| holds(options, o)).collect();
        let mut faults = Vec::new();
        if !missing.is_empty() {
            faults.push(format!("without {}", missing.join(",")));
        }
        if !surplus.is_empty() {
            faults.push(format!("with {}", surplus.join(",")));
        }
        faults
    }
}

impl Parameters for MountOption {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::absolute_path("mount_point", &self.mount_point)?;
        if split(&self.options).is_empty() && split(&self.absent_options).is_empty() && !self.mounted {
            return Err(ParamError::whole("nothing to check: give options, absent_options or mounted"));
        }
        if self.mounted && self.allow_unmounted {
            return Err(ParamError::at("mounted", "does not go together with allow_unmounted"));
        }
        Ok(())
    }
}

impl Check for MountOption {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        let fstab = (self.fstab || self.fstab_agrees).then(|| Probe::read(FSTAB));
        std::iter::once(mounts::mountinfo()).chain(fstab).collect()
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let (point, wanted) = (self.point(), self.wanted());
        let mounted = mounted_options(got, point)?;
        let in_fstab = if self.fstab || self.fstab_agrees { fstab_options(got, point)? } else { None };
        let Some(options) = mounted else {
            let detail = format!("nothing is mounted on {point}; wanted {wanted}");
            return Ok(Verdict::new(self.allow_unmounted, wanted, "not mounted", detail));
        };
        let actual = options.join(",");
        let mut faults: Vec<String> =
            self.faults(&options).into_iter().map(|fault| format!("is mounted {fault}")).collect();
        if self.fstab || self.fstab_agrees {
            match in_fstab {
                None if !self.fstab => {}
                None => faults.push(format!("has no line in {FSTAB}")),
                Some(options) => {
                    faults.extend(
                        self.faults(&options).into_iter().map(|fault| format!("is in {FSTAB} {fault}")),
                    );
                }
            }
        }
        let found =
            if faults.is_empty() { format!("is mounted with {actual}") } else { faults.join(" and ") };
        let detail = format!("{point} {found}; wanted {wanted}");
        Ok(Verdict::new(faults.is_empty(), wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::host_files::mounts::{FSTAB, MOUNTINFO};
    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str = r#"{"mount_point": "/tmp/", "options": ["nodev", "noexec"]}"#;
    const ROOT: &str = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";

    fn case(params: &str, lines: &str) -> Case {
        Case::new("mount_option", params).file(MOUNTINFO, &format!("{ROOT}{lines}"))
    }

    fn tmp(options: &str) -> String {
        format!("30 22 0:30 / /tmp {options} shared:9 master:1 - tmpfs tmpfs rw,size=1024k,mode=1777\n")
    }

    #[test]
    fn every_wanted_option_must_be_in_force() {
        assert_eq!(judge(case(RULE, &tmp("rw,nodev,noexec"))).passed(), Some(true));
        assert_eq!(judge(case(RULE, &tmp("rw,nodev"))).passed(), Some(false));
        let hidden = format!("{}{}", tmp("rw,nodev,noexec"), tmp("rw"));
        assert_eq!(judge(case(RULE, &hidden)).passed(), Some(false));
        let sized = r#"{"mount_point": "/tmp", "options": "size=1024k,nodev"}"#;
        assert_eq!(judge(case(sized, &tmp("rw,nodev"))).passed(), Some(true));
        assert_eq!(judge(case(&sized.replace("1024k", "9k"), &tmp("rw,nodev"))).passed(), Some(false));
    }

    #[test]
    fn not_mounted_fails_unless_allowed() {
        let other = tmp("rw,nodev,noexec").replace(" /tmp ", r" /tmp\040x ");
        assert_eq!(judge(case(RULE, &other)).passed(), Some(false));
        let allowed = RULE.replace("}", r#", "allow_unmounted": true}"#);
        assert_eq!(judge(case(&allowed, "")).passed(), Some(true));
    }

    #[test]
    fn absent_options_must_not_be_in_force() {
        let without = r#"{"mount_point": "/tmp", "absent_options": "exec,rw"}"#;
        assert_eq!(judge(case(without, &tmp("ro,nodev"))).passed(), Some(true));
        assert_eq!(judge(case(without, &tmp("rw,nodev"))).passed(), Some(false));
    }

    #[test]
    fn fstab_counts_when_asked_for() {
        let params = RULE.replace("}", r#", "fstab": true}"#);
        let mounted = case(&params, &tmp("rw,nodev,noexec"));
        let good = mounted.clone().file(FSTAB, "# x\ntmpfs /tmp tmpfs rw,nodev,noexec 0 0\n");
        assert_eq!(judge(good.clone()).passed(), Some(true));
        assert_eq!(
            judge(mounted.clone().file(FSTAB, "tmpfs /tmp tmpfs rw,nodev 0 0\n")).passed(),
            Some(false)
        );
        assert_eq!(judge(mounted.gone(&Probe::read(FSTAB))).passed(), Some(false));
        assert_never_guesses(&good, &Probe::read(FSTAB));
    }

    #[test]
    fn a_line_of_fstab_must_not_contradict_and_need_not_be_there() {
        let params = RULE.replace("}", r#", "fstab_agrees": true}"#);
        let mounted = case(&params, &tmp("rw,nodev,noexec"));
        let lost = mounted.clone().file(FSTAB, "tmpfs /tmp tmpfs rw,nodev 0 0\n");
        assert_eq!(judge(lost).passed(), Some(false));
        assert_eq!(judge(mounted.clone().file(FSTAB, "# by tmp.mount\n")).passed(), Some(true));
        assert_never_guesses(&mounted.file(FSTAB, ""), &Probe::read(FSTAB));
    }

    #[test]
    fn a_file_system_of_its_own_may_be_all_that_is_wanted() {
        let params = r#"{"mount_point": "/tmp", "mounted": true}"#;
        assert_eq!(judge(case(params, &tmp("rw"))).passed(), Some(true));
        assert_eq!(judge(case(params, "")).passed(), Some(false));
    }

    #[test]
    fn never_guesses() {
        assert_never_guesses(&case(RULE, ""), &Probe::read(MOUNTINFO));
        let empty = Case::new("mount_option", RULE).file(MOUNTINFO, "");
        assert_eq!(judge(empty).reason(), Some(Reason::UnexpectedOutput));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("mount_option", r#"{"mount_point": "/tmp"}"#);
        assert_refused("mount_option", r#"{"mount_point": "/tmp", "options": []}"#);
        assert_refused("mount_option", r#"{"mount_point": "tmp", "options": ["nodev"]}"#);
    }
}
