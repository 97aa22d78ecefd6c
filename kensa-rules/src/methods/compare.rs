//! Comparing a value found on a host with the value a rule wants.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use kensa_core::{CouldNotTell, Reason};
use regex::RegexBuilder;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::params::{ParamError, Text};

/// How `expected` and the value found are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Comparator {
    /// Equal texts.
    #[default]
    #[serde(rename = "==")]
    Equal,
    /// Different texts.
    #[serde(rename = "!=")]
    NotEqual,
    /// A smaller whole number.
    #[serde(rename = "<")]
    Less,
    /// A smaller or equal whole number.
    #[serde(rename = "<=")]
    AtMost,
    /// A greater whole number.
    #[serde(rename = ">")]
    Greater,
    /// A greater or equal whole number.
    #[serde(rename = ">=")]
    AtLeast,
    /// One of the members of the comma-separated `expected`.
    #[serde(rename = "in")]
    In,
    /// Every comma-separated member of the value is a member of `expected`; the value is not empty.
    #[serde(rename = "subset")]
    Subset,
    /// Every comma-separated member of `expected` is a member of the value.
    #[serde(rename = "superset")]
    Superset,
    /// The whole value matches the regular expression `expected`.
    #[serde(rename = "matches")]
    Matches,
    /// Every permission bit of the octal number `expected` is set in the value: a file mask at least as strict.
    #[serde(rename = "covers")]
    Covers,
}

/// Upper bound of a compiled regular expression from a rule, in bytes.
const REGEX_SIZE_LIMIT: usize = 1 << 20;

/// Compiles a rule's regular expression within the engine's size budget.
pub(crate) fn regex(pattern: &str, key: &str, ignore_case: bool) -> Result<regex::Regex, ParamError> {
    RegexBuilder::new(pattern)
        .size_limit(REGEX_SIZE_LIMIT)
        .dfa_size_limit(REGEX_SIZE_LIMIT)
        .case_insensitive(ignore_case)
        .multi_line(true)
        .build()
        .map_err(|error| ParamError::at(key, format!("not a usable regular expression: {error}")))
}

/// How many patterns are remembered as usable.
const REMEMBERED: usize = 4096;

static USABLE: LazyLock<Mutex<[HashSet<String>; 2]>> = LazyLock::new(Mutex::default);

/// See [`crate::prepare`].
pub(crate) fn prepare() {
    LazyLock::force(&USABLE);
}

/// Refuses a regular expression that does not compile. A rule is validated when it is loaded and again with the values
/// of each scan, mostly the same, and compiling is the costly part: what compiled once is remembered.
pub(crate) fn demand_regex(pattern: &str, key: &str, ignore_case: bool) -> Result<(), ParamError> {
    let usable = || USABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let kind = usize::from(ignore_case);
    if usable()[kind].contains(pattern) {
        return Ok(());
    }
    regex(pattern, key, ignore_case)?;
    let known = &mut usable()[kind];
    if known.len() < REMEMBERED {
        known.insert(pattern.to_owned());
    }
    Ok(())
}

/// A comparison a rule asks for; flattened into the methods that compare values.
#[derive(Clone, Debug)]
pub(crate) struct Comparison<'a> {
    /// The value wanted.
    pub(crate) expected: &'a str,
    /// How to compare.
    pub(crate) comparator: Comparator,
    /// Values that never pass, whatever the comparison says (`0`, `-1`: the control is off).
    pub(crate) refuse: &'a [Text],
    /// Values that mean without limit, and so count as more than any number (`0`: for ever).
    pub(crate) unlimited: &'a [Text],
    /// Whether case matters.
    pub(crate) ignore_case: bool,
}

