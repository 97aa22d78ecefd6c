//! What is wrong with rules that load: verdicts that cannot be reached, shell text that hides a failure, limits that a
//! switched-off control meets, citations of controls that do not exist, remediations that act on something else than the
//! check reads or that contradict each other.
//!
//! A justified exception stands in [`ALLOW_LIST`] beside the rules, with its reason.

mod alternatives;
mod commands;
mod limits;
mod references;
mod remediation;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::load::diagnostic::{counted, sort};
use crate::load::yaml::{Node, Source, Span};
use crate::load::{Diagnostic, Level, LoadError, LoadOptions, load_rules};
use crate::mappings::FrameworkMapping;

/// Name of the list of exceptions: columns `rule`, `code`, `reason`.
pub const ALLOW_LIST: &str = "lint-allow.csv";

/// What rules are held against.
#[derive(Clone, Copy, Debug, Default)]
pub struct LintOptions<'o> {
    /// The benchmarks whose controls rules may cite; a benchmark that is not here is not looked at.
    pub mappings: Option<&'o BTreeMap<String, FrameworkMapping>>,
    /// The capabilities a gate may name; `None` when any name goes.
    pub known_capabilities: Option<&'o [&'o str]>,
}

/// What lint found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Rules looked at.
    pub rules: usize,
    /// What is wrong, sorted by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// Findings the allow list accepts.
    pub allowed: usize,
}

/// Looks at the rule file, or at every rule below the folder, at `path`. What the loader finds with
/// `strict` is part of it. Runs `sh -n` on shell text, which reads it and executes nothing.
///
/// # Errors
/// See [`LoadError`]; a rule that does not load is a finding.
pub fn lint(path: impl AsRef<Path>, options: &LintOptions<'_>) -> Result<Findings, LoadError> {
    let path = path.as_ref();
    let strict = LoadOptions {
        strict: true,
        known_capabilities: options.known_capabilities,
        ..LoadOptions::default()
    };
    let mut diagnostics = match load_rules(path, &strict) {
        Ok(corpus) => corpus.diagnostics,
        Err(LoadError::Invalid { diagnostics }) => diagnostics,
        Err(error) => return Err(error),
    };
    let relaxed = LoadOptions { strict: false, ..strict };
    let corpus = match load_rules(path, &relaxed) {
        Ok(corpus) => corpus,
        // No rule is left to look at, and why is known.
        Err(LoadError::Invalid { .. } | LoadError::NoRules { .. }) if !diagnostics.is_empty() => {
            return Ok(Findings { diagnostics, ..Findings::default() });
        }
        Err(error) => return Err(error),
    };
    for rule in &corpus.rules {
        let Some(file) = rule.path.as_deref() else { continue };
        let bytes = std::fs::read(file)
            .map_err(|error| LoadError::Unreadable { path: file.to_owned(), message: error.to_string() })?;
        let Ok(mut source) = Source::new(file, &bytes) else { continue };
        let Some(root) = source.parse() else { continue };
        commands::look(&mut source, &root);
        references::look(&mut source, &root, rule, options.mappings);
        remediation::look(&mut source, &root, rule);
        limits::look(&mut source, &root, rule, &corpus.variables);
        diagnostics.append(&mut source.found);
    }
    alternatives::look(&corpus, &mut diagnostics);
    let allowed = allow(path, &mut diagnostics);
    sort(&mut diagnostics);
    diagnostics.dedup();
    Ok(Findings { rules: corpus.rules.len(), diagnostics, allowed })
}

#[derive(Deserialize)]
struct Exception {
    rule: String,
    code: String,
    reason: String,
}

