//! Configuration files of a host: which files count, in which order, and what they say.

pub(crate) mod audit_rule;
pub(crate) mod dropins;
pub(crate) mod kernel_command_line;
pub(crate) mod modprobe;
pub(crate) mod mounts;
pub(crate) mod pam;
pub(crate) mod pattern;
pub(crate) mod setting_files;
pub(crate) mod settings;
pub(crate) mod sshd_files;
pub(crate) mod sudoers;
pub(crate) mod sysctl_files;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kensa_core::{Output, Outputs, Probe};
    use proptest::prelude::*;

    use super::*;

    /// One file with this text.
    fn host(path: &str, text: &str) -> Outputs {
        let probe = Probe::read(path);
        let output = Output::new(probe.command(), 0, text.as_bytes(), b"");
        [(probe, Ok(Arc::new(output)))].into_iter().collect()
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(
            text in r#"([ \t\n=:#;"'\[\]\\*?!,<>&/$@{}-]|[a-f0-9]|-[wapFSCk]|é|auth |options |install |include ){0,60}"#,
            key in "[a-f=é. ]{0,4}",
        ) {
            let settings_key = settings::Key {
                name: &key,
                ignore_case: true,
                delimiter: settings::Delimiter::new(None),
                section: Some("a"),
                comments: true,
            };
            for setting in settings::occurrences("/f", &text, &settings_key) {
                prop_assert!(!setting.value.contains('\n'));
            }
            let _ = pattern::matches(&text, &key);
            let _ = audit_rule::AuditRule::parse(&text);
            let _ = kernel_command_line::value(&kernel_command_line::tokens(&text), &key);
            let _ = pam::stack(&host("/etc/pam.d/x", &text), "x", "auth");
            let _ = pam::follow_up(&host("/etc/pam.d/x", &text), "x");
            let _ = mounts::mounted_options(&host(mounts::MOUNTINFO, &text), "/");
            let _ = mounts::fstab_options(&host(mounts::FSTAB, &text), "/");
            let _ = modprobe::is_loaded(&host(modprobe::PROC_MODULES, &text), &key);
        }

        #[test]
        fn a_literal_pattern_matches_only_itself(name in "[a-z.-]{0,12}", other in "[a-z.-]{0,12}") {
            prop_assert!(pattern::matches(&name, &name));
            prop_assert_eq!(pattern::matches(&name, &other), name == other);
            let (begun, longer) = (name.clone() + "*", name + &other);
            prop_assert!(pattern::matches(&begun, &longer));
        }
    }
}
