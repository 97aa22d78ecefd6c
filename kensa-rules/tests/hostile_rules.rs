//! Whatever a rule file holds, loading it ends with rules or diagnostics.

// Clippy takes only the test functions themselves for tests.
#![allow(clippy::panic, clippy::unwrap_used)]

use kensa_rules::load::{LoadError, LoadOptions, load_embedded};
use proptest::prelude::*;

const VALID: &str = include_str!("../../tests/rules/valid/system/every-field.yml");
const TEMPLATED: &str = include_str!("../../tests/rules/valid/access-control/variables-everywhere.yml");
const DEFAULTS: &str = include_str!("../../tests/rules/valid/defaults.yml");

/// Loads the bytes as a rule and as a file of variables, shows everything said, and checks what must hold.
fn load(bytes: &[u8]) {
    for strict in [false, true] {
        let options = LoadOptions { strict, ..LoadOptions::default() };
        for (rule, defaults) in [(bytes, DEFAULTS.as_bytes()), (TEMPLATED.as_bytes(), bytes)] {
            match load_embedded([("a/rule.yml", rule), ("defaults.yml", defaults)], &options) {
                Ok(corpus) => {
                    let broken = corpus.diagnostics.iter().any(|diagnostic| diagnostic.is_error());
                    assert!(!broken || !corpus.rules.is_empty());
                    assert!(corpus.rules.iter().all(|rule| !rule.implementations.is_empty()));
                    let checks = corpus.rules.iter().flat_map(|rule| &rule.implementations);
                    assert!(checks.into_iter().all(|implementation| !implementation.checks.is_empty()));
                }
                Err(LoadError::Invalid { diagnostics }) => {
                    assert!(diagnostics.iter().any(|diagnostic| diagnostic.is_error()));
                    let text = kensa_rules::load::render(&diagnostics);
                    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
                    assert!(text.len() < 1_000_000);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Characters that mean something to YAML, so that mutations reach more than syntax errors.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "\n",
        "\t",
        "  ",
        "- ",
        ": ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "#",
        "&a ",
        "*a",
        "!t ",
        "|\n",
        ">-\n",
        "'",
        "\"",
        "%YAML 1.2\n",
        "---\n",
        "...\n",
        "<<: ",
        "{{ auth_tries }}",
        "{{",
        "}}",
        "null",
        "~",
        "true",
        "0",
        "-1",
        "\\",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "é",
        "checks:",
        "method: command",
        "when:",
        "\r",
        "\0",
    ]);
    prop_oneof![known.prop_map(|text| text.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 0..8)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        load(&bytes);
    }

    #[test]
    fn arbitrary_yaml_fragments(parts in prop::collection::vec(fragment(), 0..200)) {
        load(&parts.concat());
    }

    #[test]
    fn mutated_rules(
        base in prop::sample::select(vec![VALID, TEMPLATED, DEFAULTS]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..40usize, fragment()), 1..6),
    ) {
        let mut bytes = base.as_bytes().to_vec();
        for (at, removed, added) in edits {
            let from = at.index(bytes.len() + 1);
            let to = (from + removed).min(bytes.len());
            bytes.splice(from..to, added);
        }
        load(&bytes);
    }
}
