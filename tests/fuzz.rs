//! Every fuzz target for a moment: its seeds, then the seeds changed at random, the same way each time. It needs
//! nothing but the ordinary compiler; the long runs are cargo-fuzz's (fuzz/README.md).
//!
//! `KENSA_FUZZ_SECONDS` says for how long each target is tried, `KENSA_FUZZ_SEED` which changes are made.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)]

#[path = "hosts/random.rs"]
mod random;
#[allow(unreachable_pub, reason = "also a crate of its own")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use random::Random;
use targets::TARGETS;

/// Longest input made of seeds.
const LENGTH_MAX: usize = 4096;

/// Texts that mean something to one parser or another.
const WORDS: &[&[u8]] = &[
    b"\n",
    b"\0",
    b"\xfe",
    b"\xff",
    b" ",
    b"\t",
    b"|",
    b":",
    b"=",
    b",",
    b"!",
    b"*",
    b"?",
    b"\"",
    b"'",
    b"#",
    b"- ",
    b"@ 0 0 1.00\n",
    b"@ H 7 0 1\n",
    b"Id=a.service\n",
    b"not found",
    b"Permission denied",
    b": No such file or directory",
    b"0",
    b"-1",
    b"4294967296",
    b"18446744073709551616",
    b"1e999",
    b"\xc3",
    b"@revoked ",
    b"Host ",
    b"Match all\n",
    b"method: ",
    b"{{ x }}",
    b"$6$",
    b"PRIVATE KEY",
    b"[",
    b"]",
    b"\r\n",
];

macro_rules! each_target {
    ($($name:ident)*) => {
        $(#[test] fn $name() { try_for_a_moment(stringify!($name)); })*
        const TRIED: &[&str] = &[$(stringify!($name)),*];
    };
}

each_target!(fold frame judge known_hosts load login ssh_config);

#[test]
fn here_and_in_the_long_runs_the_same_is_tried() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let bins = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    let bins: BTreeSet<&str> = bins.filter_map(|rest| rest.strip_suffix(".rs\"")).collect();
    let files = files_under(&root.join("fuzz_targets"));
    let files: BTreeSet<&str> =
        files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    let known: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, TRIED.iter().copied().collect());
    assert_eq!((&known, &known), (&bins, &files));
}

fn try_for_a_moment(name: &str) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let limit = Duration::from_secs(number("KENSA_FUZZ_SECONDS").unwrap_or(2));
    let mut random = Random(number("KENSA_FUZZ_SEED").unwrap_or(1));
    let target = TARGETS.iter().find(|(known, _)| *known == name).unwrap().1;
    let seeds = seeds(name);
    assert!(seeds.len() >= 3, "{name} has no seeds");
    for seed in &seeds {
        tried(name, target, seed);
    }
    let begun = Instant::now();
    let mut count = seeds.len();
    // Some changes are made however slow this machine is.
    while begun.elapsed() < limit || count < seeds.len() + 100 {
        let input = changed(&mut random, &seeds);
        tried(name, target, &input);
        count += 1;
    }
    println!("{name}: {} seeds, {count} inputs", seeds.len());
}

/// Runs the target and says which input made it fail.
fn tried(name: &str, target: fn(&[u8]), input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        let path = std::env::temp_dir().join(format!("kensa-fuzz-{name}"));
        fs::write(&path, input).unwrap();
        panic!("{name} fails with the input in {}: {:?}", path.display(), String::from_utf8_lossy(input));
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = files_under(&root.join("fuzz/seeds").join(name));
    if name == "load" {
        paths.extend(files_under(&root.join("tests/rules")));
        paths.extend(files_under(&root.join("rules")).into_iter().step_by(23));
    }
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Every file, in order.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let expand = |path: PathBuf| if path.is_dir() { files_under(&path) } else { vec![path] };
    paths.into_iter().flat_map(expand).collect()
}

/// A seed with some changes.
fn changed(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = random.pick(seeds).clone();
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let end = at + random.below(input.len() - at + 1).min(64);
        match random.below(8) {
            0 => drop(input.drain(at..end)),
            1 => input.truncate(at),
            2 => drop(input.splice(at..at, WORDS[random.below(WORDS.len())].iter().copied())),
            3 => drop(input.splice(at..end, WORDS[random.below(WORDS.len())].iter().copied())),
            4 => {
                let part = input[at..end].to_vec();
                let to = random.below(input.len() + 1);
                drop(input.splice(to..to, part));
            }
            5 => {
                let other = random.pick(seeds);
                let from = random.below(other.len() + 1);
                let to = from + random.below(other.len() - from + 1).min(256);
                drop(input.splice(at..end, other[from..to].iter().copied()));
            }
            6 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = u8::try_from(random.below(256)).unwrap();
                }
            }
        }
    }
    input.truncate(LENGTH_MAX);
    input
}
