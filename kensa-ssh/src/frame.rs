//! The answer side of the marker protocol, as a pure parser of bytes.
//!
//! After every command the shell prints a marker on both of its streams: on standard output
//! `LF nonce SP seq SP status LF`, on standard error `LF nonce SP seq LF`. The line feed before the
//! nonce belongs to the marker, so a payload comes out byte for byte, with or without a final newline. Before
//! the first command the shell says hello: `LF nonce SP H SP pid SP uid LF` and `LF nonce SP H LF`.

use memchr::memmem::Finder;

/// What stood between two markers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The first bytes, up to the cap.
    pub bytes: Vec<u8>,
    /// How many bytes there were.
    pub total: u64,
}

/// A marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The shell is up; standard output.
    Hello {
        /// The shell's process number.
        pid: u32,
        /// Its user number.
        uid: u32,
    },
    /// The shell is up; standard error.
    HelloError,
    /// A command's standard output ends here.
    End {
        /// Which command.
        seq: u64,
        /// Its exit status.
        status: i32,
    },
    /// A command's standard error ends here.
    EndError {
        /// Which command.
        seq: u64,
    },
}

/// Which markers a stream may carry; any other is payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
    /// Both, one after the other: a terminal.
    Merged,
}

/// How much of what stands before the hello is kept.
const NOISE_CAP: usize = 4096;
/// The longest text after the nonce, line feed included.
const TAIL_MAX: usize = 64;

/// Splits one stream into sections at its markers, however the bytes arrive.
///
/// Its memory is bounded: the cap, and as many bytes as an unfinished marker can have.
#[derive(Debug)]
pub struct Parser {
    grammar: Grammar,
    finder: Finder<'static>,
    cap: usize,
    greeted: bool,
    carry: Vec<u8>,
    section: Section,
}

impl Parser {
    /// A parser for one stream of the shell whose markers carry `nonce`; `cap` bytes of a section are kept.
    pub fn new(nonce: &str, grammar: Grammar, cap: usize) -> Self {
        let finder = Finder::new(format!("\n{nonce} ").as_bytes()).into_owned();
        Self { grammar, finder, cap, greeted: false, carry: Vec::new(), section: Section::default() }
    }

    /// Takes the next bytes and calls `each` for every section they complete.
    pub fn push(&mut self, chunk: &[u8], mut each: impl FnMut(Section, Mark)) {
        let carry = std::mem::take(&mut self.carry);
        let joined;
        let data = if carry.is_empty() {
            chunk
        } else {
            joined = [carry.as_slice(), chunk].concat();
            joined.as_slice()
        };
        // Up to `done` everything is accounted for; from `from` on, markers are searched.
        let (mut done, mut from) = (0, 0);
        let width = self.finder.needle().len();
        loop {
            let Some(hit) = self.finder.find(&data[from..]).map(|hit| from + hit) else {
                let keep = (data.len() - done).min(width - 1);
                self.keep(&data[done..data.len() - keep]);
                self.carry.extend_from_slice(&data[data.len() - keep..]);
                return;
            };
            match tail(&data[hit + width..], self.grammar) {
                Tail::Mark(mark, length) => {
                    self.keep(&data[done..hit]);
                    self.greeted = true;
                    each(std::mem::take(&mut self.section), mark);
                    done = hit + width + length;
                    from = done;
                }
                Tail::Unfinished => {
                    self.keep(&data[done..hit]);
                    self.carry.extend_from_slice(&data[hit..]);
                    return;
                }
                Tail::Payload => from = hit + 1,
            }
        }
    }

    /// How many bytes of the open section have come so far.
    pub fn open_total(&self) -> u64 {
        self.section.total
    }

    /// The open section as it stands; the stream has ended or is given up.
    pub fn finish(&mut self) -> Section {
        let rest = std::mem::take(&mut self.carry);
        self.keep(&rest);
        std::mem::take(&mut self.section)
    }

    fn keep(&mut self, payload: &[u8]) {
        let cap = if self.greeted { self.cap } else { NOISE_CAP };
        let room = cap.saturating_sub(self.section.bytes.len());
        self.section.bytes.extend_from_slice(&payload[..payload.len().min(room)]);
        self.section.total += payload.len() as u64;
    }
}

