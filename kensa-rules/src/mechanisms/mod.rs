//! Remediation mechanisms, one file each. A mechanism is a struct of its parsed parameters;
//! [`MECHANISMS`] is the only list of them.
#![expect(dead_code, reason = "actions are not computed from the parameters yet; they are only checked")]

use kensa_core::value::Params;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

mod apt_absent;
mod apt_present;
mod audit_rule_set;
mod authselect_feature_enable;
mod command_exec;
mod config_append;
mod config_block;
mod config_remove;
mod config_set;
mod config_set_dropin;
mod cron_job;
mod crypto_policy_set;
mod crypto_policy_subpolicy;
mod dconf_set;
mod file_absent;
mod file_content;
mod file_permissions;
mod grub_parameter_remove;
mod grub_parameter_set;
mod kernel_module_disable;
mod manual;
mod mount_option_set;
mod package_absent;
mod package_present;
mod pam_module_arg;
mod pam_module_configure;
mod selinux_boolean_set;
mod service_disabled;
mod service_enabled;
mod service_masked;
mod sysctl_set;
#[cfg(test)]
pub(crate) mod testing;

use crate::params::{self, ParamError};

/// Every mechanism, in alphabetical order.
pub const MECHANISMS: &[Mechanism] = &[
    apt_absent::MECHANISM,
    apt_present::MECHANISM,
    audit_rule_set::MECHANISM,
    authselect_feature_enable::MECHANISM,
    command_exec::MECHANISM,
    config_append::MECHANISM,
    config_block::MECHANISM,
    config_remove::MECHANISM,
    config_set::MECHANISM,
    config_set_dropin::MECHANISM,
    cron_job::MECHANISM,
    crypto_policy_set::MECHANISM,
    crypto_policy_subpolicy::MECHANISM,
    dconf_set::MECHANISM,
    file_absent::MECHANISM,
    file_content::MECHANISM,
    file_permissions::MECHANISM,
    grub_parameter_remove::MECHANISM,
    grub_parameter_set::MECHANISM,
    kernel_module_disable::MECHANISM,
    manual::MECHANISM,
    mount_option_set::MECHANISM,
    package_absent::MECHANISM,
    package_present::MECHANISM,
    pam_module_arg::MECHANISM,
    pam_module_configure::MECHANISM,
    selinux_boolean_set::MECHANISM,
    service_disabled::MECHANISM,
    service_enabled::MECHANISM,
    service_masked::MECHANISM,
    sysctl_set::MECHANISM,
];

/// One mechanism: its name, its parameters and what kind of change it makes.
#[derive(Clone, Copy)]
pub struct Mechanism {
    /// Name in rule files.
    pub name: &'static str,
    /// Further names rule files may use.
    pub aliases: &'static [&'static str],
    /// One line: what it changes.
    pub summary: &'static str,
    /// Whether the state before the change can be captured, and so restored.
    pub capturable: bool,
    /// Whether the change can cut off the session that makes it, so that a way back must not depend on it.
    pub lockout_risk: bool,
    /// JSON Schema of the parameters.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Whether the parameters fit, variables already resolved.
    pub validate: fn(&Params) -> Result<(), ParamError>,
}

/// What a mechanism's parameter struct has to be.
pub(crate) trait MechanismParameters: DeserializeOwned + JsonSchema {
    /// What serde cannot say: formats, combinations, and that nothing can break out of the file or the
    /// command line it ends up in.
    fn validate(&self) -> Result<(), ParamError>;
}

impl Mechanism {
    /// The mechanism called `name`, also by an alias.
    pub fn find(name: &str) -> Option<&'static Mechanism> {
        MECHANISMS.iter().find(|mechanism| mechanism.name == name || mechanism.aliases.contains(&name))
    }

    /// A mechanism whose effect can be captured and that cannot cut off the session.
    pub(crate) const fn of<T: MechanismParameters>(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            summary,
            capturable: true,
            lockout_risk: false,
            schema: T::json_schema,
            validate: validate::<T>,
        }
    }

    /// The same, but the state before cannot be captured.
    pub(crate) const fn not_capturable(mut self) -> Self {
        self.capturable = false;
        self
    }

    /// The same, but it can cut off the session.
    pub(crate) const fn risking_lockout(mut self) -> Self {
        self.lockout_risk = true;
        self
    }
}

fn validate<T: MechanismParameters>(given: &Params) -> Result<(), ParamError> {
    params::parse::<T>(given)?.validate()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_and_the_folder_agree() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/mechanisms");
        let files = std::fs::read_dir(folder).expect("the folder is there").map(|entry| {
            let name = entry.expect("an entry").file_name().into_string().expect("a text");
            name.trim_end_matches(".rs").to_owned()
        });
        let files: BTreeSet<String> =
            files.filter(|name| !["mod", "testing"].contains(&name.as_str())).collect();
        let listed: Vec<String> = MECHANISMS.iter().map(|mechanism| mechanism.name.to_owned()).collect();
        assert_eq!(listed, files.into_iter().collect::<Vec<_>>(), "one file each, in alphabetical order");
    }

    #[test]
    fn no_name_has_two_meanings_and_every_parameter_is_documented() {
        let mut names = BTreeSet::new();
        for mechanism in MECHANISMS {
            for name in std::iter::once(&mechanism.name).chain(mechanism.aliases) {
                assert!(names.insert(*name), "{name} is taken twice");
            }
            let schema = (mechanism.schema)(&mut SchemaGenerator::default());
            let schema = serde_json::to_value(&schema).expect("a schema is JSON");
            assert!(schema["description"].is_string(), "{} has no description", mechanism.name);
            assert_eq!(schema["additionalProperties"], false, "{} takes anything", mechanism.name);
            for (key, property) in schema["properties"].as_object().expect("parameters") {
                assert!(property["description"].is_string(), "{}.{key} has no description", mechanism.name);
            }
        }
    }

    #[test]
    fn what_can_be_undone_and_what_can_lock_out() {
        let with = |choose: fn(&Mechanism) -> bool| -> Vec<&str> {
            MECHANISMS.iter().filter(|mechanism| choose(mechanism)).map(|mechanism| mechanism.name).collect()
        };
        assert_eq!(
            with(|mechanism| !mechanism.capturable),
            [
                "command_exec",
                "crypto_policy_subpolicy",
                "grub_parameter_remove",
                "grub_parameter_set",
                "manual"
            ]
        );
        assert_eq!(
            with(|mechanism| mechanism.lockout_risk),
            [
                "apt_absent",
                "authselect_feature_enable",
                "command_exec",
                "crypto_policy_set",
                "crypto_policy_subpolicy",
                "package_absent",
                "pam_module_arg",
                "pam_module_configure",
                "service_disabled",
                "service_enabled",
                "service_masked",
            ]
        );
    }
}
