//! Citations: the control is in the list of its benchmark, is what the rule says it is, and is cited once.

use std::collections::{BTreeMap, BTreeSet};

use kensa_core::{Platform, Rule};

use super::place_of;
use crate::load::Level;
use crate::load::yaml::{Node, Source};
use crate::mappings::{BENCHMARKS, Benchmark, FrameworkMapping, Reference, base};

pub(super) fn look(
    source: &mut Source<'_>,
    root: &Node<'_>,
    rule: &Rule,
    mappings: Option<&BTreeMap<String, FrameworkMapping>>,
) {
    let Some(references) = root.get("references") else { return };
    for (framework, controls) in cited(rule) {
        let mut seen = BTreeSet::new();
        for control in controls {
            if !seen.insert(control) {
                let message = format!("{control} is cited twice under `{framework}`");
                let span = place_of(source, references, control);
                source.report(Level::Error, "duplicate-citation", span, message);
            }
        }
    }
    for benchmark in BENCHMARKS {
        let Some(mapping) = mappings.and_then(|mappings| mappings.get(benchmark.id)) else { continue };
        for (control, wrong) in compare(rule, benchmark, mapping) {
            let span = place_of(source, references, &control);
            source.report(Level::Error, wrong.code, span, wrong.message);
        }
    }
}

/// Every framework key of a rule with what is cited under it.
fn cited(rule: &Rule) -> Vec<(String, Vec<&str>)> {
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    for (key, items) in &rule.references.cis {
        found.push((format!("cis.{key}"), items.iter().map(|item| item.section.as_str()).collect()));
    }
    for (key, items) in &rule.references.stig {
        let ids = items.iter().filter_map(|item| item.vuln_id.as_deref().or(item.stig_id.as_deref()));
        found.push((format!("stig.{key}"), ids.collect()));
    }
    for (key, controls) in &rule.references.lists {
        found.push((key.clone(), controls.iter().map(String::as_str).collect()));
    }
    found
}

struct Wrong {
    code: &'static str,
    message: String,
}

/// What is wrong with the rule's citations of one benchmark, each with the text to point at.
fn compare(rule: &Rule, benchmark: &Benchmark, mapping: &FrameworkMapping) -> Vec<(String, Wrong)> {
    let mut found = Vec::new();
    let known: BTreeSet<&str> = mapping.controls.iter().map(String::as_str).collect();
    let mut wrong = |at: &str, code, message| found.push((at.to_owned(), Wrong { code, message }));
    let mut cites = false;
    match benchmark.reference {
        Reference::Cis(key) => {
            for item in rule.references.cis.get(key).into_iter().flatten() {
                cites = true;
                let Some(entry) = listed(&item.section, &known, mapping, benchmark, &mut wrong) else {
                    continue;
                };
                for (what, said, is) in
                    [("level", &item.level, &entry.level), ("type", &item.kind, &entry.kind)]
                {
                    differs(&item.section, what, said.as_deref(), is.as_deref(), &mut wrong);
                }
            }
        }
        // The later release is a superset, and the one rules are held against.
        Reference::Stig(_) if benchmark.id == "stig-rhel8-v2r6" => {}
        Reference::Stig(key) => {
            for item in rule.references.stig.get(key).into_iter().flatten() {
                cites = true;
                let Some(id) = item.vuln_id.as_deref() else { continue };
                let Some(entry) = listed(id, &known, mapping, benchmark, &mut wrong) else { continue };
                differs(id, "stig_id", item.stig_id.as_deref(), entry.stig_id.as_deref(), &mut wrong);
                differs(id, "severity", item.severity.as_deref(), entry.severity.as_deref(), &mut wrong);
                if !item.cci.is_empty() && item.cci != entry.cci {
                    let message = format!("the CCIs of {id} are {}", entry.cci.join(", "));
                    wrong(id, "wrong-citation", message);
                }
            }
        }
        Reference::List(key) => {
            for control in rule.references.lists.get(key).into_iter().flatten() {
                listed(base(key, control), &known, mapping, benchmark, &mut wrong);
            }
        }
        Reference::Joined => {}
    }
    if let (true, Some((family, version))) = (cites, benchmark.system) {
        let system = Platform::new(family, &version.to_string());
        if !crate::select::applies(&rule.platforms, Some(&system)) {
            let message = format!("the rule cites {} and is not for that system", benchmark.title);
            let key = match benchmark.reference {
                Reference::Cis(key) | Reference::Stig(key) | Reference::List(key) => key,
                Reference::Joined => "",
            };
            wrong(key, "citation-elsewhere", message);
        }
    }
    found
}

/// The entry of a control that the benchmark lists; `None`, reported, when it does not.
fn listed<'m>(
    control: &str,
    known: &BTreeSet<&str>,
    mapping: &'m FrameworkMapping,
    benchmark: &Benchmark,
    wrong: &mut impl FnMut(&str, &'static str, String),
) -> Option<&'m crate::mappings::MappingEntry> {
    if !known.contains(control) {
        wrong(control, "unknown-control", format!("{} has no control {control}", benchmark.title));
    }
    mapping.section(control)
}

fn differs(
    control: &str,
    what: &str,
    said: Option<&str>,
    is: Option<&str>,
    wrong: &mut impl FnMut(&str, &'static str, String),
) {
    if let (Some(said), Some(is)) = (said, is)
        && said != is
    {
        wrong(control, "wrong-citation", format!("the {what} of {control} is {is}, not {said}"));
    }
}
