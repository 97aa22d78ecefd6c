//! `kensa check`: scan one host and report.

use std::time::Instant;

use kensa::ScanReport;
use kensa::load::Corpus;
use kensa::report::{Format, RenderOptions};

use crate::arguments::ReportOutput;
use crate::cli::CheckArgs;
use crate::engine::{self, Rules};
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::secrets::Secrets;
use crate::terminal::{Destination, Terminal};
use crate::wait::until_done;

pub(crate) fn run(args: &CheckArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let began = Instant::now();
    let Rules { corpus, some_left_out } = engine::rules(&args.set, terminal)?;
    let load = began.elapsed();
    let mut options = engine::scan_options(&args.selection, &args.capabilities);
    options.scan_timeout = args.scan_timeout;
    options.profile = args.profile;
    engine::demand_rules(&corpus, &options)?;
    let sink = Sink::new(&args.output)?;
    let secrets = Secrets::collect(&args.login)?;
    let host = args.place.host.as_ref();
    let mut report = until_done(async {
        let mut progress = Progress::new(terminal, host.map_or("localhost", |name| &name.host));
        let session = engine::connect(host, &args.login, &secrets).await?;
        let report = engine::scan(&session, &corpus, &options, &mut |event| progress.show(&event)).await;
        session.close().await;
        report
    })?;
    if let Some(timings) = &mut report.timings {
        timings.add_load(load);
    }
    sink.deliver(&report, Some(&corpus), terminal)?;
    Ok(match report.conclusion().into() {
        Exit::Compliant if some_left_out => Exit::Incomplete,
        exit => exit,
    })
}

/// Where a report goes and in which format; settled before anything is asked of a host.
pub(super) struct Sink {
    format: &'static Format,
    file: Option<Destination>,
}

impl Sink {
    pub(super) fn new(output: &ReportOutput) -> Result<Self, Failure> {
        let format = Format::find(&output.format).map_err(|error| Failure::usage(error.to_string()))?;
        let file = output.output.as_deref().map(Destination::open).transpose()?;
        Ok(Self { format, file })
    }

    pub(super) fn deliver(
        &self,
        report: &ScanReport,
        corpus: Option<&Corpus>,
        terminal: &Terminal,
    ) -> Result<(), Failure> {
        let rules = corpus.map_or(&[][..], |corpus| corpus.rules.as_slice());
        let on_screen = self.file.is_none();
        let options = RenderOptions {
            width: terminal.width().filter(|_| on_screen),
            color: terminal.color() && on_screen,
            verbose: terminal.verbose,
            rules,
        };
        terminal.deliver_by(self.file.as_ref(), |out| self.format.write(report, &options, out))?;
        if self.file.is_some() {
            let summary = &report.summary;
            terminal.note(&format!(
                "{}: {} pass, {} fail, {} could not be told, {} skipped",
                report.host, summary.pass, summary.fail, summary.error, summary.skipped
            ));
        }
        Ok(())
    }
}
