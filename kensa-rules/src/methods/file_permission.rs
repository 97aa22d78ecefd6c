//! `file_permission`: mode, owner and group of a path.

use kensa_core::reading::FileStat;
use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<FilePermission>("file_permission", "Mode, owner and group of a path are as wanted")
        .with_aliases(&["file_permissions"]);

/// Mode, owner and group of a path. At least one of `mode`, `max_mode`, `owner`, `group` is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FilePermission {
    /// Absolute path; a symbolic link is judged itself. With `glob`, a pattern.
    path: Text,
    /// Octal mode the path must have exactly.
    mode: Option<Text>,
    /// Octal mode the path must not exceed: no permission bit outside it.
    max_mode: Option<Text>,
    /// Owner, or the list of owners allowed.
    owner: Option<Texts>,
    /// Group, or the list of groups allowed.
    group: Option<Texts>,
    /// `path` is a pattern; every path it matches is judged.
    #[serde(default)]
    glob: bool,
    /// Pass when the path does not exist (or the pattern matches nothing).
    #[serde(default)]
    allow_absent: bool,
}

impl Parameters for FilePermission {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)?;
        if self.mode.is_none() && self.max_mode.is_none() && self.owner.is_none() && self.group.is_none() {
            return Err(ParamError::whole("nothing to check: give mode, max_mode, owner or group"));
        }
        for (key, mode) in [("mode", &self.mode), ("max_mode", &self.max_mode)] {
            if let Some(mode) = mode {
                octal(mode)
                    .ok_or_else(|| ParamError::at(key, format!("{:?} is not an octal mode", &**mode)))?;
            }
        }
        Ok(())
    }
}

fn octal(text: &str) -> Option<u32> {
    syntax::octal_mode("mode", text).ok()
}

impl FilePermission {
    fn pattern(&self) -> Probe {
        Probe::Glob { pattern: self.path.0.clone() }
    }

    fn paths(&self, got: &Outputs) -> Result<Vec<String>, JudgeError> {
        if self.glob { Ok(got.glob(&self.path)?) } else { Ok(vec![self.path.0.clone()]) }
    }

