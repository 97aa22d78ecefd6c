//! The frame parser: no bytes lost, and the same sections however the stream is cut into chunks.

#![no_main]

use kensa_ssh::frame::{Grammar, Mark, Parser, Section};
use libfuzzer_sys::fuzz_target;

const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn parse(grammar: Grammar, stream: &[u8], chunk: usize) -> (Vec<(Section, Mark)>, Section) {
    let mut parser = Parser::new(NONCE, grammar, 64);
    let mut seen = Vec::new();
    for part in stream.chunks(chunk.max(1)) {
        parser.push(part, |section, mark| seen.push((section, mark)));
    }
    let rest = parser.finish();
    (seen, rest)
}

fuzz_target!(|data: &[u8]| {
    let Some((&how, stream)) = data.split_first() else { return };
    // `@` stands for the nonce, which the fuzzer would not find by itself.
    let stream: Vec<u8> = stream
        .iter()
        .flat_map(|byte| if *byte == b'@' { NONCE.as_bytes() } else { std::slice::from_ref(byte) })
        .copied()
        .collect();
    let grammar = [Grammar::Output, Grammar::Error, Grammar::Merged][usize::from(how % 3)];
    let (whole, rest) = parse(grammar, &stream, stream.len());
    let cut = parse(grammar, &stream, usize::from(how / 3) + 1);
    assert_eq!(format!("{whole:?}{rest:?}"), format!("{:?}{:?}", cut.0, cut.1));
    let kept: u64 = whole.iter().map(|(section, _)| section.total).sum::<u64>() + rest.total;
    assert!(kept <= stream.len() as u64);
});
