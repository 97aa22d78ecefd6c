//! `sshd_effective_config`: a setting the SSH server would use.

use std::collections::BTreeSet;

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Source, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::{Method, Parameters};
use crate::host_files::sshd_files::{self, SshdLine};
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<SshdEffectiveConfig>(
    "sshd_effective_config",
    "A setting the SSH server would use, includes and defaults resolved, compares as wanted",
);

/// A setting of the SSH server as `sshd -T` resolves it, and in every `Match` block that sets it. Upper and lower
/// case are the same.
///
/// What the running server was given on its command line outweighs the files. A keyword that may be given several
/// times has all its values, joined by commas. The lists of algorithms, users and addresses are equal when they
/// hold the same members in any order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SshdEffectiveConfig {
    /// Keyword of sshd_config(5), or a list of keywords one of which is enough.
    key: Texts,
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
    /// Judge only this field of the value, counted from 1, where blanks or colons separate several.
    field: Option<usize>,
    /// Connection to resolve `Match` blocks for, such as `user=root,host=x,addr=192.0.2.1`; without it no block
    /// may set the keyword to a value that is not wanted.
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

/// A value of a keyword and where it is from.
struct Found {
    key: String,
    value: String,
    /// In words, with a leading blank.
    origin: String,
    source: Option<Source>,
}

impl SshdEffectiveConfig {
    fn probe(&self) -> Probe {
        Probe::SshdConfig { connection: self.connection.as_ref().map(|connection| connection.0.clone()) }
    }

    /// Every keyword as the rule writes it.
    fn keywords(&self) -> impl Iterator<Item = &str> {
        self.key.0.iter().map(|key| key.trim())
    }

    /// The comparison as written, for messages and validation.
    fn comparison<'a>(&'a self, expected: &'a str, refuse: &'a [Text]) -> Comparison<'a> {
        Comparison { expected, comparator: self.comparator, refuse, unlimited: &[], ignore_case: true }
    }

    fn holds(&self, key: &str, value: &str) -> Result<bool, JudgeError> {
        let value = match self.field {
            Some(field) => value.split([' ', ':']).nth(field - 1).unwrap_or_default(),
            None => value,
        };
        let equality = matches!(self.comparator, Comparator::Equal | Comparator::NotEqual);
        let normal = |value: &str| match value {
            value if equality && SETS.contains(&key) => as_set(value),
            value if self.comparator == Comparator::Matches => value.to_owned(),
            value => canonical(value),
        };
        let refuse: Vec<Text> = self.refuse.iter().map(|refused| Text(normal(refused))).collect();
        let (expected, value) = (normal(&self.expected), normal(value));
        Ok(self.comparison(&expected, &refuse).holds(&value)?)
    }

    /// What one keyword comes to outside `Match` blocks; `None` when it is not in force.
    fn in_force(
        &self,
        key: &str,
        settings: &[(String, String)],
        lines: &[SshdLine],
        got: &Outputs,
    ) -> Result<Option<Found>, JudgeError> {
        let lower = key.to_ascii_lowercase();
        let found = |value: String, origin: &str, source| Found {
            key: key.to_owned(),
            value,
            origin: origin.to_owned(),
            source,
        };
        if self.connection.is_none()
            && let Some(value) = sshd_files::command_line(got, &lower)?
        {
            return Ok(Some(found(value, " on the command line of the running server", None)));
        }
        let value = printed(&lower, settings);
        let source = value.as_deref().and_then(|value| winner(&lower, value, lines));
        Ok(match value {
            Some(value) => {
                let origin = match &source {
                    Some(source) if self.connection.is_none() => format!(" in {source}"),
                    Some(_) => String::new(),
                    None => ", which no line sets".to_owned(),
                };
                Some(found(value, &origin, source.filter(|_| self.connection.is_none())))
            }
            None => self.default.as_ref().map(|value| found(value.0.clone(), " by default", None)),
        })
    }

    /// The first `Match` block in which the keyword has a value that is not wanted.
    fn loosened(&self, key: &str, lines: &[SshdLine]) -> Result<Option<Found>, JudgeError> {
        let lower = key.to_ascii_lowercase();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| names(&line.key, &lower)) {
            let Some(scope) = &line.scope else { continue };
            // Of blocks that match the same connections the first counts.
            let again = |other: &SshdLine| names(&other.key, &lower) && other.scope.as_ref() == Some(scope);
            let hidden = lines[..at].iter().any(again);
            let others_only = lower == "permitrootlogin" && !line.may_concern("root");
            let value = as_printed(&line.value);
            if hidden || others_only || self.holds(&lower, &value)? {
                continue;
            }
            let origin = format!(" in Match {scope} ({})", line.source);
            return Ok(Some(Found { key: key.to_owned(), value, origin, source: Some(line.source.clone()) }));
        }
        Ok(None)
    }

    fn verdict(&self, passed: bool, found: Found, wanted: String) -> Verdict {
        let Found { key, value, origin, source } = found;
        let detail = format!("{key} is {value}{origin}; wanted {wanted}");
        let file = source.as_ref().map(|source| Probe::read(&*source.path));
        let cites = std::iter::once(self.probe()).chain(file).collect();
        Verdict::new(passed, wanted, value, detail).from_source(source).citing(cites)
    }
}

