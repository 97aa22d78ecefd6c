//! `grub_parameter_remove`: removes a kernel command line parameter.

use schemars::JsonSchema;
use serde::Deserialize;

use super::grub_parameter_set::allowed;
use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<GrubParameterRemove>("grub_parameter_remove", "Removes a kernel command line parameter")
        .not_capturable();

/// A kernel command line parameter that is removed, tried by one boot before that becomes the default.
///
/// Give `key` or, as older rule sets do, `name`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GrubParameterRemove {
    /// Name of the parameter.
    key: Option<Text>,
    /// The same as `key`.
    name: Option<Text>,
}

impl MechanismParameters for GrubParameterRemove {
    fn validate(&self) -> Result<(), ParamError> {
        match (&self.key, &self.name) {
            (Some(key), None) => allowed("key", key),
            (None, Some(name)) => allowed("name", name),
            _ => Err(ParamError::at("key", "needed, once")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("grub_parameter_remove", r#"{"key": "systemd.confirm_spawn"}"#);
        assert_takes("grub_parameter_remove", r#"{"name": "systemd.confirm_spawn"}"#);
        assert_refuses("grub_parameter_remove", "key", r#"{"key": "root"}"#);
        assert_refuses("grub_parameter_remove", "key", r#"{}"#);
    }
}
