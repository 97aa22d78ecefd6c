//! `sysctl_set`: sets a kernel parameter, now and at boot.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<SysctlSet>("sysctl_set", "Sets a kernel parameter, now and at boot");

/// A kernel parameter's value, set now and, by a file of its own, at boot.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SysctlSet {
    /// Key with dots.
    key: Text,
    /// The value.
    value: Text,
    /// The file that sets it at boot; by default `/etc/sysctl.d/99-kensa_KEY.conf`.
    persist_file: Option<Text>,
}

impl MechanismParameters for SysctlSet {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::sysctl_key("key", &self.key)?;
        syntax::line("value", &self.value)?;
        syntax::optional("persist_file", self.persist_file.as_ref(), syntax::absolute_path)?;
        if self.persist_file.as_ref().is_some_and(|path| !path.ends_with(".conf")) {
            return Err(ParamError::at("persist_file", "only names that end in .conf are read at boot"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("sysctl_set", r#"{"key": "net.ipv4.ip_forward", "value": 0}"#);
        assert_takes(
            "sysctl_set",
            r#"{"key": "kernel.core_pattern", "value": "|/bin/false", "persist_file": "/etc/sysctl.d/60-core.conf"}"#,
        );
        assert_refuses("sysctl_set", "key", r#"{"key": "a b", "value": "0"}"#);
        assert_refuses("sysctl_set", "value", r#"{"key": "a.b", "value": ""}"#);
        assert_refuses("sysctl_set", "value", r#"{"key": "a.b", "value": "0\nc.d=1"}"#);
        assert_refuses(
            "sysctl_set",
            "persist_file",
            r#"{"key": "a.b", "value": "0", "persist_file": "/etc/sysctl.d/x"}"#,
        );
    }
}
