//! How much of a benchmark the rules at hand answer.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use super::{FrameworkMapping, OPEN};

/// How much of a benchmark a set of rules answers. Counts are controls.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CoverageReport {
    /// The benchmark.
    pub mapping_id: String,
    /// Every control.
    pub total_controls: usize,
    /// Controls at least one rule at hand answers, in full or in part.
    pub answered: usize,
    /// Those of `answered` of which some part is not measured.
    pub in_part: usize,
    /// Controls without a rule, for a reason.
    pub with_reason: usize,
    /// Controls without a rule and without a reason.
    pub open: Vec<String>,
    /// Rules the mapping names and the set lacks, sorted.
    pub missing_rules: Vec<String>,
    /// `answered` of `total_controls`, cut after the first decimal; 100 only when every control is answered
    /// in full, 0 for an empty benchmark.
    #[serde(serialize_with = "as_every_language_writes_it")]
    pub coverage_percent: f64,
}

/// How much of `mapping` the rules called `available` answer.
pub fn check_coverage<'r>(
    mapping: &FrameworkMapping,
    available: impl IntoIterator<Item = &'r str>,
) -> CoverageReport {
    let available: BTreeSet<&str> = available.into_iter().collect();
    let has_rule = |rules: &[String]| rules.iter().any(|rule| available.contains(rule.as_str()));
    let (answered, lost): (Vec<_>, Vec<_>) =
        mapping.sections.iter().partition(|entry| has_rule(&entry.rules));
    // A control that only some of its rules are there for is not measured as a whole.
    let whole = |rules: &[String]| rules.iter().all(|rule| available.contains(rule.as_str()));
    let in_part = answered.iter().filter(|entry| entry.partial.is_some() || !whole(&entry.rules)).count();
    let unlisted = mapping.unaccounted_controls();
    let open = mapping.unimplemented.iter().filter(|entry| entry.kind == OPEN);
    let mut open: Vec<String> = open
        .map(|entry| &entry.control)
        .chain(lost.iter().map(|entry| &entry.control))
        .cloned()
        .chain(unlisted.into_iter().map(str::to_owned))
        .collect();
    open.sort_by_key(|control| super::natural(control));
    let total_controls = mapping.controls.len();
    let named: BTreeSet<&str> = mapping.rule_ids().into_iter().collect();
    CoverageReport {
        mapping_id: mapping.id.clone(),
        total_controls,
        answered: answered.len(),
        in_part,
        with_reason: mapping.unimplemented.iter().filter(|entry| entry.kind != OPEN).count(),
        open,
        missing_rules: named.difference(&available).map(|rule| (*rule).to_owned()).collect(),
        coverage_percent: percent(answered.len(), in_part, total_controls),
    }
}

fn percent(answered: usize, in_part: usize, total: usize) -> f64 {
    if total == 0 {
        return 0.0;
    }
    let permille = answered * 1000 / total;
    let permille = if in_part > 0 { permille.min(999) } else { permille };
    permille as f64 / 10.0
}

/// A whole number without a fraction: not every language keeps `100.0` apart from `100`.
fn as_every_language_writes_it<S: Serializer>(percent: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Between 0 and 100, so the cast is exact.
    if percent.fract() == 0.0 {
        serializer.serialize_u8(*percent as u8)
    } else {
        percent.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MappingEntry, UnimplementedEntry};
    use super::*;

    fn entry(control: &str, rules: &[&str], partial: Option<&str>) -> MappingEntry {
        MappingEntry {
            control: control.to_owned(),
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            partial: partial.map(str::to_owned),
            ..MappingEntry::default()
        }
    }

    fn mapping(sections: Vec<MappingEntry>, unimplemented: Vec<UnimplementedEntry>) -> FrameworkMapping {
        let answered = sections.iter().map(|entry| entry.control.clone());
        let controls = answered.chain(unimplemented.iter().map(|entry| entry.control.clone())).collect();
        FrameworkMapping { controls, sections, unimplemented, ..FrameworkMapping::default() }
    }

    #[test]
    fn everything_answered_in_full_is_a_hundred_percent() {
        let report = check_coverage(&mapping(vec![entry("1", &["a"], None)], Vec::new()), ["a"]);
        assert_eq!((report.coverage_percent, report.in_part), (100.0, 0));
    }

    #[test]
    fn an_unmeasured_part_is_never_a_hundred_percent() {
        let partial = mapping(vec![entry("1", &["a"], Some("the rest is a process"))], Vec::new());
        assert_eq!(check_coverage(&partial, ["a"]).coverage_percent, 99.9);
        let one_rule_missing = mapping(vec![entry("1", &["a", "b"], None)], Vec::new());
        assert_eq!(check_coverage(&one_rule_missing, ["a"]).coverage_percent, 99.9);
        let many = (0..2000).map(|at| entry(&at.to_string(), &["a"], None)).collect();
        let open = UnimplementedEntry {
            control: "x".to_owned(),
            kind: OPEN.to_owned(),
            ..UnimplementedEntry::default()
        };
        assert_eq!(check_coverage(&mapping(many, vec![open]), ["a"]).coverage_percent, 99.9);
    }

    #[test]
    fn a_control_whose_rules_are_not_at_hand_is_open() {
        let report = check_coverage(&mapping(vec![entry("1", &["a"], None)], Vec::new()), []);
        assert_eq!((report.answered, report.open, report.coverage_percent), (0, vec!["1".to_owned()], 0.0));
        assert_eq!(report.missing_rules, ["a"]);
    }
}
