//! `docs/cli.md` shows the help text of every command, and these tests keep it so.
//!
//! After a change of the arguments: `KENSA_UPDATE_DOCS=1 cargo test -p kensa-cli`.

use clap::CommandFactory;

use crate::cli::Cli;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");

/// Every command as it is typed, with its long help.
fn commands() -> Vec<(String, String)> {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut found = Vec::new();
    collect(&mut root, "", &mut found);
    found
}

fn collect(command: &mut clap::Command, parent: &str, found: &mut Vec<(String, String)>) {
    if command.get_name() == "help" {
        return;
    }
    let name = format!("{parent} {}", command.get_name()).trim().to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    found.push((name.clone(), help.join("\n").trim_end().to_owned()));
    for sub in command.get_subcommands_mut() {
        collect(sub, &name, found);
    }
}

/// The page with the help text of `name` in the block that belongs to it.
fn with_help(page: &str, name: &str, help: &str) -> Option<String> {
    let open = format!("<!-- {name} --help -->\n```text\n");
    let start = page.find(&open)? + open.len();
    let end = start + page[start..].find("\n```\n")?;
    Some(format!("{}{help}{}", &page[..start], &page[end..]))
}

#[test]
fn the_page_shows_the_help_of_every_command() {
    let before = std::fs::read_to_string(PAGE).unwrap();
    let mut page = before.clone();
    for (name, help) in commands() {
        page =
            with_help(&page, &name, &help).unwrap_or_else(|| panic!("docs/cli.md has no block for `{name}`"));
    }
    if std::env::var_os("KENSA_UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    } else {
        assert!(page == before, "docs/cli.md is stale: KENSA_UPDATE_DOCS=1 cargo test -p kensa-cli");
    }
}

#[test]
fn the_page_shows_no_command_that_is_not_there() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let known: Vec<String> =
        commands().into_iter().map(|(name, _)| format!("<!-- {name} --help -->")).collect();
    for line in page.lines().filter(|line| line.starts_with("<!-- kensa")) {
        assert!(known.iter().any(|known| known == line), "{line}");
    }
}

#[test]
fn every_command_and_every_argument_is_explained_and_has_an_example() {
    let mut root = Cli::command();
    root.build();
    explained(&root);
}

fn explained(command: &clap::Command) {
    let name = command.get_name();
    assert!(command.get_about().is_some(), "{name} has no help");
    if !command.has_subcommands() {
        let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("kensa "), "{name} has no example");
    }
    for argument in command.get_arguments() {
        assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
    }
    command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(explained);
}

#[test]
fn every_example_is_accepted() {
    let mut tried = 0;
    let texts = commands().into_iter().map(|(_, help)| help);
    let page = std::fs::read_to_string(PAGE).unwrap();
    for text in texts.chain([page]) {
        for line in text.lines().map(str::trim_start).filter(|line| line.starts_with("kensa ")) {
            for part in line.split(" | ").filter(|part| part.starts_with("kensa ")) {
                let words = words(part);
                let parsed = <Cli as clap::Parser>::try_parse_from(&words);
                assert!(
                    parsed.is_ok(),
                    "{part}\n{}",
                    parsed.err().map(|e| e.to_string()).unwrap_or_default()
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 30, "only {tried} examples were found");
}

/// An example's words as a shell would split them: quotes count, and a redirection, a comment or two blanks
/// in a row (the words beside an example) end it.
fn words(line: &str) -> Vec<String> {
    let line = line.split("  ").next().unwrap_or(line);
    let line = line.split(" > ").next().unwrap_or(line);
    let line = line.split(" #").next().unwrap_or(line);
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
