//! `apt_present`: installs a package with apt-get.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<AptPresent>("apt_present", "Installs a package with apt-get");

/// Installs a package with apt-get.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AptPresent {
    /// Package name.
    name: Text,
}

impl MechanismParameters for AptPresent {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::package_name("name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("apt_present", r#"{"name": "rsync-daemon"}"#);
        assert_refuses("apt_present", "name", r#"{"name": "-y"}"#);
        assert_refuses("apt_present", "name", r#"{"name": "a b"}"#);
        assert_refuses("apt_present", "", r#"{}"#);
    }
}
