//! `package_present`: installs a package with dnf.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<PackagePresent>("package_present", "Installs a package with dnf");

/// Installs a package with dnf.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PackagePresent {
    /// Package name.
    name: Text,
}

impl MechanismParameters for PackagePresent {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::package_name("name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("package_present", r#"{"name": "rsync-daemon"}"#);
        assert_refuses("package_present", "name", r#"{"name": "-y"}"#);
        assert_refuses("package_present", "name", r#"{"name": "a b"}"#);
        assert_refuses("package_present", "", r#"{}"#);
    }
}
