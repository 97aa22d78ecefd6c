//! The terminal, or what stands in its place: results on standard output, everything else on standard error.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use kensa::report::printable;

use crate::cli::Global;
use crate::exit::Failure;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    color: bool,
}

impl Terminal {
    pub(crate) fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            quiet: global.quiet,
            verbose: global.verbose,
            color: !global.no_color && !set("NO_COLOR") && !dumb,
        }
    }

    /// Whether standard output takes colours.
    pub(crate) fn color(&self) -> bool {
        self.color && std::io::stdout().is_terminal()
    }

    /// Columns of standard output; `None` when it is not a terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
    }

    /// Whether somebody watches standard error.
    pub(crate) fn is_watched(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Writes a result to standard output. A reader that has gone away (`| head`) is not an error.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        self.print_by(|out| out.write_all(text.as_bytes()))
    }

    fn print_by(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        match write(&mut out).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::usage(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Writes a result to `file`, or to standard output without one.
    pub(crate) fn deliver(&self, text: &str, file: Option<&Destination>) -> Result<(), Failure> {
        self.deliver_by(file, |out| out.write_all(text.as_bytes()))
    }

    /// The same with a result that is written piece by piece.
    pub(crate) fn deliver_by(
        &self,
        file: Option<&Destination>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        match file {
            Some(file) => file.write(write),
            None => self.print_by(write),
        }
    }

    /// Says something that is not the result.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.say(&format!("{}\n", printable(text)));
        }
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let style = if self.color && std::io::stderr().is_terminal() { red } else { Style::new() };
        let mut text = format!("{style}error{style:#}: {}\n", printable(&failure.message));
        if let Some(help) = &failure.help {
            text.push_str(&format!("  help: {}\n", printable(help)));
        }
        self.say(&text);
    }

    fn say(&self, text: &str) {
        // There is nowhere to report that standard error is gone.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// The file of `--output`, opened before the work begins so that a wrong path costs nothing.
#[derive(Debug)]
pub(crate) struct Destination {
    file: std::fs::File,
    name: String,
}

impl Destination {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        // What the file holds stays until there is something to put in its place.
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| {
            Failure::usage(format!("cannot write {name}: {error}"))
                .with_help("does the folder of --output exist?")
        })?;
        Ok(Self { file, name })
    }

    fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let mut file = BufWriter::new(&self.file);
        let cut = || match self.file.metadata()?.is_file() {
            true => self.file.set_len(0),
            false => Ok(()),
        };
        cut()
            .and_then(|()| write(&mut file))
            .and_then(|()| file.flush())
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", self.name)))
    }
}
