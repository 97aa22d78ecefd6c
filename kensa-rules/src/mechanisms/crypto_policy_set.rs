//! `crypto_policy_set`: sets the system-wide cryptographic policy.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<CryptoPolicySet>("crypto_policy_set", "Sets the system-wide cryptographic policy")
        .risking_lockout();

/// The system-wide cryptographic policy, with its modules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CryptoPolicySet {
    /// Name of the policy, such as `DEFAULT:NO-SHA1`.
    policy: Text,
}

impl MechanismParameters for CryptoPolicySet {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::word("policy", &self.policy, "_-:.", "a cryptographic policy")
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("crypto_policy_set", r#"{"policy": "FIPS"}"#);
        assert_takes("crypto_policy_set", r#"{"policy": "DEFAULT:NO-SHA1"}"#);
        assert_refuses("crypto_policy_set", "policy", r#"{"policy": ""}"#);
        assert_refuses("crypto_policy_set", "policy", r#"{"policy": "A;B"}"#);
    }
}
