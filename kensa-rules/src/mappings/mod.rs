//! Benchmarks: their controls, and the rules that answer them.
//!
//! The authority is what the rules cite in `references`. [`generate`] joins that with the control list of a
//! benchmark to a [`FrameworkMapping`], which is kept as a file in `rules/mappings/` for programs that want
//! the controls without the rules; a test fails when a file is stale.

mod benchmarks;
mod controls;
mod coverage;
mod generate;
mod index;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use kensa_core::rule::PlatformConstraint;
use kensa_core::{Platform, Rule};
use serde::Serialize;

pub use benchmarks::{BENCHMARKS, Benchmark, Kind, Reference};
pub use controls::{Control, read_controls};
pub use coverage::{CoverageReport, check_coverage};
pub(crate) use generate::base;
pub use generate::{REGENERATE, generate, render};
pub use index::{FrameworkIndex, FrameworkReference};
pub(crate) use read::collect;
pub use read::{MappingError, Mappings, load_all_mappings, load_mapping, read_mapping, read_mappings};

/// One benchmark: its controls, the rules that answer them, and why others have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FrameworkMapping {
    /// Such as `cis-rhel9-v2.0.0`.
    pub id: String,
    /// `cis`, `stig`, `nist_800_53`, …
    pub framework: String,
    /// One line for people.
    pub title: String,
    /// Date of publication, `YYYY-MM-DD`.
    pub published: Option<String>,
    /// The systems it is for; `None` means every one.
    pub platform: Option<PlatformConstraint>,
    /// Every control, in natural order.
    pub controls: Vec<String>,
    /// The controls that at least one rule answers, in natural order.
    pub sections: Vec<MappingEntry>,
    /// The controls no rule answers, in natural order.
    pub unimplemented: Vec<UnimplementedEntry>,
}

/// A control and the rules that answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MappingEntry {
    /// The control's id.
    pub control: String,
    /// One line in this project's words.
    pub title: String,
    /// At least one rule id.
    pub rules: Vec<String>,
    /// CIS level, or the baselines the control is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// `Automated` or `Manual`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `CAT I`, `CAT II`, `CAT III`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The STIG id of a `V-` number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stig_id: Option<String>,
    /// CCI numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cci: Vec<String>,
    /// Why the rules answer only a part of the control; `None` when they answer the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}

/// A control no rule answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnimplementedEntry {
    /// The control's id.
    pub control: String,
    /// One line in this project's words.
    pub title: String,
    /// Why.
    pub reason: String,
    /// `manual`, `not_applicable`, `organisational`, or [`OPEN`] where a rule could be written.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The kind of a control that has neither a rule nor a reason.
pub const OPEN: &str = "open";

impl FrameworkMapping {
    /// The rules of the mapping, once each, in the order of the controls.
    pub fn rule_ids(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let every = self.sections.iter().flat_map(|entry| &entry.rules).map(String::as_str);
        every.filter(|rule| seen.insert(*rule)).collect()
    }

    /// The entry of `control`, where it has a rule.
    pub fn section(&self, control: &str) -> Option<&MappingEntry> {
        self.sections.iter().find(|entry| entry.control == control)
    }

    /// Controls that are in neither list.
    pub fn unaccounted_controls(&self) -> Vec<&str> {
        let answered = self.sections.iter().map(|entry| entry.control.as_str());
        let known: BTreeSet<&str> =
            answered.chain(self.unimplemented.iter().map(|entry| entry.control.as_str())).collect();
        self.controls.iter().map(String::as_str).filter(|control| !known.contains(control)).collect()
    }
}

/// The mappings for a host; those without a platform are for every host.
pub fn get_applicable_mappings<'m>(
    mappings: &'m BTreeMap<String, FrameworkMapping>,
    platform: Option<&Platform>,
) -> Vec<&'m FrameworkMapping> {
    let fits = |mapping: &&FrameworkMapping| match &mapping.platform {
        Some(constraint) => crate::select::applies(std::slice::from_ref(constraint), platform),
        None => true,
    };
    mappings.values().filter(fits).collect()
}

/// Whether the mapping called `id` can name controls that the rules themselves do not.
pub(crate) fn says_more_than_rules(id: &str) -> bool {
    Benchmark::named(id).is_none_or(|benchmark| !benchmark.is_cited())
}

