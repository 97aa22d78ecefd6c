//! docs/trust.md names the tests that exist, and all that are numbered.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use async_trait::async_trait;
use kensa::transport::{Ask, Transport};
use kensa::{Fault, LoadOptions, Probe, Reason, ScanOptions};

/// Requirements there are.
const COUNT: u32 = 32;

#[test]
fn the_page_of_traps_names_every_numbered_test_and_none_that_does_not_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/trust.md")).unwrap();
    let mut tests = BTreeSet::new();
    for folder in ["kensa-ssh/src", "kensa-ssh/tests", "tests"] {
        collect(&root.join(folder), &mut tests);
    }
    assert!(tests.len() > 200, "{}", tests.len());

    let mut named = BTreeSet::new();
    let mut rows: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let own: Vec<&str> = cells.last().unwrap().split('`').skip(1).step_by(2).collect();
        named.extend(own.iter().copied());
        if let Some(number) = cells[0].strip_prefix('R').and_then(|text| text.parse().ok()) {
            rows.insert(number, own);
        }
    }
    let missing: Vec<&&str> = named.iter().filter(|name| !tests.contains(**name)).collect();
    assert!(missing.is_empty(), "the page names tests that do not exist: {missing:?}");
    for number in 1..=COUNT {
        let start = format!("r{number:02}_");
        let own = rows.get(&number).unwrap_or_else(|| panic!("R{number} has no row"));
        assert!(own.iter().any(|name| name.starts_with(&start)), "R{number} names no test of its own");
        let unnamed: Vec<&String> =
            tests.iter().filter(|name| name.starts_with(&start) && !own.contains(&name.as_str())).collect();
        assert!(unnamed.is_empty(), "the row of R{number} does not name {unnamed:?}");
    }
    assert_eq!(rows.len(), COUNT as usize);
}

/// A host nobody checked, and that says nothing.
struct Anybody;

#[async_trait]
impl Transport for Anybody {
    fn host(&self) -> &str {
        "anybody"
    }

    fn remarks(&self) -> Vec<String> {
        vec!["The host's key was not checked.".to_owned()]
    }

    async fn ask(
        &self,
        ask: Ask<'_>,
        each: &mut (dyn FnMut(Probe, Result<std::sync::Arc<kensa::Output>, Fault>) + Send),
    ) {
        for probe in ask.probes {
            each(probe.clone(), Err(Fault::new(Reason::ConnectionLost, "nobody is there")));
        }
    }
}

#[tokio::test]
async fn a_report_says_what_its_transport_remarks() {
    let rule = "id: one\ntitle: One\ndescription: One.\nrationale: One.\nseverity: low\ncategory: system\n\
                implementations:\n  - default: true\n    check: {method: file_exists, path: /etc/passwd}\n";
    let corpus = kensa::load::load_embedded([("system/one.yml", rule)], &LoadOptions::default()).unwrap();
    let report = kensa::scan(&Anybody, &corpus, &ScanOptions::default(), &mut |_| {}).await.unwrap();
    assert_eq!(report.remarks, Anybody.remarks());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["remarks"][0], "The host's key was not checked.");
}

/// The names of all functions marked as tests in the Rust files of a folder.
fn collect(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            // Behind the mark may stand further attributes.
            for part in text.split("#[tokio::test").chain(text.split("#[test]")).skip(1) {
                let line = part.lines().find(|line| line.contains("fn ")).unwrap_or_default();
                let name = line.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
                tests.extend(name.map(str::to_owned));
            }
        }
    }
}
