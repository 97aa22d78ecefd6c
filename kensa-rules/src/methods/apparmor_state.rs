//! `apparmor_state`: whether AppArmor confines programs.

use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Outputs, Probe, Reason, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};

pub(super) const METHOD: Method =
    Method::of::<ApparmorState>("apparmor_state", "AppArmor is loaded or enforces profiles");

/// Whether AppArmor confines programs, by the kernel's own list of profiles.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ApparmorState {
    /// What is wanted.
    #[serde(default)]
    state: State,
    /// At most this many profiles may only complain instead of enforcing.
    max_complain: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// At least one profile is enforced.
    #[default]
    Enforcing,
    /// The kernel has AppArmor switched on.
    Loaded,
}

const ENABLED: &str = "/sys/module/apparmor/parameters/enabled";
const PROFILES: &str = "/sys/kernel/security/apparmor/profiles";

impl ApparmorState {
    fn needs_profiles(&self) -> bool {
        self.state == State::Enforcing || self.max_complain.is_some()
    }

    fn wanted(&self) -> String {
        let state = if self.state == State::Loaded { "loaded" } else { "enforcing" };
        match self.max_complain {
            Some(most) => format!("{state}, at most {most} profiles in complain mode"),
            None => state.to_owned(),
        }
    }
}

impl Parameters for ApparmorState {}

impl Check for ApparmorState {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        let profiles = self.needs_profiles().then(|| Probe::read(PROFILES));
        std::iter::once(Probe::read(ENABLED)).chain(profiles).collect()
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.wanted();
        let enabled = got.read(ENABLED)?;
        if enabled.as_deref().map(str::trim) != Some("Y") {
            let detail = format!("AppArmor is not switched on in the kernel; wanted {wanted}");
            return Ok(Verdict::new(false, wanted, "not loaded", detail));
        }
        if !self.needs_profiles() {
            return Ok(Verdict::new(true, wanted, "loaded", "AppArmor is switched on in the kernel"));
        }
        let profiles = got.read(PROFILES)?.ok_or_else(|| {
            CouldNotTell::new(
                Reason::ServiceUnavailable,
                format!("{PROFILES} does not exist: securityfs is not mounted"),
            )
        })?;
        let count = |mode: &str| profiles.lines().filter(|line| line.trim_end().ends_with(mode)).count();
        let (enforced, complaining) = (count("(enforce)"), count("(complain)"));
        let few = self
            .max_complain
            .is_none_or(|most| u64::try_from(complaining).is_ok_and(|n| n <= u64::from(most)));
        let passed = few && (self.state == State::Loaded || enforced > 0);
        let actual = format!("{enforced} profiles enforced, {complaining} in complain mode");
        let detail = format!("AppArmor is loaded, {actual}; wanted {wanted}");
        Ok(Verdict::new(passed, wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use super::{ENABLED, PROFILES};
    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    fn case(params: &str, profiles: &str) -> Case {
        Case::new("apparmor_state", params).file(ENABLED, "Y\n").file(PROFILES, profiles)
    }

    #[test]
    fn complaining_profiles_enforce_nothing() {
        assert_eq!(judge(case("{}", "/usr/bin/man (enforce)\nx (complain)\n")).passed(), Some(true));
        assert_eq!(judge(case("{}", "/usr/bin/man (complain)\n")).passed(), Some(false));
        assert_eq!(judge(case("{}", "")).passed(), Some(false));
        let strict = r#"{"max_complain": 0}"#;
        assert_eq!(judge(case(strict, "/usr/bin/man (enforce)\nx (complain)\n")).passed(), Some(false));
    }

    #[test]
    fn loaded_asks_the_kernel_only() {
        let loaded = |text: &str| Case::new("apparmor_state", r#"{"state": "loaded"}"#).file(ENABLED, text);
        assert_eq!(judge(loaded("Y\n")).passed(), Some(true));
        assert_eq!(judge(loaded("N\n")).passed(), Some(false));
        let gone = Case::new("apparmor_state", r#"{"state": "loaded"}"#).gone(&Probe::read(ENABLED));
        assert_eq!(judge(gone).passed(), Some(false));
    }

    #[test]
    fn never_guesses() {
        assert_never_guesses(&case("{}", "x (enforce)\n"), &Probe::read(PROFILES));
        assert_never_guesses(&case("{}", "x (enforce)\n"), &Probe::read(ENABLED));
        let unmounted = Case::new("apparmor_state", "{}").file(ENABLED, "Y\n").gone(&Probe::read(PROFILES));
        assert_eq!(judge(unmounted).reason(), Some(Reason::ServiceUnavailable));
    }

    #[test]
    fn an_unknown_state_does_not_load() {
        assert_refused("apparmor_state", r#"{"state": "complain"}"#);
    }
}