    /// What is wanted, in words.
    fn wanted(&self) -> String {
        let mode = self.mode.as_ref().map(|mode| format!("mode {}", &**mode));
        let max_mode = self.max_mode.as_ref().map(|mode| format!("mode at most {}", &**mode));
        let owner = self.owner.as_ref().map(|owner| format!("owner {}", owner.0.join(" or ")));
        let group = self.group.as_ref().map(|group| format!("group {}", group.0.join(" or ")));
        [mode, max_mode, owner, group].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn allows(&self, stat: &FileStat) -> bool {
        let mode = self.mode.as_deref().and_then(octal).is_none_or(|mode| stat.mode == mode);
        let max_mode = self.max_mode.as_deref().and_then(octal).is_none_or(|max| stat.mode & !max == 0);
        let owner = self.owner.as_ref().is_none_or(|owner| owner.0.contains(&stat.owner));
        let group = self.group.as_ref().is_none_or(|group| group.0.contains(&stat.group));
        mode && max_mode && owner && group
    }
}

impl Check for FilePermission {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![if self.glob { self.pattern() } else { Probe::stat(&*self.path) }]
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        let paths = if self.glob { self.paths(got).unwrap_or_default() } else { Vec::new() };
        paths.into_iter().map(Probe::stat).collect()
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.wanted();
        let mut seen = Vec::new();
        let mut wrong = Vec::new();
        for path in self.paths(got)? {
            let Some(stat) = got.stat(&path)? else { continue };
            let found = format!("mode {:04o}, owner {}, group {}", stat.mode, stat.owner, stat.group);
            if !self.allows(&stat) {
                wrong.push(format!("{path} has {found}"));
            }
            seen.push(if self.glob { format!("{path}: {found}") } else { found });
        }
        if seen.is_empty() {
            let detail = format!("{} does not exist; wanted {wanted}", self.path);
            return Ok(Verdict::new(self.allow_absent, wanted, "absent", detail));
        }
        let actual = seen.join("; ");
        let found = if wrong.is_empty() { format!("{} has {actual}", self.path) } else { wrong.join("; ") };
        let detail = format!("{found}; wanted {wanted}");
        Ok(Verdict::new(wrong.is_empty(), wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, judge};

    fn case(params: &str, exit: i32, stdout: &str, stderr: &str) -> Case {
        Case::new("file_permission", params).answer(
            &Probe::stat("/etc/shadow").command(),
            exit,
            stdout,
            stderr,
        )
    }

    const EXACT: &str =
        r#"{"path": "/etc/shadow", "mode": "0640", "owner": "root", "group": ["root", "shadow"]}"#;
    const STAT: &str = "regular file|640|root|shadow|0|42|/etc/shadow\n";

    #[test]
    fn mode_is_exact_and_max_mode_allows_less() {
        assert_eq!(judge(case(EXACT, 0, STAT, "")).passed(), Some(true));
        assert_eq!(judge(case(EXACT, 0, &STAT.replace("640", "600"), "")).passed(), Some(false));
        let at_most = r#"{"path": "/etc/shadow", "max_mode": "0640"}"#;
        assert_eq!(judge(case(at_most, 0, &STAT.replace("640", "600"), "")).passed(), Some(true));
        assert_eq!(judge(case(at_most, 0, &STAT.replace("640", "644"), "")).passed(), Some(false));
        assert_eq!(judge(case(at_most, 0, &STAT.replace("640", "4600"), "")).passed(), Some(false));
    }

    #[test]
    fn owner_and_group_are_exact_names() {
        assert_eq!(judge(case(EXACT, 0, &STAT.replace("|root|", "|toor|"), "")).passed(), Some(false));
        assert_eq!(judge(case(EXACT, 0, &STAT.replace("|shadow|", "|users|"), "")).passed(), Some(false));
    }

    #[test]
    fn an_absent_path_fails_unless_allowed() {
        let said = "stat: cannot statx '/etc/shadow': No such file or directory\n";
        assert_eq!(judge(case(EXACT, 1, "", said)).passed(), Some(false));
        let allowed = EXACT.replace("}", r#", "allow_absent": true}"#);
        assert_eq!(judge(case(&allowed, 1, "", said)).passed(), Some(true));
    }

    #[test]
    fn denied_missing_tool_and_truncated_are_no_verdict() {
        let denied = "stat: cannot statx '/etc/shadow': Permission denied\n";
        assert_eq!(judge(case(EXACT, 1, "", denied)).reason(), Some(Reason::PermissionDenied));
        assert_eq!(judge(case(EXACT, 127, "", "")).reason(), Some(Reason::ToolMissing));
        let cut = Case::new("file_permission", EXACT).truncated(&Probe::stat("/etc/shadow").command(), STAT);
        assert_eq!(judge(cut).reason(), Some(Reason::Truncated));
    }

    #[test]
    fn a_pattern_judges_every_match() {
        let params = r#"{"path": "/etc/ssh/*_key", "glob": true, "max_mode": "0600"}"#;
        let stat = |path: &str, mode: &str| format!("regular file|{mode}|root|root|0|0|{path}\n");
        let case = Case::new("file_permission", params)
            .answer("ls -1d -- /etc/ssh/*_key", 0, "/etc/ssh/a_key\n/etc/ssh/b_key\n", "")
            .answer(&Probe::stat("/etc/ssh/a_key").command(), 0, &stat("/etc/ssh/a_key", "600"), "")
            .answer(&Probe::stat("/etc/ssh/b_key").command(), 0, &stat("/etc/ssh/b_key", "644"), "");
        let judged = judge(case);
        assert_eq!(judged.passed(), Some(false));
        assert!(judged.verdict().detail.starts_with("/etc/ssh/b_key has mode 0644"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert!(Case::new("file_permission", r#"{"path": "/etc/shadow"}"#).build_error().is_some());
        assert!(Case::new("file_permission", r#"{"path": "/x", "mode": "0888"}"#).build_error().is_some());
        assert!(Case::new("file_permission", r#"{"path": "x", "mode": "0600"}"#).build_error().is_some());
    }
}
