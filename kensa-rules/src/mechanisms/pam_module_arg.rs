//! `pam_module_arg`: adds an argument to a PAM module, or removes it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::pam_module_configure::Kind;
use super::{Mechanism, MechanismParameters};
use crate::methods::compare::demand_regex;
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<PamModuleArg>("pam_module_arg", "Adds an argument to a PAM module, or removes it")
        .risking_lockout();

/// An argument of a PAM module in some files: `ensure` puts it on every line of the module, `remove` takes it
/// off every line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PamModuleArg {
    /// Module, such as `pam_unix.so`.
    module: Text,
    /// What to do.
    action: Action,
    /// The argument; with `arg_regex`, a regular expression for it.
    arg: Text,
    /// Absolute paths of the files.
    files: Texts,
    /// Only lines of this stack.
    #[serde(rename = "type")]
    kind: Option<Kind>,
    /// `arg` is a regular expression; only for `remove`.
    #[serde(default)]
    arg_regex: bool,
}

/// What to do with the argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    /// Put it on every line.
    Ensure,
    /// Take it off every line.
    Remove,
}

impl MechanismParameters for PamModuleArg {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::word("module", &self.module, "._-/", "a PAM module")?;
        if self.files.0.is_empty() {
            return Err(ParamError::at("files", "there is none"));
        }
        self.files.0.iter().try_for_each(|path| syntax::absolute_path("files", path))?;
        syntax::line("arg", &self.arg)?;
        if self.arg_regex {
            demand_regex(&self.arg, "arg", false)?;
            if self.action == Action::Ensure {
                return Err(ParamError::at("arg_regex", "a regular expression cannot be put on a line"));
            }
        } else if self.arg.contains([' ', '\t', '#']) {
            return Err(ParamError::at("arg", "is more than one argument"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes(
            "pam_module_arg",
            r#"{"module": "pam_unix.so", "action": "remove", "arg": "nullok", "files": ["/etc/pam.d/system-auth"]}"#,
        );
        assert_takes(
            "pam_module_arg",
            r#"{"module": "pam_unix", "action": "remove", "arg": "remember=[0-9]+", "arg_regex": true, "files": "/etc/pam.d/x", "type": "password"}"#,
        );
        assert_refuses(
            "pam_module_arg",
            "files",
            r#"{"module": "a", "action": "ensure", "arg": "b", "files": ["system-auth"]}"#,
        );
        assert_refuses(
            "pam_module_arg",
            "arg",
            r#"{"module": "a", "action": "ensure", "arg": "b c", "files": "/x"}"#,
        );
        assert_refuses(
            "pam_module_arg",
            "action",
            r#"{"module": "a", "action": "add", "arg": "b", "files": "/x"}"#,
        );
        assert_refuses(
            "pam_module_arg",
            "arg",
            r#"{"module": "a", "action": "remove", "arg": "(", "arg_regex": true, "files": "/x"}"#,
        );
        assert_refuses(
            "pam_module_arg",
            "arg_regex",
            r#"{"module": "a", "action": "ensure", "arg": "b", "arg_regex": true, "files": "/x"}"#,
        );
    }
}
