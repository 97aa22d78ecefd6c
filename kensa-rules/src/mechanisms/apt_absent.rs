//! `apt_absent`: removes a package with apt-get.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<AptAbsent>("apt_absent", "Removes a package with apt-get").risking_lockout();

/// Removes a package with apt-get.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AptAbsent {
    /// Package name.
    name: Text,
}

impl MechanismParameters for AptAbsent {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::package_name("name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("apt_absent", r#"{"name": "rsync-daemon"}"#);
        assert_refuses("apt_absent", "name", r#"{"name": "-y"}"#);
        assert_refuses("apt_absent", "name", r#"{"name": "a b"}"#);
        assert_refuses("apt_absent", "", r#"{}"#);
    }
}