/// Takes out what the allow list accepts, says what it accepts in vain, and returns how many were taken out.
fn allow(path: &Path, diagnostics: &mut Vec<Diagnostic>) -> usize {
    let file = match path.is_dir() {
        true => path.join(ALLOW_LIST),
        // A rule file lies in the folder of its category.
        false => path.parent().and_then(Path::parent).unwrap_or(Path::new("")).join(ALLOW_LIST),
    };
    let Ok(text) = std::fs::read_to_string(&file) else { return 0 };
    let before = diagnostics.len();
    let mut used = BTreeSet::new();
    let mut exceptions = Vec::new();
    for (at, row) in csv::Reader::from_reader(text.as_bytes()).into_deserialize::<Exception>().enumerate() {
        match row {
            Ok(row) if !row.reason.trim().is_empty() => exceptions.push((at, row)),
            Ok(row) => {
                diagnostics.push(odd(&file, at, format!("the exception of {} has no reason", row.rule)))
            }
            Err(error) => diagnostics.push(odd(&file, at, error.to_string())),
        }
    }
    diagnostics.retain(|found| {
        let stem = found.path.file_stem().and_then(|stem| stem.to_str());
        let exception =
            exceptions.iter().find(|(_, row)| Some(row.rule.as_str()) == stem && row.code == found.code);
        used.extend(exception.map(|(at, _)| *at));
        exception.is_none()
    });
    let taken = before.saturating_sub(diagnostics.len());
    if path.is_dir() {
        for (at, row) in exceptions.iter().filter(|(at, _)| !used.contains(at)) {
            let message = format!("{} has no finding {} to accept", row.rule, row.code);
            diagnostics.push(odd(&file, *at, message));
        }
    }
    taken
}

fn odd(file: &Path, row: usize, message: String) -> Diagnostic {
    let mut found = Diagnostic::of_file(Level::Error, "allow-list", file, message);
    (found.line, found.column, found.length) = (u32::try_from(row).unwrap_or(0) + 2, 1, 1);
    found
}

/// `3 rules, 1 finding`, for people.
pub fn summary(findings: &Findings) -> String {
    let mut text =
        format!("{}, {}", counted(findings.rules, "rule"), counted(findings.diagnostics.len(), "finding"));
    if findings.allowed > 0 {
        text += &format!(", {} accepted with a reason", findings.allowed);
    }
    text
}

/// Where line `wanted` of a block of text stands in its file: the first line with that text at or after the
/// block's beginning.
fn place_of(source: &Source<'_>, node: &Node<'_>, wanted: &str) -> Span {
    let wanted = wanted.lines().next().unwrap_or_default().trim();
    let from = node.span.line.saturating_sub(1) as usize;
    let found = source.text.lines().enumerate().skip(from).find(|(_, line)| line.contains(wanted));
    match found {
        Some((at, line)) if !wanted.is_empty() => {
            let before = line.find(wanted).unwrap_or(0);
            let column = line.get(..before).unwrap_or_default().chars().count() + 1;
            Span { line: at as u32 + 1, column: column as u32, length: wanted.chars().count() as u32 }
        }
        _ => node.span,
    }
}

/// The list under `key`, empty when there is none.
fn items<'n, 't>(node: &'n Node<'t>, key: &str) -> &'n [Node<'t>] {
    match node.get(key).map(|node| &node.yaml) {
        Some(crate::load::yaml::Yaml::List(items)) => items,
        _ => &[],
    }
}

/// The text under `key`.
fn text<'n>(node: &'n Node<'_>, key: &str) -> Option<&'n str> {
    match node.get(key).map(|node| &node.yaml) {
        Some(crate::load::yaml::Yaml::Scalar { text, .. }) => Some(text),
        _ => None,
    }
}

/// The conditions of an implementation.
fn conditions<'n, 't>(implementation: &'n Node<'t>) -> Vec<&'n Node<'t>> {
    let Some(check) = implementation.get("check") else { return Vec::new() };
    match &check.yaml {
        crate::load::yaml::Yaml::List(list) => list.iter().collect(),
        _ if check.get("checks").is_some() => items(check, "checks").iter().collect(),
        _ => vec![check],
    }
}

/// The steps of an implementation's remediation.
fn steps<'n, 't>(implementation: &'n Node<'t>) -> Vec<&'n Node<'t>> {
    match implementation.get("remediation") {
        Some(remediation) if remediation.get("steps").is_some() => {
            items(remediation, "steps").iter().collect()
        }
        Some(remediation) => vec![remediation],
        None => Vec::new(),
    }
}
