//! `kensa`: arguments in, report out, no logic of its own.
//!
//! A library only so that the Python package can offer the same command without a second binary.

use std::ffi::OsString;

mod arguments;
mod cli;
mod command;
mod engine;
mod exit;
#[cfg(test)]
mod help;
mod parse;
mod progress;
mod secrets;
mod terminal;
mod wait;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use cli::{Cli, Command, RulesCommand};
use exit::{Exit, Failure};
use terminal::Terminal;

/// Runs the command line with `arguments`, the program's name first, and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match parsed(arguments.into_iter().collect()) {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nothing is left to say where even this cannot be printed.
            let _ = error.print();
            return if asked { Exit::Compliant } else { Exit::Usage } as u8;
        }
    };
    let terminal = Terminal::new(&cli.global);
    match perform(cli.command, &terminal) {
        Ok(exit) => exit as u8,
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit as u8
        }
    }
}

fn parsed(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    // What clap itself prints has to follow the option too, also when the arguments are wrong.
    if arguments.iter().any(|argument| argument == "--no-color") {
        command = command.color(clap::ColorChoice::Never);
    }
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

fn perform(command: Command, terminal: &Terminal) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => command::check::run(&args, terminal),
        Command::Detect(args) => command::detect::run(&args, terminal),
        Command::Plan(args) => command::plan::run(&args, terminal),
        Command::Rules(RulesCommand::List(args)) => command::rules::list(&args, terminal),
        Command::Rules(RulesCommand::Show(args)) | Command::Explain(args) => {
            command::explain::run(&args, terminal)
        }
        Command::Rules(RulesCommand::Validate(args)) => command::rules::validate(&args, terminal),
        Command::Rules(RulesCommand::Lint(args)) => command::rules::lint(&args, terminal),
        Command::Rules(RulesCommand::Coverage(args)) => command::coverage::run(&args, terminal),
        Command::Rules(RulesCommand::Schema(args)) => command::rules::schema(&args, terminal),
        Command::NewRule(args) => command::new_rule::run(&args, terminal),
        Command::Report(args) => command::report::run(&args, terminal),
        Command::Completions(args) => command::completions::run(&args, terminal),
    }
}
