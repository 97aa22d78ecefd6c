//! A progress line on standard error while a scan runs, when somebody watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kensa::{ScanEvent, Status};

use crate::terminal::Terminal;

pub(crate) struct Progress {
    bar: ProgressBar,
    findings: usize,
    unknown: usize,
}

impl Progress {
    pub(crate) fn new(terminal: &Terminal, host: &str) -> Self {
        let target =
            if terminal.is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        set_style(&bar, "{prefix}  {wide_msg}");
        bar.set_prefix(kensa::report::printable(host).into_owned());
        bar.set_message("connecting");
        bar.tick();
        Self { bar, findings: 0, unknown: 0 }
    }

    pub(crate) fn show(&mut self, event: &ScanEvent<'_>) {
        match event {
            ScanEvent::Detected(_) => self.bar.set_message("planning"),
            ScanEvent::Planned(plan) => {
                set_style(&self.bar, "{prefix}  {bar:30} {pos}/{len}  {wide_msg}");
                self.bar.set_length(plan.probes.len() as u64);
                self.bar.set_message(format!("{} rules", plan.to_run()));
            }
            ScanEvent::Answered { answered, planned } => {
                self.bar.set_length(*planned as u64);
                self.bar.set_position(*answered as u64);
            }
            ScanEvent::Result(result) => {
                self.findings += usize::from(result.status == Status::Fail);
                self.unknown += usize::from(result.status == Status::Error);
                self.bar.set_message(format!("{} fail, {} not told", self.findings, self.unknown));
            }
            _ => {}
        }
    }
}

fn set_style(bar: &ProgressBar, template: &str) {
    // A template that does not parse costs the bar its looks, not the scan.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}

impl Drop for Progress {
    /// Leaves the line clean, also when the scan is cancelled.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
