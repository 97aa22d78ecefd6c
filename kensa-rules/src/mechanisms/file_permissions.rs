//! `file_permissions`: sets mode, owner and group of paths.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<FilePermissions>("file_permissions", "Sets mode, owner and group of paths");

/// Mode, owner, group and SELinux context of one path, of all paths a pattern matches, or of all that `find`
/// lists. At least one attribute is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FilePermissions {
    /// Absolute path; with `glob`, a pattern.
    path: Option<Text>,
    /// `path` is a pattern; every path it matches is changed.
    #[serde(default)]
    glob: bool,
    /// Directories to search, in place of `path`.
    find_paths: Option<Texts>,
    /// What to search for: `f` files, `d` directories.
    find_type: Option<FindType>,
    /// Pattern of the names to search for.
    find_name: Option<Text>,
    /// Further tests for `find`; nothing that acts.
    find_args: Option<Text>,
    /// Owner, by name or number.
    owner: Option<Text>,
    /// Group, by name or number.
    group: Option<Text>,
    /// Mode, octal or symbolic.
    mode: Option<Text>,
    /// SELinux context.
    selinux_context: Option<Text>,
}

/// What `find` looks for.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum FindType {
    /// Files.
    #[serde(rename = "f")]
    File,
    /// Directories.
    #[serde(rename = "d")]
    Directory,
}

/// Text for `find` that can only test: no action, nothing a shell would act on.
fn tests_only(key: &str, text: &str) -> Result<(), ParamError> {
    syntax::no_control(key, text)?;
    if text.contains([';', '|', '&', '$', '`', '<', '>']) {
        return Err(ParamError::at(key, "holds a character with a meaning to the shell"));
    }
    let acts = |word: &&str| {
        ["-delete", "-exec", "-ok", "-fprint", "-fls"].iter().any(|action| word.starts_with(action))
    };
    match text.split_whitespace().find(acts) {
        Some(action) => Err(ParamError::at(key, format!("{action} acts; only tests are allowed"))),
        None => Ok(()),
    }
}

impl MechanismParameters for FilePermissions {
    fn validate(&self) -> Result<(), ParamError> {
        match (&self.path, &self.find_paths) {
            (Some(path), None) => syntax::absolute_path("path", path)?,
            (None, Some(paths)) if !paths.0.is_empty() && !self.glob => {
                paths.0.iter().try_for_each(|path| syntax::absolute_path("find_paths", path))?;
            }
            _ => return Err(ParamError::at("path", "needed: path or find_paths, one of them")),
        }
        let searching = self.find_type.is_some() || self.find_name.is_some() || self.find_args.is_some();
        if self.path.is_some() && searching {
            return Err(ParamError::at("find_paths", "find_type, find_name and find_args need find_paths"));
        }
        if [&self.owner, &self.group, &self.mode, &self.selinux_context].iter().all(|given| given.is_none()) {
            return Err(ParamError::whole("nothing to set: give owner, group, mode or selinux_context"));
        }
        syntax::optional("find_name", self.find_name.as_ref(), syntax::line)?;
        syntax::optional("find_args", self.find_args.as_ref(), tests_only)?;
        syntax::optional("owner", self.owner.as_ref(), syntax::account)?;
        syntax::optional("group", self.group.as_ref(), syntax::account)?;
        syntax::optional("mode", self.mode.as_ref(), syntax::mode)?;
        let context = |key: &str, text: &str| syntax::word(key, text, "_:.,-", "an SELinux context");
        syntax::optional("selinux_context", self.selinux_context.as_ref(), context)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("file_permissions", r#"{"path": "/etc/shadow", "mode": "0000", "owner": "root"}"#);
        assert_takes("file_permissions", r#"{"path": "/etc/ssh/*_key", "glob": true, "mode": "0600"}"#);
        assert_takes(
            "file_permissions",
            r#"{"find_paths": ["/var/log"], "find_type": "f", "find_args": "-perm /0137 ! -name wtmp", "mode": "u-x,g-wx,o-rwx"}"#,
        );
        assert_refuses("file_permissions", "path", r#"{"mode": "0600"}"#);
        assert_refuses("file_permissions", "path", r#"{"path": "/x", "find_paths": "/y", "mode": "0600"}"#);
        assert_refuses("file_permissions", "", r#"{"path": "/x"}"#);
        assert_refuses(
            "file_permissions",
            "find_args",
            r#"{"find_paths": "/x", "find_args": "-type f -delete", "mode": "0600"}"#,
        );
        assert_refuses(
            "file_permissions",
            "find_args",
            r#"{"find_paths": "/x", "find_args": "; id", "mode": "0600"}"#,
        );
        assert_refuses(
            "file_permissions",
            "find_paths",
            r#"{"path": "/x", "find_type": "f", "mode": "0600"}"#,
        );
        assert_refuses("file_permissions", "mode", r#"{"path": "/x", "mode": "rw"}"#);
    }
}