impl Comparison<'_> {
    /// Whether the comparison makes sense at all; called when a rule is loaded.
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        match self.comparator {
            Comparator::Less | Comparator::AtMost | Comparator::Greater | Comparator::AtLeast => {
                number(self.expected).map(drop).ok_or_else(|| {
                    ParamError::at(
                        "expected",
                        format!("{:?} is not a whole number, which the comparator needs", self.expected),
                    )
                })
            }
            Comparator::Matches => demand_regex(self.expected, "expected", self.ignore_case),
            Comparator::Covers => bits(self.expected).map(drop).ok_or_else(|| {
                ParamError::at("expected", format!("{:?} is not an octal number", self.expected))
            }),
            Comparator::In | Comparator::Subset | Comparator::Superset
                if members(self.expected).next().is_none() =>
            {
                Err(ParamError::at("expected", "an empty list never passes"))
            }
            _ => Ok(()),
        }
    }

    /// Whether `actual` is as wanted. A value that is not text could not be told.
    pub(crate) fn holds(&self, actual: &str) -> Result<bool, CouldNotTell> {
        let actual = actual.trim();
        if actual.contains('\u{FFFD}') {
            return Err(CouldNotTell::new(Reason::Undecodable, "the value found is not valid UTF-8 text"));
        }
        if self.refuse.iter().any(|refused| self.same(refused, actual)) {
            return Ok(false);
        }
        let number =
            |text: &str| match self.unlimited.iter().any(|limitless| self.same(limitless, text.trim())) {
                true => Some(i64::MAX),
                false => number(text),
            };
        let numbers = || number(actual).zip(number(self.expected));
        let within = |list: &str, member: &str| members(list).any(|known| self.same(known, member));
        Ok(match self.comparator {
            Comparator::Equal => self.same(self.expected.trim(), actual),
            Comparator::NotEqual => !self.same(self.expected.trim(), actual),
            Comparator::Less => numbers().is_some_and(|(found, wanted)| found < wanted),
            Comparator::AtMost => numbers().is_some_and(|(found, wanted)| found <= wanted),
            Comparator::Greater => numbers().is_some_and(|(found, wanted)| found > wanted),
            Comparator::AtLeast => numbers().is_some_and(|(found, wanted)| found >= wanted),
            Comparator::In => within(self.expected, actual),
            Comparator::Subset => {
                members(actual).next().is_some() && members(actual).all(|found| within(self.expected, found))
            }
            Comparator::Superset => members(self.expected).all(|wanted| within(actual, wanted)),
            Comparator::Covers => {
                bits(actual).zip(bits(self.expected)).is_some_and(|(found, wanted)| found & wanted == wanted)
            }
            Comparator::Matches => {
                let anchored = format!("^(?:{})$", self.expected);
                let regex = regex(&anchored, "expected", self.ignore_case)
                    .map_err(|error| CouldNotTell::new(Reason::InvalidRule, error.message))?;
                regex.is_match(actual)
            }
        })
    }

    /// What is wanted, in words: `at most 4`, `one of a, b`.
    pub(crate) fn wanted(&self) -> String {
        let expected = self.expected.trim();
        let mut text = match self.comparator {
            Comparator::Equal if expected.is_empty() => "nothing".to_owned(),
            Comparator::Equal => expected.to_owned(),
            Comparator::NotEqual => format!("anything but {expected}"),
            Comparator::Less => format!("less than {expected}"),
            Comparator::AtMost => format!("at most {expected}"),
            Comparator::Greater => format!("more than {expected}"),
            Comparator::AtLeast => format!("at least {expected}"),
            Comparator::In => format!("one of {expected}"),
            Comparator::Subset => format!("only members of {expected}"),
            Comparator::Superset => format!("all of {expected}"),
            Comparator::Matches => format!("a match of {expected}"),
            Comparator::Covers => format!("{expected} or stricter"),
        };
        for limitless in self.unlimited.iter().filter(|limitless| &***limitless != expected) {
            text.push_str(&format!(" ({} means without limit)", &**limitless));
        }
        if !self.refuse.is_empty() {
            let refused: Vec<&str> = self.refuse.iter().map(|value| &**value).collect();
            text.push_str(&format!(", not {}", refused.join(" or ")));
        }
        text
    }

    fn same(&self, one: &str, other: &str) -> bool {
        if self.ignore_case { one.eq_ignore_ascii_case(other) } else { one == other }
    }
}

