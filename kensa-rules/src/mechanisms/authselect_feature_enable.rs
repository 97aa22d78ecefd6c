//! `authselect_feature_enable`: enables a feature of the authselect profile.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism = Mechanism::of::<AuthselectFeatureEnable>(
    "authselect_feature_enable",
    "Enables a feature of the authselect profile",
)
.risking_lockout();

/// A feature of the authselect profile in use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuthselectFeatureEnable {
    /// Name of the feature, such as `with-faillock`.
    feature: Text,
}

impl MechanismParameters for AuthselectFeatureEnable {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::word("feature", &self.feature, "_-", "an authselect feature")
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("authselect_feature_enable", r#"{"feature": "with-faillock"}"#);
        assert_refuses("authselect_feature_enable", "feature", r#"{"feature": "-x"}"#);
        assert_refuses("authselect_feature_enable", "feature", r#"{"feature": "a b"}"#);
    }
}
