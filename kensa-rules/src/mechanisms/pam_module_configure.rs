//! `pam_module_configure`: puts a module into the PAM stack of a service.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const MECHANISM: Mechanism = Mechanism::of::<PamModuleConfigure>(
    "pam_module_configure",
    "Puts a module into the PAM stack of a service",
)
.risking_lockout();

/// A module's line in `/etc/pam.d/SERVICE`; lines of the same stack with that module are replaced whole.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PamModuleConfigure {
    /// File name in `/etc/pam.d`.
    service: Text,
    /// Module, such as `pam_wheel.so`.
    module: Text,
    /// The stack.
    #[serde(rename = "type")]
    kind: Kind,
    /// Control, a word or in brackets.
    control: Text,
    /// Arguments: a list, or text with blanks.
    #[serde(default)]
    args: Texts,
}

/// A stack of PAM.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Who the user is.
    Auth,
    /// Whether the user may.
    Account,
    /// Changing the password.
    Password,
    /// Before and after the session.
    Session,
}

impl MechanismParameters for PamModuleConfigure {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::component("service", &self.service)?;
        syntax::word("module", &self.module, "._-/", "a PAM module")?;
        let words = ["required", "requisite", "sufficient", "optional", "include", "substack"];
        let bracketed =
            self.control.starts_with('[') && self.control.ends_with(']') && !self.control.contains('#');
        if !bracketed && !words.contains(&&*self.control) {
            let message = format!("needed: one of {}, or [value=action …]", words.join(", "));
            return Err(ParamError::at("control", message));
        }
        syntax::no_control("control", &self.control)?;
        self.args.0.iter().try_for_each(|arg| syntax::no_control("args", arg))
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes(
            "pam_module_configure",
            r#"{"service": "su", "module": "pam_wheel.so", "type": "auth", "control": "required", "args": "use_uid group=sugroup"}"#,
        );
        assert_takes(
            "pam_module_configure",
            r#"{"service": "x", "module": "pam_unix.so", "type": "auth", "control": "[success=1 default=ignore]"}"#,
        );
        assert_refuses(
            "pam_module_configure",
            "service",
            r#"{"service": "../passwd", "module": "a", "type": "auth", "control": "required"}"#,
        );
        assert_refuses(
            "pam_module_configure",
            "control",
            r#"{"service": "su", "module": "a", "type": "auth", "control": "maybe"}"#,
        );
        assert_refuses(
            "pam_module_configure",
            "type",
            r#"{"service": "su", "module": "a", "type": "login", "control": "required"}"#,
        );
        assert_refuses(
            "pam_module_configure",
            "args",
            r#"{"service": "su", "module": "a", "type": "auth", "control": "required", "args": "a\nb"}"#,
        );
    }
}
