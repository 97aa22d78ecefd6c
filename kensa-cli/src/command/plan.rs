//! `kensa plan`: everything a scan would run.

use std::fmt::Write as _;

use kensa::report::printable;
use kensa::{Decision, Facts, Plan, PlanReport};
use serde_json::json;

use super::{DONE, answer};
use crate::cli::PlanArgs;
use crate::engine;
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use crate::terminal::Terminal;
use crate::wait::until_done;

pub(crate) fn run(args: &PlanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let corpus = engine::rules(&args.set, terminal)?.corpus;
    let options = engine::scan_options(&args.selection, &args.capabilities);
    engine::demand_rules(&corpus, &options)?;
    let facts = match &args.place.platform {
        Some(platform) => engine::facts_for(Some(platform), &args.capabilities.capabilities),
        None => {
            let secrets = Secrets::collect(&args.login)?;
            let host = args.place.host.as_ref();
            until_done(engine::detect(host, &args.login, &secrets, &args.capabilities))?
        }
    };
    let plan = engine::plan(&corpus, &facts, &options)?;
    answer(
        &args.output,
        terminal,
        || text(&plan, &facts, terminal.verbose),
        || json!(PlanReport::of(&plan, &facts)),
    )?;
    Ok(DONE)
}

/// Comments and commands, so that the whole can be read, or fed to a shell.
fn text(plan: &Plan, facts: &Facts, verbose: bool) -> String {
    let system = facts.platform.as_ref().map_or("an unknown system", |platform| &platform.pretty_name);
    let mut text = String::new();
    let (mut skipped, mut unknown) = (Vec::new(), Vec::new());
    for entry in &plan.entries {
        if let Decision::Settled { reason, detail } = &entry.decision {
            let line = format!("{}: {reason}: {detail}", entry.rule.id);
            if reason.is_skip() { skipped.push(line) } else { unknown.push(line) }
        }
    }
    let _ = writeln!(text, "# {} rules on {}", plan.entries.len(), comment(system));
    let _ = writeln!(
        text,
        "# {} would be evaluated, {} skipped, {} could not be told",
        plan.to_run(),
        skipped.len(),
        unknown.len()
    );
    let lines = unknown.iter().chain(skipped.iter().filter(|_| verbose));
    lines.for_each(|line| text += &format!("#   {}\n", comment(line)));
    text.push('\n');
    for probe in &plan.probes {
        if verbose {
            let wanting = plan.entries.iter().filter(|entry| entry.probes().any(|own| own == probe));
            let rules: Vec<&str> = wanting.map(|entry| entry.rule.id.as_str()).collect();
            let _ = writeln!(text, "# {}", comment(&rules.join(", ")));
        }
        let command = probe.command();
        let _ = writeln!(text, "{}", printable(plan.secrets().mask(command.trim_end()).as_ref()));
    }
    text
}

/// On one line, whatever it holds: the rest would not be a comment.
fn comment(text: &str) -> String {
    printable(text).replace('\n', " ")
}
