//! `kensa report`: an earlier scan in another format.

use std::io::Read;

use kensa::ScanReport;

use super::check::Sink;
use crate::cli::ReportArgs;
use crate::exit::{Exit, Failure};
use crate::terminal::Terminal;

pub(crate) fn run(args: &ReportArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let name = args.file.display();
    let mut text = String::new();
    let read = if args.file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut text)
    } else {
        std::fs::File::open(&args.file).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    let report: ScanReport = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{name} is not a report: {error}"))
            .with_help("it has to come from `kensa check --format json`")
    })?;
    Sink::new(&args.output)?.deliver(&report, None, terminal)?;
    Ok(report.conclusion().into())
}
