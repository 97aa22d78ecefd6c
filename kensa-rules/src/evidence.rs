//! From answers to evidence: text, bounded, free of secrets.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use kensa_core::{Answer, Evidence, Output, Probe, Timestamp, output};

use crate::redact::{self, Redacted};
use crate::variables::SecretValues;

/// Default limit of one evidence stream, in bytes.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// Exit status in the evidence of a command that never ended.
pub const NEVER_ENDED: i32 = -1;

/// Streams that were looked through and hold no secret, by where they lie: many rules share an answer, and it is
/// looked through once. The answer is held, so that nothing else comes to lie there. For one scan, in which the
/// secrets are the same.
#[derive(Debug, Default)]
pub(crate) struct Harmless(RefCell<HashMap<usize, Arc<Output>>>);

/// What a condition wanted and found; the same for all its evidence.
pub(crate) struct Finding<'a> {
    pub(crate) method: &'a str,
    pub(crate) expected: &'a str,
    pub(crate) actual: &'a str,
    pub(crate) secrets: &'a SecretValues,
    pub(crate) harmless: &'a Harmless,
}

/// Writes down one answer, each stream cut at `limit` bytes.
pub(crate) fn of(probe: &Probe, answer: Option<&Answer>, finding: &Finding<'_>, limit: usize) -> Evidence {
    let (output, exit_code) = match answer {
        Some(Ok(output)) => (Some(output.as_ref()), output.exit_code),
        Some(Err(fault)) => (fault.partial.as_deref(), NEVER_ENDED),
        None => (None, NEVER_ENDED),
    };
    let shared = answer.and_then(|answer| answer.as_ref().ok());
    let stream = |bytes: fn(&Output) -> (&[u8], u64)| {
        output.map_or_else(Stream::default, |output| {
            let (kept, total) = bytes(output);
            Stream::of(probe, finding, shared, kept, total, limit)
        })
    };
    let stdout = stream(|output| (&output.stdout, output.stdout_total));
    let stderr = stream(|output| (&output.stderr, output.stderr_total));
    let (command, via) = (probe.command(), output.and_then(|output| output.via.as_deref()));
    let masked = |text: &str| finding.secrets.mask(text).into_owned();
    Evidence {
        method: finding.method.to_owned(),
        redacted: stdout.redacted || stderr.redacted || masked(&command) != command,
        command: masked(&command),
        via: via.map(masked),
        lossy: stdout.lossy || stderr.lossy,
        stdout: stdout.text,
        stderr: stderr.text,
        exit_code,
        expected: shown(finding.expected, finding.secrets),
        actual: shown(finding.actual, finding.secrets),
        timestamp: output.map_or_else(Timestamp::now, |output| output.started),
        duration_ms: output.map_or(0, |output| u64::try_from(output.elapsed.as_millis()).unwrap_or(u64::MAX)),
        stdout_bytes: stdout.cut_from,
        stderr_bytes: stderr.cut_from,
    }
}

/// `text` as results hold it: without secrets, and without NUL, which databases refuse.
pub(crate) fn shown(text: &str, secrets: &SecretValues) -> String {
    let text = redact::text(&secrets.mask(text)).text;
    if text.contains('\0') { text.replace('\0', "") } else { text }
}

impl Finding<'_> {
    /// `text`, which `kept` is, without secrets. `kept` lies in `shared`, where there is one.
    fn redacted(&self, probe: &Probe, shared: Option<&Arc<Output>>, kept: &[u8], text: &str) -> Redacted {
        // What is secret in such a file depends on the question, not on the text alone.
        let by_text_alone = !redact::holds_fields(probe);
        let (place, harmless) = (kept.as_ptr().addr(), &self.harmless.0);
        if by_text_alone && harmless.borrow().contains_key(&place) {
            return Redacted { text: text.to_owned(), changed: false };
        }
        let masked = self.secrets.mask(text);
        let mut redacted = redact::output(probe, &masked);
        redacted.changed |= masked != text;
        if let Some(output) = shared
            && by_text_alone
            && !redacted.changed
            && !kept.is_empty()
        {
            harmless.borrow_mut().insert(place, Arc::clone(output));
        }
        redacted
    }
}

