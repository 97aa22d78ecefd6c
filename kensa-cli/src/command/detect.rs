//! `kensa detect`: what a host is.

use kensa::Facts;
use serde_json::json;

use super::{DONE, answer, table};
use crate::cli::DetectArgs;
use crate::engine;
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use crate::terminal::Terminal;
use crate::wait::until_done;

pub(crate) fn run(args: &DetectArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let secrets = Secrets::collect(&args.login)?;
    let host = args.place.host.as_ref();
    let facts = until_done(engine::detect(host, &args.login, &secrets, &args.capabilities))?;
    answer(&args.output, terminal, || text(&facts, terminal), || json!(facts))?;
    let told = facts.platform.is_some() && facts.undetermined.is_empty();
    Ok(if told { DONE } else { Exit::Incomplete })
}

fn text(facts: &Facts, terminal: &Terminal) -> String {
    let system = match &facts.platform {
        Some(platform) => format!("{} ({})", platform.pretty_name, platform.key()),
        None => "unknown".to_owned(),
    };
    let mut rows = vec![vec!["system".to_owned(), system]];
    let present = |yes: &bool| if *yes { "yes" } else { "no" }.to_owned();
    rows.extend(facts.capabilities.iter().map(|(name, yes)| vec![name.clone(), present(yes)]));
    rows.extend(
        facts.undetermined.iter().map(|(name, why)| vec![name.clone(), format!("could not be told: {why}")]),
    );
    table(terminal, rows)
}