/// A whole number, in decimal. GNOME's configuration writes its type before it.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    text.strip_prefix("uint32 ").unwrap_or(text).trim().parse().ok()
}

/// Permission bits, in octal.
fn bits(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim(), 8).ok().filter(|bits| *bits <= 0o7777)
}

/// Members of a comma-separated list.
fn members(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(comparator: Comparator, expected: &str, actual: &str) -> Option<bool> {
        Comparison { expected, comparator, refuse: &[], unlimited: &[], ignore_case: false }
            .holds(actual)
            .ok()
    }

    #[test]
    fn numbers_compare_as_numbers_and_text_never_passes_as_one() {
        assert_eq!(holds(Comparator::AtMost, "60", "9"), Some(true));
        assert_eq!(holds(Comparator::AtMost, "60", "100"), Some(false));
        assert_eq!(holds(Comparator::AtMost, "60", "never"), Some(false));
        assert_eq!(holds(Comparator::AtMost, "60", ""), Some(false));
        assert_eq!(holds(Comparator::AtMost, "60", "uint32 59"), Some(true));
    }

    #[test]
    fn a_value_without_limit_is_more_than_any_number() {
        let unlimited = [Text("0".to_owned())];
        let of = |expected: &'static str, comparator| Comparison {
            expected,
            comparator,
            refuse: &[],
            unlimited: &unlimited,
            ignore_case: false,
        };
        let at_least = of("900", Comparator::AtLeast);
        assert_eq!(at_least.holds("0"), Ok(true));
        assert_eq!(at_least.holds("900"), Ok(true));
        assert_eq!(at_least.holds("899"), Ok(false));
        assert_eq!(at_least.holds("never"), Ok(false));
        assert_eq!(at_least.wanted(), "at least 900 (0 means without limit)");
        assert_eq!(of("0", Comparator::AtLeast).holds("900"), Ok(false));
        assert_eq!(of("0", Comparator::AtLeast).holds("0"), Ok(true));
        assert_eq!(of("900", Comparator::AtMost).holds("0"), Ok(false));
    }

    #[test]
    fn a_refused_value_fails_although_it_compares() {
        let refuse = [Text("0".to_owned())];
        let comparison = Comparison {
            expected: "5",
            comparator: Comparator::AtMost,
            refuse: &refuse,
            unlimited: &[],
            ignore_case: false,
        };
        assert_eq!(comparison.holds("0"), Ok(false));
        assert_eq!(comparison.holds("3"), Ok(true));
        assert_eq!(comparison.wanted(), "at most 5, not 0");
    }

    #[test]
    fn lists_compare_by_member() {
        assert_eq!(holds(Comparator::Subset, "a,b,c", "c,a"), Some(true));
        assert_eq!(holds(Comparator::Subset, "a,b", "a,x"), Some(false));
        assert_eq!(holds(Comparator::Subset, "a,b", ""), Some(false));
        assert_eq!(holds(Comparator::Superset, "a,b", "b, x ,a"), Some(true));
    }

    #[test]
    fn a_stricter_mask_covers_a_looser_one() {
        assert_eq!(holds(Comparator::Covers, "027", "0077"), Some(true));
        assert_eq!(holds(Comparator::Covers, "027", "27"), Some(true));
        assert_eq!(holds(Comparator::Covers, "027", "022"), Some(false));
        assert_eq!(holds(Comparator::Covers, "027", "070"), Some(false));
        assert_eq!(holds(Comparator::Covers, "027", "u=rwx"), Some(false));
    }

    #[test]
    fn undecodable_text_is_no_verdict() {
        assert_eq!(holds(Comparator::NotEqual, "x", "\u{FFFD}"), None);
    }

    #[test]
    fn matches_the_whole_value() {
        assert_eq!(holds(Comparator::Matches, "no|prohibit-.*", "prohibit-password"), Some(true));
        assert_eq!(holds(Comparator::Matches, "no", "nope"), Some(false));
    }
}
