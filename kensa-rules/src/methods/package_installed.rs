//! `package_installed`: a package is installed.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::package_state::{State, judge_package, package_probes};
use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<PackageInstalled>("package_installed", "A package is installed");

/// A package is installed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PackageInstalled {
    /// Package name.
    name: Text,
}

impl Parameters for PackageInstalled {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::package_name("name", &self.name)
    }
}

impl Check for PackageInstalled {
    fn probes(&self, facts: &Facts) -> Vec<Probe> {
        package_probes(facts.package_manager(), &self.name)
    }

    fn judge(&self, facts: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        judge_package(facts.package_manager(), &self.name, State::Present, got)
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{PackageManager, Probe};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    #[test]
    fn tells_installed_from_absent_and_never_guesses() {
        let probe = Probe::package(PackageManager::Dpkg, "telnet");
        let case = Case::new("package_installed", r#"{"name": "telnet"}"#);
        let installed = case.clone().says(&probe, 0, "telnet\t0.17\tamd64\tinstalled\n", "");
        assert_eq!(judge(installed).passed(), Some(true));
        let absent = case.clone().says(&probe, 1, "", "dpkg-query: no packages found matching telnet\n");
        assert_eq!(judge(absent.clone()).passed(), Some(false));
        assert_never_guesses(&absent, &probe);
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("package_installed", r#"{"name": ""}"#);
        assert_refused("package_installed", r#"{"name": "telnet*"}"#);
    }
}
