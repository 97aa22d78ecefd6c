//! `package_absent`: removes a package with dnf.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<PackageAbsent>("package_absent", "Removes a package with dnf").risking_lockout();

/// Removes a package with dnf.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PackageAbsent {
    /// Package name.
    name: Text,
}

impl MechanismParameters for PackageAbsent {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::package_name("name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("package_absent", r#"{"name": "rsync-daemon"}"#);
        assert_refuses("package_absent", "name", r#"{"name": "-y"}"#);
        assert_refuses("package_absent", "name", r#"{"name": "a b"}"#);
        assert_refuses("package_absent", "", r#"{}"#);
    }
}
