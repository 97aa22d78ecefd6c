//! The pages of `docs/rules/` are the rules'.

// Clippy takes only the test functions themselves for tests.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use kensa_rules::docs::{REGENERATE, pages};
use kensa_rules::load::{LoadOptions, load_rules};

#[test]
fn the_committed_pages_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus = load_rules(root.join("rules"), &LoadOptions::default()).unwrap();
    let pages = pages(&corpus);
    for (name, text) in &pages {
        let committed = std::fs::read_to_string(root.join("docs/rules").join(name)).unwrap_or_default();
        assert!(committed == *text, "docs/rules/{name} is stale: run `{REGENERATE}`");
    }
    let there: BTreeSet<String> = std::fs::read_dir(root.join("docs/rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, pages.keys().cloned().collect(), "a page of a category that is gone");
    for rule in &corpus.rules {
        assert!(pages[&format!("{}.md", rule.category)].contains(&format!("\n## {}\n", rule.id)));
    }
}