#[derive(Default)]
struct Stream {
    text: String,
    redacted: bool,
    lossy: bool,
    cut_from: Option<u64>,
}

impl Stream {
    fn of(
        probe: &Probe,
        finding: &Finding<'_>,
        shared: Option<&Arc<Output>>,
        kept: &[u8],
        total: u64,
        limit: usize,
    ) -> Self {
        let decoded = output::text(kept);
        let lossy = matches!(decoded, std::borrow::Cow::Owned(_)) || kept.contains(&0);
        // Redact before cutting: a cut could leave the end of a secret behind.
        let redacted = finding.redacted(probe, shared, kept, &decoded);
        let mut text = if lossy { redacted.text.replace('\0', "") } else { redacted.text };
        let cut = total > kept.len() as u64 || text.len() > limit;
        if cut {
            text.truncate(text.floor_char_boundary(limit));
            text.push_str(&format!("\n[cut: {total} bytes in all]"));
        }
        Self { text, redacted: redacted.changed, lossy, cut_from: cut.then_some(total) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn evidence(stdout: &[u8], limit: usize) -> Evidence {
        let probe = Probe::read("/etc/x");
        let answer: Answer = Ok(Arc::new(Output::new(probe.command(), 0, stdout, b"")));
        let secrets = SecretValues::of([&"swordfish".into()].into_iter());
        let harmless = &Harmless::default();
        let finding =
            Finding { method: "m", expected: "e", actual: "a swordfish", secrets: &secrets, harmless };
        of(&probe, Some(&answer), &finding, limit)
    }

    #[test]
    fn text_is_kept_to_the_byte() {
        let one = evidence(b"a\n\nb", 100);
        assert_eq!((one.stdout.as_str(), one.lossy, one.stdout_bytes), ("a\n\nb", false, None));
    }

    #[test]
    fn bytes_that_are_not_text_are_marked() {
        let one = evidence(b"a\0b\xff", 100);
        assert_eq!((one.stdout.as_str(), one.lossy), ("ab\u{FFFD}", true));
        assert_eq!(shown("a\0b", &SecretValues::default()), "ab");
    }

    #[test]
    fn long_output_is_cut_and_says_so() {
        let one = evidence("é".repeat(50).as_bytes(), 11);
        assert_eq!(one.stdout, "ééééé\n[cut: 100 bytes in all]");
        assert_eq!(one.stdout_bytes, Some(100));
    }

    #[test]
    fn values_of_sensitive_variables_are_masked_before_the_cut() {
        let one = evidence(b"password swordfish and more", 12);
        assert!(!format!("{one:?}").contains("swordf"), "{one:?}");
        assert!(one.redacted && one.actual == format!("a {}", redact::MARK));
    }

    #[test]
    fn an_answer_looked_through_before_is_masked_where_the_question_makes_it_secret() {
        let output = Arc::new(Output::new("x", 0, b"root:abcdefgh:1::::::\n", b""));
        let (secrets, harmless) = (&SecretValues::default(), &Harmless::default());
        let finding = Finding { method: "m", expected: "", actual: "", secrets, harmless };
        let stdout = |path: &str| {
            let answer: Answer = Ok(Arc::clone(&output));
            of(&Probe::read(path), Some(&answer), &finding, 100).stdout
        };
        assert_eq!(stdout("/etc/x"), stdout("/etc/y"));
        assert_eq!(stdout("/etc/shadow"), "root:[redacted]:1::::::\n");
        assert_eq!(stdout("/etc/x"), "root:abcdefgh:1::::::\n");
    }

    #[test]
    fn a_fault_leaves_evidence_that_the_command_never_ended() {
        let probe = Probe::read("/etc/x");
        let fault = Err(kensa_core::Fault::new(kensa_core::Reason::TimedOut, "too slow"));
        let (secrets, harmless) = (&SecretValues::default(), &Harmless::default());
        let finding = Finding { method: "m", expected: "", actual: "", secrets, harmless };
        let one = of(&probe, Some(&fault), &finding, 100);
        assert_eq!((one.exit_code, one.stdout.as_str()), (NEVER_ENDED, ""));
    }
}
