//! `sshd_effective_config`: a setting the SSH server would use.

use std::collections::BTreeSet;

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<SshdEffectiveConfig>(
    "sshd_effective_config",
    "A setting the SSH server would use, includes and defaults resolved, compares as wanted",
);

/// A setting of the SSH server as `sshd -T` resolves it. Upper and lower case are the same.
///
/// A keyword that may be given several times has all its values, joined by commas. The lists of
/// algorithms, users and addresses are equal when they hold the same members in any order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SshdEffectiveConfig {
    /// Keyword of sshd_config(5).
    key: Text,
    /// The value wanted.
    expected: Text,
    /// How to compare.
    #[serde(default)]
    comparator: Comparator,
    /// Values that never pass.
    #[serde(default)]
    refuse: Vec<Text>,
    /// The value in force when `sshd -T` does not print the keyword; without it that fails.
    default: Option<Text>,
    /// Connection to resolve `Match` blocks for, such as `user=root,host=x,addr=192.0.2.1`; without it
    /// they are left out.
    connection: Option<Text>,
}

/// Keywords whose value is a set.
const SETS: [&str; 18] = [
    "acceptenv",
    "allowgroups",
    "allowusers",
    "casignaturealgorithms",
    "ciphers",
    "denygroups",
    "denyusers",
    "gssapikexalgorithms",
    "hostbasedacceptedalgorithms",
    "hostbasedacceptedkeytypes",
    "hostkey",
    "hostkeyalgorithms",
    "kexalgorithms",
    "listenaddress",
    "macs",
    "port",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
];

/// Old and new name of one keyword; a server prints the one it knows, some print both.
const SYNONYMS: [(&str, &str); 3] = [
    ("challengeresponseauthentication", "kbdinteractiveauthentication"),
    ("hostbasedacceptedkeytypes", "hostbasedacceptedalgorithms"),
    ("pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"),
];

/// Other name of the keyword.
fn synonym(key: &str) -> Option<&'static str> {
    SYNONYMS.iter().find_map(|(old, new)| match key {
        key if key == *old => Some(*new),
        key if key == *new => Some(*old),
        _ => None,
    })
}

/// The value with the older of two names for the same thing.
fn canonical(value: &str) -> String {
    let word = |word: &str| match word.trim() {
        word if word.eq_ignore_ascii_case("prohibit-password") => "without-password".to_owned(),
        word => word.to_owned(),
    };
    value.split(',').map(word).collect::<Vec<_>>().join(",")
}

/// Members of a list, in a fixed order.
fn as_set(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    let members: BTreeSet<&str> = lower.split([',', ' ', '\t']).filter(|member| !member.is_empty()).collect();
    members.into_iter().collect::<Vec<_>>().join(",")
}

impl SshdEffectiveConfig {
    fn probe(&self) -> Probe {
        Probe::SshdConfig { connection: self.connection.as_ref().map(|connection| connection.0.clone()) }
    }

    fn keyword(&self) -> String {
        self.key.trim().to_ascii_lowercase()
    }

    /// The comparison as written, for messages and validation.
    fn comparison<'a>(&'a self, expected: &'a str, refuse: &'a [Text]) -> Comparison<'a> {
        Comparison { expected, comparator: self.comparator, refuse, unlimited: &[], ignore_case: true }
    }

    fn holds(&self, value: &str) -> Result<bool, JudgeError> {
        let equality = matches!(self.comparator, Comparator::Equal | Comparator::NotEqual);
        let normal = |value: &str| match value {
            value if equality && SETS.contains(&self.keyword().as_str()) => as_set(value),
            value if self.comparator == Comparator::Matches => value.to_owned(),
            value => canonical(value),
        };
        let refuse: Vec<Text> = self.refuse.iter().map(|refused| Text(normal(refused))).collect();
        let (expected, value) = (normal(&self.expected), normal(value));
        Ok(self.comparison(&expected, &refuse).holds(&value)?)
    }

    /// The value of the keyword, by either of its names.
    fn value(&self, settings: &[(String, String)]) -> Option<String> {
        let key = self.keyword();
        let named = |name: &str| {
            let values: Vec<&str> =
                settings.iter().filter(|(k, _)| k == name).map(|(_, v)| v.as_str()).collect();
            (!values.is_empty()).then(|| values.join(","))
        };
        named(&key).or_else(|| synonym(&key).and_then(named))
    }
}

impl Parameters for SshdEffectiveConfig {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::word("key", self.key.trim(), "", "a keyword of sshd_config")?;
        if let Some(connection) = &self.connection {
            let known = ["user", "host", "addr", "laddr", "lport", "rdomain"];
            let pair = |part: &str| {
                part.split_once('=').is_some_and(|(key, value)| known.contains(&key) && !value.is_empty())
            };
            if connection.contains(|c: char| c.is_whitespace() || c.is_control())
                || !connection.split(',').all(pair)
            {
                let message = format!("not a list of NAME=VALUE with names among {}", known.join(", "));
                return Err(ParamError::at("connection", message));
            }
        }
        self.comparison(&self.expected, &self.refuse).validate()
    }
}

