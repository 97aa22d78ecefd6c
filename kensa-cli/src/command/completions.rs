//! `kensa completions`: a completion script.

use clap::CommandFactory;

use super::DONE;
use crate::cli::{Cli, CompletionsArgs};
use crate::exit::{Exit, Failure};
use crate::terminal::Terminal;

pub(crate) fn run(args: &CompletionsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kensa", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(DONE)
}
