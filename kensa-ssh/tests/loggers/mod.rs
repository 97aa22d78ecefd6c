//! Everything that russh (log) and this crate (tracing) say, at every level. A test that uses it owns its process.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "test code")]

use std::fmt::Write as _;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

static SEEN: Mutex<String> = Mutex::new(String::new());

struct Everything;

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        // Writing in the lock would let a panic in a Debug poison it.
        let line = format!("{} {}\n", record.target(), record.args());
        SEEN.lock().unwrap().push_str(&line);
    }
    fn flush(&self) {}
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Fields(String);
        impl tracing::field::Visit for Fields {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                let _ = write!(self.0, "{field}={value:?} ");
            }
        }
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        SEEN.lock().unwrap().push_str(&fields.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// From here on everything is kept.
pub fn listen() {
    log::set_logger(&Everything).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    tracing::subscriber::set_global_default(Everything).unwrap();
}

/// What was said so far.
pub fn heard() -> String {
    SEEN.lock().unwrap().clone()
}

/// The text itself, as the list of bytes that `{:?}` of a buffer shows, and in base64.
pub fn ways(secret: &str) -> Vec<String> {
    let bytes = format!("{:?}", secret.as_bytes());
    let mut ways = vec![secret.to_owned(), bytes.trim_matches(['[', ']']).to_owned()];
    // In base64 a text looks different for each place it may begin at; its first and last bytes mix with others.
    for before in 0..3 {
        let text = STANDARD_NO_PAD.encode([&b"\0\0"[..before], secret.as_bytes()].concat());
        let whole = if (before + secret.len()).is_multiple_of(3) { text.len() } else { text.len() - 1 };
        ways.push(text[[0, 2, 3][before]..whole].to_owned());
    }
    ways
}
