//! `kensa rules`: list, validate, lint, schema.

use std::sync::Arc;

use kensa::Rule;
use serde_json::{Value, json};

use super::{DONE, answer, table};
use crate::cli::{LintArgs, ListArgs, SchemaArgs, ValidateArgs};
use crate::engine;
use crate::exit::{Exit, Failure};
use crate::terminal::Terminal;

pub(crate) fn list(args: &ListArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let corpus = engine::rules(&args.set, terminal)?.corpus;
    let selection = engine::selection(&args.selection);
    engine::known_ids(&corpus, &selection)?;
    let rules: Vec<&Arc<Rule>> = corpus.rules.iter().filter(|rule| selection.matches(rule)).collect();
    answer(
        &args.output,
        terminal,
        || table(terminal, rules.iter().map(|rule| row(rule))),
        || rules.iter().map(|rule| entry(rule)).collect(),
    )?;
    terminal.note(&format!("{} of {} rules", rules.len(), corpus.rules.len()));
    Ok(DONE)
}

fn row(rule: &Rule) -> Vec<String> {
    vec![rule.id.clone(), rule.severity.to_string(), rule.category.clone(), rule.title.clone()]
}

fn entry(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "title": rule.title,
        "severity": rule.severity,
        "category": rule.category,
        "tags": rule.tags,
        "platforms": rule.platforms,
        "controls": rule.references.flatten(),
        "path": rule.path,
    })
}

pub(crate) fn validate(args: &ValidateArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let (loaded, diagnostics) = engine::validate(&args.path, args.strict)?;
    let text = || match diagnostics.is_empty() {
        true => String::new(),
        false => kensa::load::render(&diagnostics),
    };
    answer(&args.output, terminal, text, || json!(diagnostics))?;
    if loaded == 0 || diagnostics.iter().any(|diagnostic| diagnostic.is_error()) {
        return Ok(Exit::Usage);
    }
    terminal.note(&format!("{loaded} rules load"));
    Ok(DONE)
}

pub(crate) fn lint(args: &LintArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let findings = engine::lint(&args.path)?;
    let text = || match findings.diagnostics.is_empty() {
        true => String::new(),
        false => kensa::load::render(&findings.diagnostics),
    };
    answer(&args.output, terminal, text, || json!(findings.diagnostics))?;
    terminal.note(&kensa::lint::summary(&findings));
    Ok(if findings.diagnostics.is_empty() { DONE } else { Exit::Usage })
}

pub(crate) fn schema(args: &SchemaArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    terminal.print(&engine::schema(args.of)?)?;
    Ok(DONE)
}
