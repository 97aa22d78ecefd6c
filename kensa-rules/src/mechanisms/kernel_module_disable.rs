//! `kernel_module_disable`: keeps a kernel module from being loaded and unloads it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism = Mechanism::of::<KernelModuleDisable>(
    "kernel_module_disable",
    "Keeps a kernel module from being loaded and unloads it",
);

/// A kernel module that is blacklisted, replaced by a command that does nothing, and unloaded where possible.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KernelModuleDisable {
    /// Module name without path or suffix.
    name: Text,
}

impl MechanismParameters for KernelModuleDisable {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::module_name("name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("kernel_module_disable", r#"{"name": "usb-storage"}"#);
        assert_refuses("kernel_module_disable", "name", r#"{"name": "../usb"}"#);
        assert_refuses("kernel_module_disable", "name", r#"{"name": ""}"#);
    }
}
