//! The frame parser: no bytes lost, and the same sections however the stream is cut into chunks.

use kensa_ssh::frame::{Grammar, Mark, Parser, Section};

const NONCE: &str = "0123456789abcdef0123456789abcdef";

/// Bytes of a section that are kept.
const CAP: usize = 64;

/// The first byte chooses the stream and the size of the chunks. `@` stands for the nonce, which the fuzzer would not
/// find by itself.
pub fn frame(data: &[u8]) {
    let Some((&how, stream)) = data.split_first() else { return };
    let stream: Vec<u8> = stream
        .iter()
        .flat_map(|byte| if *byte == b'@' { NONCE.as_bytes() } else { std::slice::from_ref(byte) })
        .copied()
        .collect();
    let grammar = [Grammar::Output, Grammar::Error, Grammar::Merged][usize::from(how % 3)];
    let (whole, rest) = parse(grammar, &stream, stream.len());
    let (parts, rest_of_parts) = parse(grammar, &stream, usize::from(how / 3) + 1);
    assert_eq!((&whole, &rest), (&parts, &rest_of_parts));

    // What is no payload is markers: a line feed, the nonce, a blank, at least one digit, a line feed.
    let payload: u64 = whole.iter().map(|(section, _)| section.total).sum::<u64>() + rest.total;
    let shortest = whole.len() as u64 * (NONCE.len() as u64 + 4);
    assert!(payload + shortest <= stream.len() as u64);
    if whole.is_empty() {
        assert_eq!(rest.total, stream.len() as u64);
    }
    for (section, mark) in &whole {
        let of_output = matches!(mark, Mark::Hello { .. } | Mark::End { .. });
        assert!(grammar == Grammar::Merged || of_output == (grammar == Grammar::Output), "{mark:?}");
        assert!(section.bytes.len() as u64 <= section.total);
    }
    for (section, _) in whole.iter().skip(1) {
        assert!(section.bytes.len() as u64 == section.total.min(CAP as u64));
    }
}

fn parse(grammar: Grammar, stream: &[u8], chunk: usize) -> (Vec<(Section, Mark)>, Section) {
    let mut parser = Parser::new(NONCE, grammar, CAP);
    let mut seen = Vec::new();
    for part in stream.chunks(chunk.max(1)) {
        parser.push(part, |section, mark| seen.push((section, mark)));
    }
    let rest = parser.finish();
    (seen, rest)
}
