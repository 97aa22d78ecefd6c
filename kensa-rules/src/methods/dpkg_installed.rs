//! `dpkg_installed`: dpkg has a package installed.

use kensa_core::{Check, Facts, JudgeError, Outputs, PackageManager, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::package_state::{State, judge_package, package_probes};
use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<DpkgInstalled>("dpkg_installed", "dpkg has a package installed");

/// dpkg has a package installed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DpkgInstalled {
    /// Package name.
    name: Text,
}

impl Parameters for DpkgInstalled {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::package_name("name", &self.name)
    }
}

impl Check for DpkgInstalled {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        package_probes(Some(PackageManager::Dpkg), &self.name)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        judge_package(Some(PackageManager::Dpkg), &self.name, State::Present, got)
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{PackageManager, Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    #[test]
    fn tells_installed_from_absent_and_never_guesses() {
        let probe = Probe::package(PackageManager::Dpkg, "telnet");
        let case = Case::new("dpkg_installed", r#"{"name": "telnet"}"#);
        let installed = case.clone().says(&probe, 0, "telnet\t0.17\tamd64\tinstalled\n", "");
        assert_eq!(judge(installed).passed(), Some(true));
        let absent = case.clone().says(&probe, 1, "", "dpkg-query: no packages found matching telnet\n");
        assert_eq!(judge(absent.clone()).passed(), Some(false));
        assert_never_guesses(&absent, &probe);
    }

    #[test]
    fn a_host_without_dpkg_is_no_answer() {
        let probe = Probe::package(PackageManager::Dpkg, "telnet");
        let case = Case::new("dpkg_installed", r#"{"name": "telnet"}"#).on("rocky", "9.4");
        let missing = case.says(&probe, 127, "", "sh: dpkg-query: command not found\n");
        assert_eq!(judge(missing).reason(), Some(Reason::ToolMissing));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("dpkg_installed", r#"{"name": ""}"#);
        assert_refused("dpkg_installed", r#"{"name": "telnet*"}"#);
    }
}
