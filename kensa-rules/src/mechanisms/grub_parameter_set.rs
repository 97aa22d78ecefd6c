//! `grub_parameter_set`: sets a kernel command line parameter.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<GrubParameterSet>("grub_parameter_set", "Sets a kernel command line parameter")
        .not_capturable();

/// A kernel command line parameter, tried by one boot before it becomes the default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GrubParameterSet {
    /// Name of the parameter.
    key: Text,
    /// The value.
    value: Text,
}

/// Parameters that harden a host and do not decide whether it boots.
const ALLOWED: [&str; 12] = [
    "audit",
    "audit_backlog_limit",
    "init_on_alloc",
    "init_on_free",
    "page_alloc.shuffle",
    "page_poison",
    "pti",
    "randomize_kstack_offset",
    "slab_nomerge",
    "slub_debug",
    "systemd.confirm_spawn",
    "vsyscall",
];

/// Whether the parameter may be changed.
pub(super) fn allowed(name: &str, key: &str) -> Result<(), ParamError> {
    if ALLOWED.contains(&key) {
        return Ok(());
    }
    Err(ParamError::at(name, format!("{key:?} is not changed; known: {}", ALLOWED.join(", "))))
}

impl MechanismParameters for GrubParameterSet {
    fn validate(&self) -> Result<(), ParamError> {
        allowed("key", &self.key)?;
        syntax::word("value", &self.value, "._,:=/+-", "a value for the kernel command line")
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("grub_parameter_set", r#"{"key": "audit", "value": 1}"#);
        assert_takes("grub_parameter_set", r#"{"key": "audit_backlog_limit", "value": "8192"}"#);
        assert_refuses("grub_parameter_set", "key", r#"{"key": "init", "value": "/bin/sh"}"#);
        assert_refuses("grub_parameter_set", "value", r#"{"key": "audit", "value": "1 init=/bin/sh"}"#);
        assert_refuses("grub_parameter_set", "value", r#"{"key": "audit", "value": ""}"#);
    }
}