/// Whether `one`, in lower case, is the keyword, by either of its names.
fn names(one: &str, key: &str) -> bool {
    one == key || synonym(key) == Some(one)
}

/// The value `sshd -T` prints for the keyword, by either of its names.
fn printed(key: &str, settings: &[(String, String)]) -> Option<String> {
    let named = |name: &str| {
        let values: Vec<&str> = settings.iter().filter(|(k, _)| k == name).map(|(_, v)| v.as_str()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    named(key).or_else(|| synonym(key).and_then(named))
}

/// The line outside `Match` blocks that gave the keyword its value. It is the first one but for a few keywords, such as
/// `MaxStartups` and `RekeyLimit`, of which sshd takes a later one: the value tells.
fn winner(key: &str, value: &str, lines: &[SshdLine]) -> Option<Source> {
    let set = || lines.iter().filter(|line| line.scope.is_none() && names(&line.key, key));
    let same = set().find(|line| as_printed(&line.value).eq_ignore_ascii_case(value));
    same.or_else(|| set().next()).map(|line| line.source.clone())
}

/// A value of a file as `sshd -T` would print it: times (`5m`) and sizes (`1G`) as numbers.
fn as_printed(value: &str) -> String {
    let word = |word: &str| {
        let (digits, unit) = word.split_at(word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len()));
        let factor: Option<u64> = match unit {
            "s" | "S" => Some(1),
            "m" => Some(60),
            "h" | "H" => Some(3600),
            "d" | "D" => Some(86_400),
            "w" | "W" => Some(604_800),
            "K" => Some(1 << 10),
            "M" => Some(1 << 20),
            "G" => Some(1 << 30),
            _ => None,
        };
        let number = digits.parse::<u64>().ok().zip(factor).and_then(|(n, factor)| n.checked_mul(factor));
        number.map_or_else(|| word.to_owned(), |number| number.to_string())
    };
    value.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

impl Parameters for SshdEffectiveConfig {
    fn validate(&mut self) -> Result<(), ParamError> {
        for key in self.keywords() {
            syntax::word("key", key, "", "a keyword of sshd_config")?;
        }
        if self.key.0.is_empty() || self.field == Some(0) {
            return Err(ParamError::whole("key names no keyword, or field is not counted from 1"));
        }
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
        std::iter::once(self.probe()).chain(sshd_files::probes()).collect()
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        sshd_files::follow_up(got)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let settings = got.sshd_config(self.connection.as_deref())?;
        let lines = sshd_files::lines(got)?;
        let wanted = self.comparison(&self.expected, &self.refuse).wanted();
        let mut best: Option<(bool, Found)> = None;
        for key in self.keywords() {
            let Some(found) = self.in_force(key, &settings, &lines, got)? else { continue };
            let mut judged = (self.holds(&key.to_ascii_lowercase(), &found.value)?, found);
            if judged.0
                && self.connection.is_none()
                && let Some(loosened) = self.loosened(key, &lines)?
            {
                judged = (false, loosened);
            }
            if best.as_ref().is_none_or(|(passed, _)| !passed && judged.0) {
                best = Some(judged);
            }
        }
        let Some((passed, found)) = best else {
            let keys = self.keywords().collect::<Vec<_>>().join(" or ");
            let detail = format!("sshd -T does not print {keys}, so it is not in force; wanted {wanted}");
            return Ok(Verdict::new(false, wanted, "not set", detail).citing(vec![self.probe()]));
        };
        Ok(self.verdict(passed, found, wanted))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use super::{Source, SshdLine, winner};
    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const DUMP: &str = "port 22\nport 2222\npermitrootlogin without-password\nciphers aes256-ctr,aes128-ctr\n\
        kbdinteractiveauthentication no\nacceptenv LANG\nacceptenv LC_*\nmaxauthtries 4\nbanner /etc/issue.net\n";

    /// A host with these lines in its one file and no server running.
    fn host(params: &str, file: &str) -> Case {
        let ps = Probe::run(["ps", "-ww", "-C", "sshd", "-o", "args="]);
        Case::new("sshd_effective_config", params).file("/etc/ssh/sshd_config", file).says(&ps, 1, "", "")
    }

    fn case(params: &str, file: &str) -> Case {
        host(params, file).says(&Probe::SshdConfig { connection: None }, 0, DUMP, "")
    }

    fn passed(params: &str) -> Option<bool> {
        judge(case(params, "")).passed()
    }

    #[test]
    fn the_line_that_won_is_named() {
        let params = r#"{"key": "MaxAuthTries", "expected": 4}"#;
        let verdict = judge(case(params, "#MaxAuthTries 6\nmaxauthtries 4\nMaxAuthTries 9\n"));
        assert_eq!(verdict.passed(), Some(true));
        assert_eq!(
            verdict.verdict().source.as_ref().map(ToString::to_string).as_deref(),
            Some("/etc/ssh/sshd_config:2")
        );
        let unset = judge(case(params, ""));
        assert!(unset.verdict().detail.contains("no line sets"), "{unset:?}");
    }

    #[test]
    fn a_later_line_is_named_where_its_value_is_in_force() {
        let line = |value: &str, number| SshdLine {
            key: "rekeylimit".to_owned(),
            value: value.to_owned(),
            scope: None,
            source: Source { path: "/etc/ssh/sshd_config".to_owned(), line: Some(number) },
        };
        let lines = [line("2G 1h", 1), line("1G 1h", 2)];
        let named = |value| winner("rekeylimit", value, &lines).and_then(|source| source.line);
        assert_eq!(named("1073741824 3600"), Some(2));
        assert_eq!(named("2147483648 3600"), Some(1));
        assert_eq!(named("some other form"), Some(1));
    }

    #[test]
    fn a_match_block_that_loosens_a_setting_fails() {
        let params = r#"{"key": "MaxAuthTries", "expected": 4, "comparator": "<="}"#;
        let loose = judge(case(params, "MaxAuthTries 4\nMatch Group ops\n  MaxAuthTries 20\n"));
        assert_eq!(loose.passed(), Some(false));
        assert!(
            loose.verdict().detail.contains("20 in Match Group ops (/etc/ssh/sshd_config:3)"),
            "{loose:?}"
        );
        let tight = "MaxAuthTries 4\nMatch Group ops\n  MaxAuthTries 2\n  MaxAuthTries 20\n";
        assert_eq!(judge(case(params, tight)).passed(), Some(true));
        let root = r#"{"key": "PermitRootLogin", "expected": "no, prohibit-password", "comparator": "in"}"#;
        assert_eq!(judge(case(root, "Match User deploy\nPermitRootLogin yes\n")).passed(), Some(true));
        assert_eq!(judge(case(root, "Match Address 192.0.2.7\nPermitRootLogin yes\n")).passed(), Some(false));
    }

    #[test]
    fn times_and_sizes_of_a_block_are_compared_as_numbers() {
        assert_eq!(super::as_printed("1G 1h"), "1073741824 3600");
        assert_eq!(super::as_printed("none 5x"), "none 5x");
    }

    #[test]
    fn one_of_several_keywords_and_one_field_of_a_value() {
        let either = r#"{"key": ["denyusers", "banner"], "expected": ".+", "comparator": "matches"}"#;
        assert_eq!(passed(either), Some(true));
        assert_eq!(
            passed(r#"{"key": ["denyusers", "denygroups"], "expected": ".+", "comparator": "matches"}"#),
            Some(false)
        );
        let field = r#"{"key": "acceptenv", "field": 1, "expected": "LANG,LC_*"}"#;
        assert_eq!(passed(field), Some(true));
        assert_refused("sshd_effective_config", r#"{"key": "port", "field": 0, "expected": "22"}"#);
    }

    #[test]
    fn the_command_line_of_the_running_server_wins() {
        let ps = Probe::run(["ps", "-ww", "-C", "sshd", "-o", "args="]);
        let case = Case::new("sshd_effective_config", r#"{"key": "ciphers", "expected": "aes256-ctr"}"#)
            .file("/etc/ssh/sshd_config", "")
            .says(&Probe::SshdConfig { connection: None }, 0, DUMP, "")
            .says(&ps, 0, "/usr/sbin/sshd -D -oCiphers=aes256-ctr\n", "");
        assert_eq!(judge(case).passed(), Some(true));
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
        let case = host(params, "Match User root\nMaxAuthTries 9\n").says(&probe, 0, DUMP, "");
        assert_eq!(judge(case).passed(), Some(true));
        assert_refused("sshd_effective_config", &params.replace("user=", "usr="));
    }

    #[test]
    fn never_guesses() {
        let probe = Probe::SshdConfig { connection: None };
        let case = host(r#"{"key": "usedns", "expected": "no"}"#, "");
        let answered = case.clone().says(&probe, 0, DUMP, "");
        assert_never_guesses(&answered, &probe);
        assert_never_guesses(&answered, &Probe::read("/etc/ssh/sshd_config"));
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