enum Tail {
    Mark(Mark, usize),
    Unfinished,
    Payload,
}

/// Reads what follows the nonce.
fn tail(bytes: &[u8], grammar: Grammar) -> Tail {
    let known = |byte: &u8| byte.is_ascii_digit() || b" H".contains(byte);
    let window = &bytes[..bytes.len().min(TAIL_MAX)];
    let length = window.iter().take_while(|byte| known(byte)).count();
    match window.get(length) {
        Some(b'\n') => match mark(&window[..length], grammar) {
            Some(mark) => Tail::Mark(mark, length + 1),
            None => Tail::Payload,
        },
        None if window.len() < TAIL_MAX => Tail::Unfinished,
        _ => Tail::Payload,
    }
}

fn mark(text: &[u8], grammar: Grammar) -> Option<Mark> {
    let text = std::str::from_utf8(text).ok()?;
    let fields: Vec<&str> = text.split(' ').collect();
    let mark = match fields.as_slice() {
        ["H", pid, uid] => Mark::Hello { pid: pid.parse().ok()?, uid: uid.parse().ok()? },
        ["H"] => Mark::HelloError,
        [seq, status] => Mark::End { seq: seq.parse().ok()?, status: status.parse().ok()? },
        [seq] => Mark::EndError { seq: seq.parse().ok()? },
        _ => return None,
    };
    let of_output = matches!(mark, Mark::Hello { .. } | Mark::End { .. });
    match grammar {
        Grammar::Output => of_output.then_some(mark),
        Grammar::Error => (!of_output).then_some(mark),
        Grammar::Merged => Some(mark),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const N: &str = "0123456789abcdef0123456789abcdef";

    fn parse(grammar: Grammar, cap: usize, chunks: &[&[u8]]) -> (Vec<(Section, Mark)>, Section) {
        let mut parser = Parser::new(N, grammar, cap);
        let mut seen = Vec::new();
        for chunk in chunks {
            parser.push(chunk, |section, mark| seen.push((section, mark)));
        }
        (seen, parser.finish())
    }

    #[test]
    fn noise_before_the_hello_is_not_payload() {
        let bytes = format!("motd\n\n{N} H 12 0\nout\n{N} 0 0\n");
        let (seen, rest) = parse(Grammar::Output, 100, &[bytes.as_bytes()]);
        assert_eq!(seen[0].0.bytes, b"motd\n");
        assert_eq!(seen[0].1, Mark::Hello { pid: 12, uid: 0 });
        assert_eq!(seen[1].0.bytes, b"out");
        assert_eq!(seen[1].1, Mark::End { seq: 0, status: 0 });
        assert_eq!(rest, Section::default());
    }

    #[test]
    fn r05_look_alike_markers_are_payload() {
        let other = N.replace('0', "1");
        for fake in [
            format!("\n{other} 0 0\n"),
            format!("\n{N} x\n"),
            format!("\n{N} 0 0 1\n"),
            format!("\n{N} 0 0 \n"),
            format!("\n{N} 0 {}\n", "1".repeat(70)),
            format!("\n{N} 0\n"),
            format!("{N} 0 0\n"),
            format!("\n{N} 99999999999999999999999 0\n"),
            format!("\n{N} \n{N} "),
        ] {
            let bytes = format!("\n{N} H 1 0\n{fake}\n{N} 7 3\n");
            let (seen, _) = parse(Grammar::Output, 1000, &[bytes.as_bytes()]);
            assert_eq!(seen.len(), 2, "{fake:?}");
            assert_eq!(seen[1].0.bytes, fake.as_bytes(), "{fake:?}");
            assert!(matches!(seen[1].1, Mark::End { seq: 7, status: 3, .. }));
        }
    }

    #[test]
    fn a_stream_takes_only_its_own_markers() {
        let out = format!("\n{N} H 1 0\n\n{N} 0 0\n");
        assert_eq!(parse(Grammar::Error, 9, &[out.as_bytes()]).0, vec![]);
        let merged = format!("\n{N} H 1 0\n\n{N} H\na\n{N} 0 0\nb\n{N} 0\n");
        let seen = parse(Grammar::Merged, 9, &[merged.as_bytes()]).0;
        let marks: Vec<_> = seen.iter().map(|(section, _)| section.bytes.as_slice()).collect();
        assert_eq!(marks, [&b""[..], b"", b"a", b"b"]);
    }

    #[test]
    fn the_cap_keeps_the_first_bytes_and_counts_all() {
        let bytes = format!("\n{N} H\n{}\n{N} 0\n", "x".repeat(1000));
        let seen = parse(Grammar::Error, 10, &[bytes.as_bytes()]).0;
        assert_eq!((seen[1].0.bytes.len(), seen[1].0.total), (10, 1000));
        let (_, rest) = parse(Grammar::Error, 10, &["y".repeat(9000).as_bytes()]);
        assert_eq!((rest.bytes.len(), rest.total), (NOISE_CAP, 9000));
    }

    /// Bytes in which pieces of markers are likely.
    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            Just(b"\n".to_vec()),
            Just(b"\0".to_vec()),
            Just(format!("\n{N}").into_bytes()),
            Just(format!("\n{N} ").into_bytes()),
            Just(format!("\n{N} 1").into_bytes()),
            Just(format!("\n{} 0 0\n", N.replace('f', "0")).into_bytes()),
            Just(format!("\n{N} 0 0").into_bytes()),
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat()).prop_filter(
            "a payload that holds the nonce right before a valid marker tail is a marker",
            |bytes| parse(Grammar::Output, usize::MAX, &[bytes, b"\n"]).0.is_empty(),
        )
    }

    fn payload_or_marker() -> impl Strategy<Value = Vec<u8>> {
        let marks = ["H 1 0", "H", "3 1", "4"].map(|tail| format!("\n{N} {tail}\n").into_bytes());
        prop_oneof![prop::collection::vec(any::<u8>(), 0..90), prop::sample::select(marks.to_vec())]
    }

    /// The bytes of one of the markers above.
    fn length(mark: &Mark) -> u64 {
        let tail = match mark {
            Mark::Hello { .. } => 5,
            Mark::HelloError | Mark::EndError { .. } => 1,
            Mark::End { .. } => 3,
        };
        tail + 3 + N.len() as u64
    }

    proptest! {
        #[test]
        fn no_bytes_are_lost_or_invented_whatever_comes(
            chunks in prop::collection::vec(payload_or_marker(), 0..20),
            grammar in prop_oneof![Just(Grammar::Output), Just(Grammar::Error), Just(Grammar::Merged)],
        ) {
            let mut parser = Parser::new(N, grammar, 50);
            let mut counted = 0;
            let mut kept = 0;
            for chunk in &chunks {
                parser.push(chunk, |section, mark| {
                    counted += section.total + length(&mark);
                    kept = kept.max(section.bytes.len());
                });
            }
            counted += parser.finish().total;
            let sent: usize = chunks.iter().map(Vec::len).sum();
            prop_assert_eq!(counted, sent as u64);
            prop_assert!(kept <= NOISE_CAP);
        }

        #[test]
        fn r04_payloads_come_out_byte_for_byte_in_any_chunking(
            payloads in prop::collection::vec(payload(), 0..5),
            cuts in prop::collection::vec(1usize..60, 1..50),
        ) {
            let mut stream = format!("\n{N} H 1 0\n").into_bytes();
            for (seq, payload) in payloads.iter().enumerate() {
                stream.extend_from_slice(payload);
                stream.extend_from_slice(format!("\n{N} {seq} 0\n").as_bytes());
            }
            let mut parser = Parser::new(N, Grammar::Output, usize::MAX);
            let mut seen = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (chunk, after) = rest.split_at((*cut).min(rest.len()));
                parser.push(chunk, |section, mark| seen.push((section, mark)));
                prop_assert!(parser.carry.len() <= N.len() + 2 + TAIL_MAX);
                rest = after;
            }
            prop_assert_eq!(seen.len(), payloads.len() + 1);
            for (seq, (section, mark)) in seen[1..].iter().enumerate() {
                prop_assert_eq!(&section.bytes, &payloads[seq]);
                prop_assert_eq!(section.total, payloads[seq].len() as u64);
                let is_own = matches!(mark, Mark::End { seq: found, .. } if *found == seq as u64);
                prop_assert!(is_own);
            }
        }
    }
}
