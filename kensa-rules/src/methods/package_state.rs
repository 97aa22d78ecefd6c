//! `package_state`: whether a package is installed.

use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Outputs, PackageManager, Probe, Reason, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<PackageState>("package_state", "A package is installed, or is not");

/// Whether a package is installed, by the host's own package database.
///
/// A package that was removed but whose configuration is still there is not installed. A database that
/// cannot be asked is an error, never "absent".
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PackageState {
    /// Package name.
    name: Text,
    /// What is wanted.
    #[serde(default)]
    state: State,
}

/// Whether a package is to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Installed.
    #[default]
    Present,
    /// Not installed.
    Absent,
}

/// What to ask of the package database; nothing when the host has none that is known.
pub(super) fn package_probes(manager: Option<PackageManager>, name: &str) -> Vec<Probe> {
    manager.map(|manager| Probe::package(manager, name)).into_iter().collect()
}

/// Whether the package is as wanted.
pub(super) fn judge_package(
    manager: Option<PackageManager>,
    name: &str,
    state: State,
    got: &Outputs,
) -> Result<Verdict, JudgeError> {
    let Some(manager) = manager else {
        let message =
            format!("the host has neither rpm nor dpkg, so it is unknown whether {name} is installed");
        return Err(CouldNotTell::new(Reason::ToolMissing, message).into());
    };
    let found = got.package(manager, name)?;
    let wanted = if state == State::Present { "installed" } else { "not installed" };
    let actual = found
        .as_ref()
        .map_or("not installed".to_owned(), |package| format!("installed ({})", package.version));
    let detail = format!("{name} is {actual}; wanted {wanted}");
    Ok(Verdict::new(found.is_some() == (state == State::Present), wanted, actual, detail))
}

impl Parameters for PackageState {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::package_name("name", &self.name)
    }
}

impl Check for PackageState {
    fn probes(&self, facts: &Facts) -> Vec<Probe> {
        package_probes(facts.package_manager(), &self.name)
    }

    fn judge(&self, facts: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        judge_package(facts.package_manager(), &self.name, self.state, got)
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{PackageManager, Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const PRESENT: &str = r#"{"name": "audit"}"#;
    const ABSENT: &str = r#"{"name": "audit", "state": "absent"}"#;

    fn rpm(params: &str, exit: i32, stdout: &str, stderr: &str) -> Case {
        let probe = Probe::package(PackageManager::Rpm, "audit");
        Case::new("package_state", params).on("rocky", "9.4").says(&probe, exit, stdout, stderr)
    }

    #[test]
    fn present_and_absent() {
        let installed = "audit\t(none):3.1-5.el9\tx86_64\n";
        let absent = "package audit is not installed\n";
        assert_eq!(judge(rpm(PRESENT, 0, installed, "")).passed(), Some(true));
        assert_eq!(judge(rpm(ABSENT, 0, installed, "")).passed(), Some(false));
        assert_eq!(judge(rpm(PRESENT, 1, absent, "")).passed(), Some(false));
        assert_eq!(judge(rpm(ABSENT, 1, absent, "")).passed(), Some(true));
    }

    #[test]
    fn a_broken_or_missing_database_is_never_absence() {
        let broken =
            rpm(ABSENT, 1, "package audit is not installed\n", "error: cannot open Packages database\n");
        assert_eq!(judge(broken).reason(), Some(Reason::CommandFailed));
        let unknown = Case::new("package_state", ABSENT).on("plan9", "4");
        assert_eq!(judge(unknown).reason(), Some(Reason::ToolMissing));
        let absent = rpm(ABSENT, 1, "package audit is not installed\n", "");
        assert_never_guesses(&absent, &Probe::package(PackageManager::Rpm, "audit"));
    }

    #[test]
    fn a_misspelt_state_does_not_load() {
        assert_refused("package_state", r#"{"name": "audit", "state": "removed"}"#);
        assert_refused("package_state", r#"{"state": "absent"}"#);
    }
}
