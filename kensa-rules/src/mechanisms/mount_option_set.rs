//! `mount_option_set`: adds mount options to fstab and remounts.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<MountOptionSet>("mount_option_set", "Adds mount options to fstab and remounts");

/// Options that a mount point's line in `/etc/fstab` gets where they are missing; the file system is remounted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MountOptionSet {
    /// Absolute path of the mount point.
    mount_point: Text,
    /// Options: a list, or text with commas.
    options: Texts,
}

impl MechanismParameters for MountOptionSet {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::absolute_path("mount_point", &self.mount_point)?;
        let mut options = self.options.0.iter().flat_map(|text| text.split(',')).map(str::trim).peekable();
        if options.peek().is_none() {
            return Err(ParamError::at("options", "there is none"));
        }
        options.try_for_each(|option| syntax::word("options", option, "._-=:/@%+", "a mount option"))
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("mount_option_set", r#"{"mount_point": "/tmp", "options": ["nodev", "nosuid"]}"#);
        assert_takes("mount_option_set", r#"{"mount_point": "/tmp", "options": "nodev,size=2g"}"#);
        assert_refuses("mount_option_set", "options", r#"{"mount_point": "/tmp", "options": []}"#);
        assert_refuses("mount_option_set", "options", r#"{"mount_point": "/tmp", "options": "nodev,,x"}"#);
        assert_refuses("mount_option_set", "options", r#"{"mount_point": "/tmp", "options": "a b"}"#);
        assert_refuses("mount_option_set", "mount_point", r#"{"mount_point": "tmp", "options": "nodev"}"#);
    }
}