/// Framework key to control ids, by rule, of all mappings.
pub(crate) fn by_rule(
    mappings: &BTreeMap<String, FrameworkMapping>,
) -> BTreeMap<&str, BTreeMap<String, Vec<String>>> {
    let mut found: BTreeMap<&str, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for mapping in mappings.values() {
        let key = crate::frameworks::normal_key(&mapping.id);
        for entry in &mapping.sections {
            for rule in &entry.rules {
                let controls = found.entry(rule).or_default().entry(key.clone()).or_default();
                controls.push(entry.control.clone());
            }
        }
    }
    found
}

/// Those of `rules` that the mapping names, in their own order.
pub fn rules_for_framework<'r, R: AsRef<Rule>>(mapping: &FrameworkMapping, rules: &'r [R]) -> Vec<&'r R> {
    let named: BTreeSet<&str> = mapping.rule_ids().into_iter().collect();
    rules.iter().filter(|rule| named.contains((*rule).as_ref().id.as_str())).collect()
}

/// Rule id to control; a rule that answers several gets the first in natural order.
pub fn build_rule_to_section_map(mapping: &FrameworkMapping) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    for entry in &mapping.sections {
        for rule in &entry.rules {
            found.entry(rule.as_str()).or_insert(entry.control.as_str());
        }
    }
    found
}

/// Every control with each of its rules, in the natural order of the controls.
pub fn order_by_framework<'a, R: AsRef<Rule>>(
    mapping: &'a FrameworkMapping,
    rules: &'a [R],
) -> Vec<(&'a str, &'a R)> {
    let by_id: BTreeMap<&str, &R> = rules.iter().map(|rule| (rule.as_ref().id.as_str(), rule)).collect();
    let of = |entry: &'a MappingEntry| {
        entry.rules.iter().filter_map(|rule| Some((entry.control.as_str(), *by_id.get(rule.as_str())?)))
    };
    mapping.sections.iter().flat_map(of).collect()
}

/// A key that orders control ids the way people number them: 5.2.3 before 5.10.1, AC-2 before AC-10.
pub fn natural(control: &str) -> Vec<NaturalPart> {
    let mut parts = Vec::new();
    let mut rest = control;
    while let Some(first) = rest.chars().next() {
        let kind = |c: char| {
            if c.is_ascii_digit() {
                0
            } else if ".-_ ()".contains(c) {
                1
            } else {
                2
            }
        };
        let end = rest.find(|c| kind(c) != kind(first)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        match (kind(first), part.parse()) {
            (0, Ok(number)) => parts.push(NaturalPart::Number(number)),
            (1, _) => {}
            _ => parts.push(NaturalPart::Text(part.to_owned())),
        }
        rest = after;
    }
    parts
}

/// A piece of a control id; see [`natural`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NaturalPart {
    /// Digits.
    Number(u64),
    /// Anything else.
    Text(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_in_the_order_people_expect() {
        let mut controls = ["5.10.1", "5.2.3", "AC-10", "AC-2(1)", "AC-2", "5.2"];
        controls.sort_by_key(|control| natural(control));
        assert_eq!(controls, ["5.2", "5.2.3", "5.10.1", "AC-2", "AC-2(1)", "AC-10"]);
    }

    #[test]
    fn a_rule_of_two_controls_is_shown_under_the_first() {
        let entry = |control: &str| MappingEntry {
            control: control.to_owned(),
            rules: vec!["a".to_owned()],
            ..MappingEntry::default()
        };
        let mapping =
            FrameworkMapping { sections: vec![entry("5.2"), entry("5.10")], ..FrameworkMapping::default() };
        assert_eq!(build_rule_to_section_map(&mapping), BTreeMap::from([("a", "5.2")]));
        assert_eq!(mapping.rule_ids(), ["a"]);
    }

    #[test]
    fn a_host_gets_the_benchmarks_of_its_system() {
        let of = |id: &str, platform: Option<(&str, u32)>| {
            let platform = platform.map(|(family, version)| PlatformConstraint {
                family: family.to_owned(),
                min_version: Some(version),
                max_version: Some(version),
                derivatives: true,
            });
            (id.to_owned(), FrameworkMapping { id: id.to_owned(), platform, ..FrameworkMapping::default() })
        };
        let mappings = [of("all", None), of("eight", Some(("rhel", 8))), of("nine", Some(("rhel", 9)))];
        let mappings = BTreeMap::from(mappings);
        let host = Platform::from_os_release("ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=9.4\n");
        let ids: Vec<&str> = get_applicable_mappings(&mappings, host.as_ref())
            .into_iter()
            .map(|mapping| mapping.id.as_str())
            .collect();
        assert_eq!(ids, ["all", "nine"]);
    }
}