impl Check for SshdEffectiveConfig {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![self.probe()]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let settings = got.sshd_config(self.connection.as_deref())?;
        let wanted = self.comparison(&self.expected, &self.refuse).wanted();
        let printed = self.value(&settings);
        let Some(value) = printed.clone().or_else(|| self.default.as_deref().map(str::to_owned)) else {
            let detail =
                format!("sshd -T does not print {}, so it is not in force; wanted {wanted}", self.key);
            return Ok(Verdict::new(false, wanted, "not set", detail));
        };
        let origin = if printed.is_some() { "" } else { " by default" };
        let detail = format!("{} is {value}{origin}; wanted {wanted}", self.key);
        Ok(Verdict::new(self.holds(&value)?, wanted, value, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const DUMP: &str = "port 22\nport 2222\npermitrootlogin without-password\nciphers aes256-ctr,aes128-ctr\n\
        kbdinteractiveauthentication no\nacceptenv LANG\nacceptenv LC_*\nmaxauthtries 4\nbanner /etc/issue.net\n";

    fn passed(params: &str) -> Option<bool> {
        let probe = Probe::SshdConfig { connection: None };
        judge(Case::new("sshd_effective_config", params).says(&probe, 0, DUMP, "")).passed()
    }

    #[test]
    fn keyword_and_value_in_any_case() {
        assert_eq!(passed(r#"{"key": "MaxAuthTries", "expected": 4}"#), Some(true));
        assert_eq!(passed(r#"{"key": "maxauthtries", "expected": "3", "comparator": "<="}"#), Some(false));
        assert_eq!(passed(r#"{"key": "Banner", "expected": "/ETC/issue.net"}"#), Some(true));
        assert_eq!(
            passed(r#"{"key": "maxauthtries", "expected": 6, "comparator": "<=", "refuse": [4]}"#),
            Some(false)
        );
    }

    #[test]
    fn old_and_new_names_are_one() {
        assert_eq!(passed(r#"{"key": "PermitRootLogin", "expected": "prohibit-password"}"#), Some(true));
        let either = r#"{"key": "PermitRootLogin", "expected": "no, prohibit-password", "comparator": "in"}"#;
        assert_eq!(passed(either), Some(true));
        assert_eq!(passed(r#"{"key": "ChallengeResponseAuthentication", "expected": "no"}"#), Some(true));
    }

    #[test]
    fn lists_are_sets_and_repeated_keywords_are_joined() {
        assert_eq!(passed(r#"{"key": "ciphers", "expected": "aes128-ctr,AES256-ctr"}"#), Some(true));
        assert_eq!(passed(r#"{"key": "ciphers", "expected": "aes256-ctr"}"#), Some(false));
        assert_eq!(passed(r#"{"key": "port", "expected": "22"}"#), Some(false));
        assert_eq!(passed(r#"{"key": "acceptenv", "expected": "LC_*,LANG"}"#), Some(true));
        let subset = r#"{"key": "ciphers", "expected": "aes256-ctr,aes128-ctr,x", "comparator": "subset"}"#;
        assert_eq!(passed(subset), Some(true));
    }

    #[test]
    fn a_keyword_that_is_not_printed_fails_unless_its_default_is_given() {
        assert_eq!(passed(r#"{"key": "denyusers", "expected": "root"}"#), Some(false));
        assert_eq!(passed(r#"{"key": "denyusers", "expected": "root", "comparator": "!="}"#), Some(false));
        assert_eq!(passed(r#"{"key": "usedns", "expected": "no", "default": "no"}"#), Some(true));
    }

    #[test]
    fn match_blocks_are_resolved_for_a_connection() {
        let probe = Probe::SshdConfig { connection: Some("user=root,addr=192.0.2.1".to_owned()) };
        let params = r#"{"key": "maxauthtries", "expected": 4, "connection": "user=root,addr=192.0.2.1"}"#;
        let case = Case::new("sshd_effective_config", params).says(&probe, 0, DUMP, "");
        assert_eq!(judge(case).passed(), Some(true));
        assert_refused("sshd_effective_config", &params.replace("user=", "usr="));
    }

    #[test]
    fn never_guesses() {
        let probe = Probe::SshdConfig { connection: None };
        let case = Case::new("sshd_effective_config", r#"{"key": "usedns", "expected": "no"}"#);
        assert_never_guesses(&case.clone().says(&probe, 0, DUMP, ""), &probe);
        let broken =
            case.says(&probe, 255, "", "/etc/ssh/sshd_config: terminating, 1 bad configuration options\n");
        assert_eq!(judge(broken).reason(), Some(Reason::CommandFailed));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("sshd_effective_config", r#"{"key": "port"}"#);
        assert_refused("sshd_effective_config", r#"{"key": "", "expected": "x"}"#);
    }
}
