//! `kensa`: arguments in, report out, no logic of its own.

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

fn main() -> std::process::ExitCode {
    let cli = match parsed() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nothing is left to say where even this cannot be printed.
            let _ = error.print();
            return if asked { Exit::Compliant } else { Exit::Usage }.into();
        }
    };
    let terminal = Terminal::new(&cli.global);
    match run(cli.command, &terminal) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit.into()
        }
    }
}

fn parsed() -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    // What clap itself prints has to follow the option too, also when the arguments are wrong.
    if std::env::args_os().any(|argument| argument == "--no-color") {
        command = command.color(clap::ColorChoice::Never);
    }
    Cli::from_arg_matches(&command.try_get_matches()?)
}

fn run(command: Command, terminal: &Terminal) -> Result<Exit, Failure> {
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
