//! What the engine has to say, on its way to Python's `logging`.
//!
//! Events wait in a bounded queue until a thread of Python fetches them. No thread of the engine enters the
//! interpreter for them, so a slow handler delays no scan and a lock held by one cannot meet another.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use kensa::Timestamp;
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::runtime;

/// Events kept between two visits of Python; what comes on top is counted.
const KEPT: usize = 1000;

/// The lowest level that is wanted, as Python numbers levels.
static WANTED: AtomicU8 = AtomicU8::new(WARNING);

const WARNING: u8 = 30;

/// From now on events of this process are queued.
pub(crate) fn listen() {
    // A second module instance in one process finds the first one's, which does the same.
    drop(tracing::subscriber::set_global_default(Collector));
}

/// Events below `level`, as Python numbers levels, are not wanted: they cost nothing.
#[pyfunction]
pub(crate) fn log_level(level: u8) {
    if WANTED.swap(level, Ordering::Relaxed) != level {
        tracing::callsite::rebuild_interest_cache();
    }
}

/// Level, seconds since 1970, file, line and text of what was said since the last call.
#[pyfunction]
pub(crate) fn take_log() -> Vec<Said> {
    runtime::log().map(Queue::take).unwrap_or_default()
}

type Said = (u8, f64, &'static str, u32, String);

/// What was said and not fetched yet.
#[derive(Default)]
pub(crate) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    events: VecDeque<Said>,
    dropped: usize,
}

impl Queue {
    fn put(&self, said: Said) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.events.len() < KEPT {
            waiting.events.push_back(said);
        } else {
            waiting.dropped += 1;
        }
    }

    fn take(&self) -> Vec<Said> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events: Vec<Said> = waiting.events.drain(..).collect();
        let dropped = std::mem::take(&mut waiting.dropped);
        drop(waiting);
        if dropped > 0 {
            let message =
                format!("{dropped} more events of the engine were dropped: nobody fetched them in time");
            events.push((WARNING, now(), file!(), line!(), message));
        }
        events
    }
}

fn now() -> f64 {
    // Exact: see `convert::time`.
    Timestamp::now().as_millis() as f64 / 1000.0
}

/// Takes the engine's events; those of libraries stay where they are.
struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target().starts_with("kensa") && number(*about.level()) >= WANTED.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match WANTED.load(Ordering::Relaxed) {
            ..10 => LevelFilter::TRACE,
            10..20 => LevelFilter::DEBUG,
            20..30 => LevelFilter::INFO,
            30..40 => LevelFilter::WARN,
            40..50 => LevelFilter::ERROR,
            _ => LevelFilter::OFF,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let Some(queue) = runtime::log() else { return };
        let mut text = Text::default();
        event.record(&mut text);
        let about = event.metadata();
        queue.put((
            number(*about.level()),
            now(),
            about.file().unwrap_or_default(),
            about.line().unwrap_or_default(),
            text.line(),
        ));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => WARNING,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

/// An event as one line: the host, what was said, the other fields.
#[derive(Default)]
struct Text {
    host: String,
    message: String,
    rest: String,
}

impl Text {
    fn line(self) -> String {
        let separator = if self.host.is_empty() { "" } else { ": " };
        let line = format!("{}{separator}{}{}", self.host, self.message, self.rest);
        // A host's own words may stand in it; they shall not look like lines of the log.
        if !line.chars().any(char::is_control) {
            return line;
        }
        let mut safe = String::with_capacity(line.len() + 8);
        for c in line.chars() {
            if c.is_control() { safe.extend(c.escape_default()) } else { safe.push(c) }
        }
        safe
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let (part, prefix) = match field.name() {
            "message" => (&mut self.message, String::new()),
            "host" => (&mut self.host, String::new()),
            name => (&mut self.rest, format!(" {name}=")),
        };
        // Writing into a string cannot fail.
        let _ = write!(part, "{prefix}{value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
