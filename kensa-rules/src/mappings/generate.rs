//! A control list and the rules' references to a mapping, and a mapping to the text of its file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use kensa_core::Rule;
use kensa_core::rule::PlatformConstraint;

use super::controls::members;
use super::{Benchmark, Control, FrameworkMapping, Kind, MappingEntry, OPEN, Reference, UnimplementedEntry};

/// The command that writes the files of `rules/mappings/` anew.
pub const REGENERATE: &str = "cargo run -p kensa-rules --example write_mappings";

/// What one host can show of a duty.
const PART_OF_A_DUTY: &str = "rules measure what one host shows of it";

/// The mapping of `benchmark`: which of `rules` answer which of its `controls`.
///
/// A control that rules cite and for which the list has a reason is answered in part. Citations of controls
/// that are not in the list are left out; lint reports them.
pub fn generate<R: AsRef<Rule>>(
    benchmark: &Benchmark,
    controls: &[Control],
    rules: &[R],
) -> FrameworkMapping {
    let mut rules: Vec<&Rule> = rules.iter().map(AsRef::as_ref).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    let cited = citations(&rules);
    let mut mapping = FrameworkMapping {
        id: benchmark.id.to_owned(),
        framework: benchmark.framework.to_owned(),
        title: benchmark.title.to_owned(),
        published: benchmark.published.map(str::to_owned),
        platform: benchmark.system.map(|(family, version)| PlatformConstraint {
            family: family.to_owned(),
            min_version: Some(version),
            max_version: Some(version),
            derivatives: true,
        }),
        controls: controls.iter().map(|control| control.id.clone()).collect(),
        ..FrameworkMapping::default()
    };
    for control in controls {
        let answering = answering(benchmark, control, &cited);
        match answering.first().and_then(|first| rules.get(*first)) {
            Some(first) => mapping.sections.push(MappingEntry {
                control: control.id.clone(),
                title: first.title.clone(),
                rules: answering.iter().filter_map(|at| rules.get(*at)).map(|rule| rule.id.clone()).collect(),
                level: filled(&control.level).map(|level| level.replace('|', ", ")),
                kind: filled(&control.assessment),
                severity: filled(&control.severity),
                stig_id: filled(&control.other_id),
                // The CCIs of a STIG item are its own; those of an 800-53 control are a list by themselves.
                cci: match benchmark.reference {
                    Reference::Stig(_) => members(&control.cci).map(str::to_owned).collect(),
                    _ => Vec::new(),
                },
                partial: match (benchmark.kind, filled(&control.reason)) {
                    (Kind::Settings, reason) => reason,
                    (Kind::Duties, _) => Some(PART_OF_A_DUTY.to_owned()),
                },
            }),
            None => mapping.unimplemented.push(unanswered(benchmark, control)),
        }
    }
    mapping
}

fn unanswered(benchmark: &Benchmark, control: &Control) -> UnimplementedEntry {
    // A control that a rule could answer in part is open as long as none does.
    let (kind, reason) = match control.kind.as_str() {
        "" | "partial" => (OPEN.to_owned(), "no rule yet".to_owned()),
        kind => (kind.to_owned(), control.reason.clone()),
    };
    let name = filled(&control.other_id).unwrap_or_else(|| control.id.clone());
    UnimplementedEntry {
        control: control.id.clone(),
        title: format!("{} {name} (no rule)", benchmark.short),
        reason,
        kind,
    }
}

fn filled(cell: &str) -> Option<String> {
    (!cell.is_empty()).then(|| cell.to_owned())
}

/// Framework key and control to the places of the rules that cite it.
type Citations<'r> = BTreeMap<(String, &'r str), BTreeSet<usize>>;

fn citations<'r>(rules: &[&'r Rule]) -> Citations<'r> {
    let mut cited: Citations<'r> = BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        for (framework, control) in cited_by(rule) {
            cited.entry((framework, control)).or_default().insert(at);
        }
    }
    cited
}

