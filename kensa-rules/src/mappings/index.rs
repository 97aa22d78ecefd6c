//! Looking controls and rules up across mappings.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{FrameworkMapping, natural};

/// A control that a rule answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrameworkReference {
    /// The mapping.
    pub mapping_id: String,
    /// Its family.
    pub framework: String,
    /// The control.
    pub control: String,
    /// The control's title.
    pub title: String,
}

/// Every mapping by rule and by control.
#[derive(Clone, Debug, Default)]
pub struct FrameworkIndex {
    by_rule: BTreeMap<String, Vec<FrameworkReference>>,
    by_control: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl FrameworkIndex {
    /// The index of `mappings`.
    pub fn build<'m>(mappings: impl IntoIterator<Item = &'m FrameworkMapping>) -> Self {
        let mut index = Self::default();
        for mapping in mappings {
            let controls = index.by_control.entry(mapping.id.clone()).or_default();
            for entry in &mapping.sections {
                controls.insert(entry.control.clone(), entry.rules.clone());
                for rule in &entry.rules {
                    index.by_rule.entry(rule.clone()).or_default().push(FrameworkReference {
                        mapping_id: mapping.id.clone(),
                        framework: mapping.framework.clone(),
                        control: entry.control.clone(),
                        title: entry.title.clone(),
                    });
                }
            }
        }
        index
    }

    /// Every control `rule` answers; empty for an unknown rule.
    pub fn query_by_rule(&self, rule: &str) -> &[FrameworkReference] {
        self.by_rule.get(rule).map(Vec::as_slice).unwrap_or_default()
    }

    /// The rules that answer `control`, of one mapping or of all, once each.
    pub fn query_by_control(&self, control: &str, mapping: Option<&str>) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let rules = self.of(mapping).into_iter().filter_map(|controls| controls.get(control)).flatten();
        rules.map(String::as_str).filter(|rule| seen.insert(*rule)).collect()
    }

    /// Every control that has a rule, of one mapping or of all, in natural order.
    pub fn list_controls(&self, mapping: Option<&str>) -> Vec<&str> {
        let controls: BTreeSet<&str> =
            self.of(mapping).into_iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
        let mut controls: Vec<&str> = controls.into_iter().collect();
        controls.sort_by_key(|control| natural(control));
        controls
    }

    fn of(&self, mapping: Option<&str>) -> Vec<&BTreeMap<String, Vec<String>>> {
        match mapping {
            Some(mapping) => self.by_control.get(mapping).into_iter().collect(),
            None => self.by_control.values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MappingEntry;
    use super::*;

    fn mapping(id: &str, sections: &[(&str, &[&str])]) -> FrameworkMapping {
        let entry = |(control, rules): &(&str, &[&str])| MappingEntry {
            control: (*control).to_owned(),
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            ..MappingEntry::default()
        };
        let sections = sections.iter().map(entry).collect();
        FrameworkMapping { id: id.to_owned(), sections, ..FrameworkMapping::default() }
    }

    #[test]
    fn rules_and_controls_find_each_other() {
        let mappings =
            [mapping("m", &[("5.10", &["a"]), ("5.2", &["a", "b"])]), mapping("n", &[("5.2", &["c"])])];
        let index = FrameworkIndex::build(&mappings);
        assert_eq!(index.query_by_rule("a").len(), 2);
        assert!(index.query_by_rule("z").is_empty());
        assert_eq!(index.query_by_control("5.2", None), ["a", "b", "c"]);
        assert_eq!(index.query_by_control("5.2", Some("n")), ["c"]);
        assert_eq!(index.list_controls(Some("m")), ["5.2", "5.10"]);
        assert_eq!(index.list_controls(None).len(), 2);
    }
}
