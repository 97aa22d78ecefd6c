//! `kensa new-rule`: the first version of a rule file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::DONE;
use crate::cli::NewRuleArgs;
use crate::exit::{Exit, Failure};
use crate::terminal::Terminal;

pub(crate) fn run(args: &NewRuleArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let text = kensa::scaffold::new_rule(&args.id, &args.category, &args.method)
        .map_err(|error| Failure::usage(error.to_string()))?;
    if !args.rules.is_dir() {
        let message = format!("there is no folder {}", args.rules.display());
        return Err(Failure::usage(message).with_help("name the folder of the rule set by --rules"));
    }
    let fixtures = args.fixtures.as_deref().map(|path| Fixtures::of(path, &args.id)).transpose()?;
    let folder = args.rules.join(&args.category);
    let path = folder.join(format!("{}.yml", args.id));
    let shown = path.display().to_string();
    let failed = |error: std::io::Error| Failure::usage(format!("cannot write {shown}: {error}"));
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    terminal.print(&format!("{shown}\n"))?;
    if let Some(fixtures) = fixtures {
        fixtures.write(&args.id)?;
        terminal.print(&format!("{}\n", fixtures.path.display()))?;
    }
    terminal.note("fill it in, then run `kensa rules validate` and `kensa rules lint` on it");
    Ok(DONE)
}

/// A file of host states that knows nothing of the rule yet.
struct Fixtures<'a> {
    path: &'a Path,
    text: String,
}

impl<'a> Fixtures<'a> {
    fn of(path: &'a Path, id: &str) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
        if text.lines().any(|line| line.strip_suffix(':') == Some(id)) {
            return Err(Failure::usage(format!("{} has states for {id} already", path.display())));
        }
        Ok(Self { path, text })
    }

    fn write(&self, id: &str) -> Result<(), Failure> {
        let break_ = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { "\n" };
        let mut file = OpenOptions::new()
            .append(true)
            .open(self.path)
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", self.path.display())))?;
        file.write_all(format!("{break_}{}", kensa::scaffold::new_fixtures(id)).as_bytes())
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", self.path.display())))
    }
}