/// Every citation of a rule: `cis_rhel9_v2` and a section, `stig_rhel9_v2r7` and a `V-` number or a STIG id,
/// the key of a list and a member.
fn cited_by(rule: &Rule) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    for (key, items) in &rule.references.cis {
        found.extend(items.iter().map(|item| (format!("cis_{key}"), item.section.as_str())));
    }
    for (key, items) in &rule.references.stig {
        let ids = items.iter().flat_map(|item| item.vuln_id.iter().chain(&item.stig_id));
        found.extend(ids.map(|id| (format!("stig_{key}"), id.as_str())));
    }
    for (key, controls) in &rule.references.lists {
        found.extend(controls.iter().map(|control| (key.clone(), base(key, control))));
    }
    found
}

/// The requirement an SP 800-171A objective belongs to: `3.1.1` of `3.1.1[d]`.
pub(crate) fn base<'c>(framework: &str, control: &'c str) -> &'c str {
    match framework {
        "nist_800_171" => control.split('[').next().unwrap_or(control),
        _ => control,
    }
}

fn answering(benchmark: &Benchmark, control: &Control, cited: &Citations<'_>) -> Vec<usize> {
    let mut names: Vec<(String, &str)> = match benchmark.reference {
        Reference::Cis(key) => vec![(format!("cis_{key}"), control.id.as_str())],
        Reference::Stig(key) => {
            [&control.id, &control.other_id].map(|id| (format!("stig_{key}"), id.as_str())).to_vec()
        }
        Reference::List(key) => vec![(key.to_owned(), control.id.as_str())],
        Reference::Joined => Vec::new(),
    };
    names.extend(members(&control.ssg).map(|slug| ("ssg".to_owned(), slug)));
    let via = members(&control.via).filter_map(|name| name.split_once(':'));
    names.extend(via.map(|(framework, control)| (framework.to_owned(), control)));
    let rules: BTreeSet<usize> = names.iter().filter_map(|name| cited.get(name)).flatten().copied().collect();
    rules.into_iter().collect()
}

/// The text of a mapping's file.
pub fn render(mapping: &FrameworkMapping) -> String {
    let mut text = format!(
        "# Generated, do not edit: from the rules' references and controls/{}.csv by `{REGENERATE}`.\n",
        mapping.id
    );
    let _ = writeln!(text, "id: {}", mapping.id);
    let _ = writeln!(text, "framework: {}", mapping.framework);
    let _ = writeln!(text, "title: {}", quoted(&mapping.title));
    if let Some(published) = &mapping.published {
        let _ = writeln!(text, "published: {published}");
    }
    if let Some(platform) = &mapping.platform {
        let _ = write!(text, "platform: {{family: {}", platform.family);
        let bounds = [("min_version", platform.min_version), ("max_version", platform.max_version)];
        for (key, version) in bounds.iter().filter_map(|(key, version)| Some((key, (*version)?))) {
            let _ = write!(text, ", {key}: {version}");
        }
        text.push_str("}\n");
    }
    text.push_str("control_ids:\n");
    mapping.controls.iter().for_each(|control| text += &format!("  - {}\n", quoted(control)));
    let body = match mapping.framework.as_str() {
        "cis" => "sections",
        "stig" => "findings",
        _ => "controls",
    };
    let _ = writeln!(text, "{body}:{}", if mapping.sections.is_empty() { " {}" } else { "" });
    mapping.sections.iter().for_each(|entry| text += &section(entry));
    let none = if mapping.unimplemented.is_empty() { " {}" } else { "" };
    let _ = writeln!(text, "unimplemented:{none}");
    for entry in &mapping.unimplemented {
        let _ = writeln!(
            text,
            "  {}: {{title: {}, type: {}, reason: {}}}",
            quoted(&entry.control),
            quoted(&entry.title),
            entry.kind,
            quoted(&entry.reason)
        );
    }
    text
}

fn section(entry: &MappingEntry) -> String {
    let mut text = format!("  {}:\n    title: {}\n", quoted(&entry.control), quoted(&entry.title));
    let _ = writeln!(text, "    rules: [{}]", entry.rules.join(", "));
    let given = [
        ("level", &entry.level),
        ("type", &entry.kind),
        ("severity", &entry.severity),
        ("stig_id", &entry.stig_id),
        ("partial", &entry.partial),
    ];
    for (key, value) in given.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
        let _ = writeln!(text, "    {key}: {}", quoted(value));
    }
    if !entry.cci.is_empty() {
        let _ = writeln!(text, "    cci: [{}]", entry.cci.join(", "));
    }
    text
}

/// Text between double quotes; JSON's escapes are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
