//! `kensa explain` and `kensa rules show`: one rule, for people.

use std::fmt::Write as _;

use kensa::load::Corpus;
use kensa::methods::Method;
use kensa::report::printable;
use kensa::rule::{Gate, Implementation, Remediation};
use kensa::value::{Params, Value};
use kensa::{Decision, Facts, Plan, Platform, Rule, ScanOptions, Selection};
use serde_json::json;

use super::{DONE, answer};
use crate::cli::ExplainArgs;
use crate::engine;
use crate::exit::{Exit, Failure};
use crate::terminal::Terminal;

pub(crate) fn run(args: &ExplainArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let corpus = engine::rules(&args.set, terminal)?.corpus;
    let selection = Selection { rule_ids: vec![args.rule.clone()], ..Selection::default() };
    let options = ScanOptions { selection, ..ScanOptions::default() };
    engine::demand_rules(&corpus, &options)?;
    let facts = engine::facts_for(args.platform.as_ref(), &args.capabilities.capabilities);
    let plan = engine::plan(&corpus, &facts, &options)?;
    let Some(rule) = plan.entries.first().map(|entry| &entry.rule) else {
        return Err(Failure::usage(format!("no rule has the id {}", args.rule)));
    };
    let on_a_system = args.platform.is_some() || !args.capabilities.capabilities.is_empty();
    let mut page = Page { text: String::new(), width: terminal.width().unwrap_or(100).clamp(48, 100) };
    page.rule(rule);
    if on_a_system {
        page.planned(&plan);
    } else {
        page.implementations(rule, &corpus, &options)?;
    }
    page.references(rule);
    answer(&args.output, terminal, || page.text, || json!(**rule))?;
    Ok(DONE)
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn rule(&mut self, rule: &Rule) {
        self.line(0, &rule.id);
        self.line(0, &rule.title);
        self.text.push('\n');
        self.field("severity", rule.severity.name());
        self.field("category", &rule.category);
        self.field("tags", &rule.tags.join(", "));
        self.field("for", &kensa::select::describe(&rule.platforms));
        self.field("after", &rule.depends_on.join(", "));
        self.field("against", &rule.conflicts_with.join(", "));
        self.field("replaces", &rule.supersedes.join(", "));
        self.field("file", &rule.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default());
        self.section("WHAT", &rule.description);
        self.section("WHY", &rule.rationale);
    }

    /// What would be done on the system the user named.
    fn planned(&mut self, plan: &Plan) {
        for entry in &plan.entries {
            self.heading("HOW IT WOULD BE CHECKED");
            match &entry.decision {
                Decision::Run(prepared) => {
                    self.line(2, &format!("by the implementation: {}", prepared.implementation));
                    self.commands(plan);
                }
                Decision::Settled { reason, detail } => {
                    self.line(2, &format!("not at all: {reason}: {detail}"))
                }
            }
            for (name, value) in &entry.variables {
                self.line(2, &format!("variable {name} = {value}"));
            }
        }
    }

    fn implementations(
        &mut self,
        rule: &Rule,
        corpus: &Corpus,
        options: &ScanOptions,
    ) -> Result<(), Failure> {
        self.heading("HOW IT IS CHECKED");
        for implementation in &rule.implementations {
            self.line(2, &when(&implementation.gate));
            for condition in &implementation.checks {
                let summary = Method::find(&condition.method).map_or("", |method| method.summary);
                self.line(4, &format!("{}: {summary}", condition.method));
                self.params(6, &condition.params);
            }
            let plan = engine::plan(corpus, &facts_that_choose(rule, implementation), options)?;
            self.commands(&plan);
            for entry in &plan.entries {
                if let Decision::Settled { reason, detail } = &entry.decision {
                    self.line(4, &format!("not without more: {reason}: {detail}"));
                }
            }
        }
        self.heading("HOW IT IS FIXED");
        for implementation in &rule.implementations {
            self.line(2, &when(&implementation.gate));
            match &implementation.remediation {
                Some(remediation) => self.remediation(remediation),
                None => self.line(4, "by hand"),
            }
        }
        if !rule.transactional {
            self.line(2, "Not every step of this can be undone.");
        }
        Ok(())
    }

    fn remediation(&mut self, remediation: &Remediation) {
        for step in &remediation.steps {
            self.line(4, &step.mechanism);
            self.params(6, &step.params);
            step.unless.iter().for_each(|test| self.line(6, &format!("unless: {test}")));
        }
        for (verb, unit) in [("reload", &remediation.reload), ("restart", &remediation.restart)] {
            unit.iter().for_each(|unit| self.line(4, &format!("then {verb} {unit}")));
        }
    }

    fn commands(&mut self, plan: &Plan) {
        for probe in &plan.probes {
            for line in printable(probe.command().trim_end()).lines() {
                let _ = writeln!(self.text, "    $ {line}");
            }
        }
    }

    fn references(&mut self, rule: &Rule) {
        let references = rule.references.flatten();
        if references.is_empty() {
            return;
        }
        self.heading("REFERENCES");
        for (framework, controls) in &references {
            self.line(2, &format!("{framework}: {}", controls.join(", ")));
        }
    }

    fn params(&mut self, indent: usize, params: &Params) {
        for (name, value) in params {
            self.line(indent, &format!("{name}: {}", plain(value)));
        }
    }

    fn section(&mut self, name: &str, text: &str) {
        if !text.trim().is_empty() {
            self.heading(name);
            text.trim().lines().for_each(|line| self.paragraph(line));
        }
    }

    fn heading(&mut self, name: &str) {
        let _ = writeln!(self.text, "\n{name}");
    }

    fn field(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.line(2, &format!("{name:<10}{value}"));
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.wrapped(2, 2, text);
    }

    /// What does not fit on one line goes on a little deeper.
    fn line(&mut self, indent: usize, text: &str) {
        self.wrapped(indent, indent + 2, text);
    }

    fn wrapped(&mut self, first: usize, rest: usize, text: &str) {
        let (first, rest) = (" ".repeat(first), " ".repeat(rest));
        let options = textwrap::Options::new(self.width).initial_indent(&first).subsequent_indent(&rest);
        let options = options.break_words(false).word_separator(textwrap::WordSeparator::AsciiSpace);
        let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
        self.text.push_str(textwrap::fill(&printable(text), options).trim_end());
        self.text.push('\n');
    }
}

fn when(gate: &Gate) -> String {
    match gate {
        Gate::Default => "otherwise".to_owned(),
        Gate::Always => "always".to_owned(),
        gate => format!("with {gate}"),
    }
}

/// A value on one line, text without quotes.
fn plain(value: &Value) -> String {
    value.to_scalar_text().unwrap_or_else(|| serde_json::to_string(value).unwrap_or_default())
}

/// A host on which this implementation is the one to be chosen, as far as its own gate can say.
fn facts_that_choose(rule: &Rule, implementation: &Implementation) -> Facts {
    let wanted = !matches!(implementation.gate, Gate::Not(_));
    let capabilities: Vec<(String, bool)> =
        implementation.gate.capabilities().iter().map(|name| (name.clone(), wanted)).collect();
    let platform = rule.platforms.first().map(|constraint| {
        let version = constraint.min_version.or(constraint.max_version);
        Platform::new(&constraint.family, &version.map(|version| version.to_string()).unwrap_or_default())
    });
    engine::facts_for(platform.as_ref(), &capabilities)
}
