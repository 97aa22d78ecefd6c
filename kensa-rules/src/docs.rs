//! The pages of `docs/rules/`: every rule for people to browse, one page a category.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use kensa_core::rule::{Gate, Implementation};
use kensa_core::value::{Params, Value};
use kensa_core::{Facts, Platform, Rule};

use crate::load::Corpus;
use crate::plan::Plan;

/// The command that writes the pages anew.
pub const REGENERATE: &str = "cargo run -p kensa-rules --example write_rule_docs";

/// File names and texts: `README.md` and a page for each category.
pub fn pages(corpus: &Corpus) -> BTreeMap<String, String> {
    let mut by_category: BTreeMap<&str, Vec<&Arc<Rule>>> = BTreeMap::new();
    for rule in &corpus.rules {
        by_category.entry(&rule.category).or_default().push(rule);
    }
    let mut index = format!(
        "<!-- Generated, do not edit: `{REGENERATE}`. -->\n\n# Rules\n\n{} rules. `kensa rules coverage` says which controls they answer.\n\n| category | rules |\n|---|---|\n",
        corpus.rules.len()
    );
    let mut pages = BTreeMap::new();
    for (category, mut rules) in by_category {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        let _ = writeln!(index, "| [{category}]({category}.md) | {} |", rules.len());
        pages.insert(format!("{category}.md"), page(category, &rules, corpus));
    }
    pages.insert("README.md".to_owned(), index);
    pages
}

fn page(category: &str, rules: &[&Arc<Rule>], corpus: &Corpus) -> String {
    let mut text = format!(
        "<!-- Generated, do not edit: `{REGENERATE}`. -->\n\n# {category}\n\n{} rules. [All categories](README.md)\n\n| rule | severity | what is true of a host that complies |\n|---|---|---|\n",
        rules.len()
    );
    for rule in rules {
        let _ = writeln!(text, "| [{0}](#{0}) | {1} | {2} |", rule.id, rule.severity, cell(&rule.title));
    }
    rules.iter().for_each(|rule| section(&mut text, rule, corpus));
    text
}

fn section(text: &mut String, rule: &Arc<Rule>, corpus: &Corpus) {
    let file =
        rule.path.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let _ = writeln!(text, "\n## {}\n\n**{}**\n", rule.id, rule.title);
    let platforms = match rule.platforms.is_empty() {
        true => "every system".to_owned(),
        false => crate::select::describe(&rule.platforms),
    };
    let _ =
        writeln!(text, "{} · {platforms} · [{file}](../../rules/{}/{file})\n", rule.severity, rule.category);
    let _ = writeln!(text, "{}\n\nWhy: {}\n", rule.description.trim(), rule.rationale.trim());
    for implementation in &rule.implementations {
        let several = rule.implementations.len() > 1 || implementation.gate != Gate::Default;
        let when = if several { format!(" ({})", when(&implementation.gate)) } else { String::new() };
        let _ = writeln!(text, "Check{when}:\n");
        for condition in &implementation.checks {
            let _ = writeln!(text, "- `{}`{}", condition.method, parameters(&condition.params));
        }
        let probes = probes(rule, implementation, corpus);
        if !probes.is_empty() {
            let _ = writeln!(text, "\n```sh\n{}\n```", probes.join("\n"));
        }
        let _ = writeln!(text, "\nFix{when}:\n");
        match &implementation.remediation {
            None => text.push_str("- by hand\n"),
            Some(remediation) => {
                for step in &remediation.steps {
                    let _ = writeln!(text, "- `{}`{}", step.mechanism, parameters(&step.params));
                }
                for (verb, unit) in [("reload", &remediation.reload), ("restart", &remediation.restart)] {
                    unit.iter().for_each(|unit| text.push_str(&format!("- then {verb} `{unit}`\n")));
                }
            }
        }
        text.push('\n');
    }
    if !rule.conflicts_with.is_empty() {
        let others: Vec<String> = rule.conflicts_with.iter().map(|id| format!("`{id}`")).collect();
        let _ = writeln!(text, "Alternative to: {} (a host follows one of them)\n", others.join(", "));
    }
    let references = rule.references.flatten();
    if !references.is_empty() {
        let listed: Vec<String> = references
            .iter()
            .map(|(framework, controls)| format!("{framework}: {}", controls.join(", ")))
            .collect();
        let _ = writeln!(text, "References: {}", listed.join(" · "));
    }
}

fn when(gate: &Gate) -> String {
    match gate {
        Gate::Default => "otherwise".to_owned(),
        Gate::Always => "always".to_owned(),
        gate => format!("with {gate}"),
    }
}

/// The commands of the first wave, on a host on which this implementation is the one to be used.
fn probes(rule: &Arc<Rule>, implementation: &Implementation, corpus: &Corpus) -> Vec<String> {
    let only = Implementation { gate: Gate::Default, ..implementation.clone() };
    let rule = Rule { implementations: vec![only], ..(**rule).clone() };
    let wanted = !matches!(implementation.gate, Gate::Not(_));
    let named = |name: &String| (name.clone(), wanted);
    let platform = rule.platforms.first().map(|constraint| {
        let version = constraint.min_version.or(constraint.max_version);
        Platform::new(&constraint.family, &version.map(|version| version.to_string()).unwrap_or_default())
    });
    let facts = Facts {
        platform,
        capabilities: implementation.gate.capabilities().iter().map(named).collect(),
        ..Facts::default()
    };
    let plan = Plan::of(&[Arc::new(rule)], &facts, &corpus.variables);
    plan.probes.iter().map(|probe| probe.command().trim_end().to_owned()).collect()
}

/// The parameters on one line; text of several lines shows in the commands.
fn parameters(params: &Params) -> String {
    let shown = params.iter().map(|(name, value)| format!("{name} `{}`", plain(value)));
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { String::new() } else { format!(": {}", shown.join(", ")) }
}

fn plain(value: &Value) -> String {
    let text = value.to_scalar_text().unwrap_or_else(|| serde_json::to_string(value).unwrap_or_default());
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default().replace('`', "'");
    if lines.next().is_some() { format!("{first} …") } else { first }
}

/// Text inside a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
