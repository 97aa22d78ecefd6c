//! Check methods, one file each. A method is a struct of its parsed parameters that implements
//! [`Check`]; [`METHODS`] is the only list of them.

use kensa_core::Check;
use kensa_core::value::Params;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

mod apparmor_state;
mod audit_rule_exists;
mod command;
pub mod compare;
mod config_absent;
mod config_value;
mod dpkg_absent;
mod dpkg_installed;
mod file_absent;
mod file_content;
mod file_content_match;
mod file_content_no_match;
mod file_exists;
mod file_permission;
mod file_search;
mod grub_parameter;
mod kernel_module_state;
mod mount_option;
mod package_absent;
mod package_installed;
mod package_state;
mod pam_module;
mod pam_setting;
mod selinux_boolean;
mod selinux_state;
mod service_active;
mod service_enabled;
mod service_state;
mod set_compare;
mod sshd_effective_config;
mod sudo_defaults;
mod sudo_line_absent;
mod sysctl_value;
mod systemd_target;
#[cfg(test)]
pub(crate) mod testing;

use crate::params::{self, ParamError};

/// Every check method, in alphabetical order.
pub const METHODS: &[Method] = &[
    apparmor_state::METHOD,
    audit_rule_exists::METHOD,
    command::METHOD,
    config_absent::METHOD,
    config_value::METHOD,
    dpkg_absent::METHOD,
    dpkg_installed::METHOD,
    file_absent::METHOD,
    file_content::METHOD,
    file_content_match::METHOD,
    file_content_no_match::METHOD,
    file_exists::METHOD,
    file_permission::METHOD,
    file_search::METHOD,
    grub_parameter::METHOD,
    kernel_module_state::METHOD,
    mount_option::METHOD,
    package_absent::METHOD,
    package_installed::METHOD,
    package_state::METHOD,
    pam_module::METHOD,
    pam_setting::METHOD,
    selinux_boolean::METHOD,
    selinux_state::METHOD,
    service_active::METHOD,
    service_enabled::METHOD,
    service_state::METHOD,
    set_compare::METHOD,
    sshd_effective_config::METHOD,
    sudo_defaults::METHOD,
    sudo_line_absent::METHOD,
    sysctl_value::METHOD,
    systemd_target::METHOD,
];

/// One check method: its name, its parameters and how to build it.
#[derive(Clone, Copy)]
pub struct Method {
    /// Name in rule files.
    pub name: &'static str,
    /// Further names rule files may use.
    pub aliases: &'static [&'static str],
    /// One line: what it checks.
    pub summary: &'static str,
    /// JSON Schema of the parameters.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Builds the check from its parameters, variables already resolved.
    pub build: fn(&Params) -> Result<Box<dyn Check>, ParamError>,
}

/// What a check method's parameter struct has to be.
pub(crate) trait Parameters: Check + DeserializeOwned + JsonSchema + 'static {
    /// What serde cannot say: combinations, formats, empty conditions. An empty condition must not load.
    fn validate(&mut self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Method {
    /// The method called `name`, also by an alias.
    pub fn find(name: &str) -> Option<&'static Method> {
        METHODS.iter().find(|method| method.name == name || method.aliases.contains(&name))
    }

    pub(crate) const fn of<T: Parameters>(name: &'static str, summary: &'static str) -> Self {
        Self { name, aliases: &[], summary, schema: T::json_schema, build: build::<T> }
    }

    pub(crate) const fn with_aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
}

