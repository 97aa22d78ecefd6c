//! `references`: the controls a rule serves.

use kensa_core::rule::{CisReference, References, StigReference};

use super::reader::Reader;
use super::yaml::{Entry, Node, Yaml};

const CIS_KEYS: [&str; 5] = ["section", "level", "type", "profile", "also"];
const STIG_KEYS: [&str; 6] = ["vuln_id", "stig_id", "rule_id", "severity", "cci", "also"];

impl Reader<'_, '_> {
    pub(super) fn references(&mut self, node: &Node<'_>) -> References {
        let mut references = References::default();
        if node.is_null() {
            return references;
        }
        for entry in self.map("`references`", node).unwrap_or_default() {
            if is_empty(&entry.value) {
                self.error(
                    "empty-reference",
                    entry.span,
                    format!("framework `{}` names no control", entry.key),
                );
                continue;
            }
            match &*entry.key {
                "cis" => {
                    for (key, items) in self.by_system("cis", &entry.value) {
                        let items = items.into_iter().filter_map(|item| self.cis(item)).collect();
                        references.cis.insert(key, items);
                    }
                }
                "stig" => {
                    for (key, items) in self.by_system("stig", &entry.value) {
                        let items = items.into_iter().filter_map(|item| self.stig(item)).collect();
                        references.stig.insert(key, items);
                    }
                }
                _ => drop(references.lists.insert(entry.key.to_string(), self.controls(entry))),
            }
        }
        references
    }

    fn controls(&mut self, entry: &Entry<'_>) -> Vec<String> {
        let Yaml::List(items) = &entry.value.yaml else {
            let message = format!("the controls of `{}` are a list, not {}", entry.key, entry.value.kind());
            self.error_with("wrong-type", entry.value.span, message, Some("write [AC-6]".to_owned()));
            return Vec::new();
        };
        let what = format!("a member of `{}`", entry.key);
        items.iter().filter_map(|item| self.control(&what, item)).collect()
    }

    /// One control id. Results join the ids of a framework with commas, so none is in an id.
    fn control(&mut self, what: &str, node: &Node<'_>) -> Option<String> {
        let id = self.text(what, node)?;
        if !id.contains(',') {
            return Some(id);
        }
        let help = Some("write an entry for each".to_owned());
        self.error_with(
            "several-controls",
            node.span,
            format!("{what} names several controls in one text"),
            help,
        );
        None
    }

    /// Operating system key to one or several mappings.
    fn by_system<'n, 't>(&mut self, framework: &str, node: &'n Node<'t>) -> Vec<(String, Vec<&'n Node<'t>>)> {
        let mut found = Vec::new();
        for entry in self.map(&format!("`{framework}`"), node).unwrap_or_default() {
            if !is_system_key(&entry.key) {
                let message = format!("`{}` is no key of a benchmark", entry.key);
                let help =
                    Some("write the system and its major version, such as rhel9 or rhel9_v2".to_owned());
                self.lint("unknown-benchmark", entry.span, message, help);
            }
            if is_empty(&entry.value) {
                let message = format!("`{framework}` names no control for `{}`", entry.key);
                self.error("empty-reference", entry.span, message);
                continue;
            }
            found.push((entry.key.to_string(), every(&entry.value)));
        }
        found
    }

    fn cis(&mut self, node: &Node<'_>) -> Option<CisReference> {
        let mut reference = CisReference { section: String::new(), level: None, kind: None, profile: None };
        for entry in self.map("a CIS reference", node)? {
            let what = format!("`{}`", entry.key);
            match &*entry.key {
                "section" => reference.section = self.control(&what, &entry.value).unwrap_or_default(),
                "level" => reference.level = self.text(&what, &entry.value),
                "type" => reference.kind = self.text(&what, &entry.value),
                "profile" => reference.profile = self.text(&what, &entry.value),
                "also" => {}
                _ => self.odd_key("a CIS reference", entry, &CIS_KEYS),
            }
        }
        if node.get("section").is_none() {
            self.error("missing-key", node.span, "a CIS reference needs `section`");
        }
        Some(reference)
    }

    fn stig(&mut self, node: &Node<'_>) -> Option<StigReference> {
        let mut reference =
            StigReference { vuln_id: None, stig_id: None, rule_id: None, severity: None, cci: Vec::new() };
        for entry in self.map("a STIG reference", node)? {
            let what = format!("`{}`", entry.key);
            match &*entry.key {
                "vuln_id" => reference.vuln_id = self.control(&what, &entry.value),
                "stig_id" => reference.stig_id = self.control(&what, &entry.value),
                "rule_id" => reference.rule_id = self.text(&what, &entry.value),
                "severity" => reference.severity = self.text(&what, &entry.value),
                "cci" => reference.cci = self.texts(&what, &entry.value),
                "also" => {}
                _ => self.odd_key("a STIG reference", entry, &STIG_KEYS),
            }
        }
        if node.get("vuln_id").is_none() && node.get("stig_id").is_none() {
            self.error("missing-key", node.span, "a STIG reference needs `vuln_id` or `stig_id`");
        }
        Some(reference)
    }

    /// References change no verdict, so an unknown key does not cost the rule.
    fn odd_key(&mut self, of: &str, entry: &Entry<'_>, known: &[&str]) {
        let help = super::diagnostic::suggestion(&entry.key, known.iter().copied());
        self.lint("unknown-key", entry.span, format!("{of} has no key `{}`", entry.key), help);
    }
}

/// The references of a benchmark: a list of them, or one with further ones under `also`, as programs want it that
/// know one a benchmark.
fn every<'n, 't>(node: &'n Node<'t>) -> Vec<&'n Node<'t>> {
    match &node.yaml {
        Yaml::List(items) => items.iter().flat_map(every).collect(),
        _ => std::iter::once(node).chain(node.get("also").into_iter().flat_map(every)).collect(),
    }
}

fn is_empty(node: &Node<'_>) -> bool {
    match &node.yaml {
        Yaml::List(items) => items.is_empty(),
        Yaml::Map(entries) => entries.is_empty(),
        Yaml::Scalar { text, .. } => node.is_null() || text.trim().is_empty(),
    }
}

/// `rhel9`, `ubuntu22`, `rhel9_v2`, `rhel9_v2r7`.
fn is_system_key(key: &str) -> bool {
    let (system, version) = match key.split_once("_v") {
        Some((system, version)) => (system, Some(version)),
        None => (key, None),
    };
    let name = system.trim_end_matches(|c: char| c.is_ascii_digit());
    let version_is_one = |version: &str| {
        version.starts_with(|c: char| c.is_ascii_digit())
            && version.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_')
    };
    !name.is_empty()
        && name.len() < system.len()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        && version.is_none_or(version_is_one)
}
