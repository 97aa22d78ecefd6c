//! `kensa new-rule`: the first version of a rule file.

use std::fs::OpenOptions;
use std::io::Write as _;

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
    let folder = args.rules.join(&args.category);
    let path = folder.join(format!("{}.yml", args.id));
    let shown = path.display().to_string();
    let failed = |error: std::io::Error| Failure::usage(format!("cannot write {shown}: {error}"));
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    terminal.print(&format!("{shown}\n"))?;
    terminal.note("fill it in, then run `kensa rules validate` and `kensa rules lint` on it");
    Ok(DONE)
}