fn build<T: Parameters>(given: &Params) -> Result<Box<dyn Check>, ParamError> {
    let mut check: T = params::parse(given)?;
    check.validate()?;
    Ok(Box::new(check))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kensa_core::Reason;

    use super::*;

    #[test]
    fn the_list_and_the_folder_agree() {
        let shared = ["compare", "mod", "testing"];
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/methods");
        let files = std::fs::read_dir(folder).expect("the folder is there").map(|entry| {
            let name = entry.expect("an entry").file_name().into_string().expect("a text");
            name.trim_end_matches(".rs").to_owned()
        });
        let files: BTreeSet<String> = files.filter(|name| !shared.contains(&name.as_str())).collect();
        let listed: Vec<String> = METHODS.iter().map(|method| method.name.to_owned()).collect();
        assert_eq!(listed, files.into_iter().collect::<Vec<_>>(), "one file each, in alphabetical order");
    }

    #[test]
    fn no_name_has_two_meanings_and_every_parameter_is_documented() {
        let mut names = BTreeSet::new();
        for method in METHODS {
            for name in std::iter::once(&method.name).chain(method.aliases) {
                assert!(names.insert(*name), "{name} is taken twice");
            }
            let schema = (method.schema)(&mut SchemaGenerator::default());
            let schema = serde_json::to_value(&schema).expect("a schema is JSON");
            assert!(schema["description"].is_string(), "{} has no description", method.name);
            assert_eq!(schema["additionalProperties"], false, "{} takes anything", method.name);
            let properties = schema["properties"].as_object().expect("parameters");
            for (key, property) in properties {
                assert!(property["description"].is_string(), "{}.{key} has no description", method.name);
            }
        }
    }

    /// Whatever machine the tests run on: its answers are understood, or the reason says what is missing.
    #[test]
    fn the_answers_of_a_real_machine_are_understood() {
        let cases = [
            ("apparmor_state", r#"{}"#),
            ("audit_rule_exists", r#"{"rule": "-w /etc/passwd -p wa", "source": "both"}"#),
            ("command", r#"{"run": "test -d /"}"#),
            ("config_absent", r#"{"path": "/etc/login.defs", "key": "NO_SUCH_KEY"}"#),
            (
                "config_value",
                r#"{"path": "/etc/login.defs", "key": "PASS_MAX_DAYS", "expected": 365, "comparator": "<="}"#,
            ),
            ("dpkg_absent", r#"{"name": "no-such-package"}"#),
            ("dpkg_installed", r#"{"name": "dpkg"}"#),
            ("file_absent", r#"{"path": "/no/such/path"}"#),
            ("file_content", r#"{"path": "/etc/passwd", "expected_content": "root:x:0:0:"}"#),
            ("file_content_match", r#"{"path": "/etc/passwd", "pattern": "^root:"}"#),
            ("file_content_no_match", r#"{"path": "/etc/passwd", "pattern": "^nobody-such:"}"#),
            ("file_exists", r#"{"path": "/etc/passwd"}"#),
            ("file_permission", r#"{"path": "/etc/passwd", "max_mode": "0644", "owner": "root"}"#),
            ("file_search", r#"{"under": "/etc/ssh", "kind": "file", "mode_all": "0002"}"#),
            ("grub_parameter", r#"{"key": "audit", "expected": "1"}"#),
            ("kernel_module_state", r#"{"name": "no-such-module"}"#),
            ("kernel_module_state", r#"{"name": "usb-storage", "state": "blacklisted"}"#),
            ("mount_option", r#"{"mount_point": "/proc", "options": ["nosuid"], "fstab": true}"#),
            ("package_absent", r#"{"name": "no-such-package"}"#),
            ("package_installed", r#"{"name": "dpkg"}"#),
            ("package_state", r#"{"name": "dpkg"}"#),
            ("pam_module", r#"{"service": "login", "type": "auth", "module": "pam_unix.so"}"#),
            (
                "pam_setting",
                r#"{"services": "login", "type": "auth", "module": "pam_unix.so", "key": "nullok", "expected": ""}"#,
            ),
            ("selinux_boolean", r#"{"name": "ssh_sysadm_login", "value": "off"}"#),
            ("selinux_state", r#"{"state": "enforcing", "persistent": true}"#),
            ("service_active", r#"{"name": "no-such-unit"}"#),
            ("service_enabled", r#"{"name": "no-such-unit"}"#),
            ("service_state", r#"{"name": "no-such-unit", "enabled": false}"#),
            ("set_compare", r#"{"observed_command": "cut -d: -f1 /etc/passwd", "authorized": "root"}"#),
            ("sshd_effective_config", r#"{"key": "PermitEmptyPasswords", "expected": "no"}"#),
            ("sudo_defaults", r#"{"option": "use_pty", "expected": "true"}"#),
            ("sudo_line_absent", r#"{"pattern": "NOPASSWD"}"#),
            ("sysctl_value", r#"{"key": "kernel.ostype", "expected": "Linux", "persistent": true}"#),
            ("systemd_target", r#"{"not_expected": "graphical.target"}"#),
        ];
        let tried: BTreeSet<&str> = cases.iter().map(|(method, _)| *method).collect();
        assert_eq!(tried, METHODS.iter().map(|method| method.name).collect(), "every method is tried");
        for (method, params) in cases {
            let judged = testing::judge_here(method, params);
            let missing = [
                None,
                Some(Reason::PermissionDenied),
                Some(Reason::ToolMissing),
                Some(Reason::ServiceUnavailable),
                Some(Reason::CommandFailed),
            ];
            assert!(missing.contains(&judged.reason()), "{method} {params}: {judged:?}");
        }
    }
}
