//! `crypto_policy_subpolicy`: adds a module to the cryptographic policy.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism = Mechanism::of::<CryptoPolicySubpolicy>(
    "crypto_policy_subpolicy",
    "Adds a module to the cryptographic policy",
)
.not_capturable()
.risking_lockout();

/// A module that is added to the system-wide cryptographic policy in use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CryptoPolicySubpolicy {
    /// Name of the module, such as `NO-SHA1`.
    subpolicy: Text,
}

impl MechanismParameters for CryptoPolicySubpolicy {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::word("subpolicy", &self.subpolicy, "_-.", "a policy module")
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("crypto_policy_subpolicy", r#"{"subpolicy": "NO-SHA1"}"#);
        assert_refuses("crypto_policy_subpolicy", "subpolicy", r#"{"subpolicy": "A:B"}"#);
    }
}
