use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

fn codes(bytes: &[u8]) -> Vec<&'static str> {
    match Source::new(Path::new("x.yml"), bytes) {
        Err(diagnostic) => vec![diagnostic.code],
        Ok(mut source) => {
            source.parse();
            source.found.iter().map(|diagnostic| diagnostic.code).collect()
        }
    }
}

fn tree(text: &str) -> Node<'_> {
    let mut source = Source::new(Path::new("x.yml"), text.as_bytes()).unwrap();
    let tree = source.parse().unwrap_or_else(|| panic!("{:?}", source.found));
    assert_eq!(source.found, []);
    tree
}

#[test]
fn every_key_and_value_knows_its_place() {
    let root = tree("a: 1\nb:\n  - \"x y\"\n  - é: |\n      z\n");
    let Yaml::Map(entries) = &root.yaml else { panic!() };
    assert_eq!((entries[1].span.line, entries[1].span.column, entries[1].span.length), (2, 1, 1));
    let Yaml::List(items) = &entries[1].value.yaml else { panic!() };
    assert_eq!(items[0].span, Span { line: 3, column: 5, length: 5 });
    assert!(matches!(&items[0].yaml, Yaml::Scalar { text, plain: false } if text == "x y"));
    let Yaml::Map(inner) = &items[1].yaml else { panic!() };
    assert_eq!(inner[0].span, Span { line: 4, column: 5, length: 1 });
    assert!(matches!(&inner[0].value.yaml, Yaml::Scalar { text, plain: false } if text == "z\n"));
}

#[test]
fn a_byte_order_mark_and_crlf_are_accepted() {
    assert!(tree("\u{FEFF}a: 1\r\nb: 2\r\n").get("b").is_some());
}

#[test]
fn what_is_no_plain_data_is_refused() {
    assert_eq!(codes(b"a: &x 1\nb: *x\n"), ["anchor", "alias"]);
    assert_eq!(codes(b"a: {b: 1}\n<<: {c: 1}\n"), ["merge-key"]);
    assert_eq!(codes(b"a: !!str 1\nb: !x y\n"), ["tag", "tag"]);
    assert_eq!(codes(b"a: 1\n---\nb: 1\n"), ["several-documents"]);
    assert_eq!(codes(b"a: 1\nb: 2\na: 3\n"), ["duplicate-key"]);
    assert_eq!(codes(b"a: {{ b }}\n"), ["unquoted-template"]);
    assert_eq!(codes(b"[a]: 1\n"), ["key-not-text"]);
    assert_eq!(codes(b"\n# nothing\n"), ["empty-file"]);
    assert_eq!(codes(b"a: 1\0\nb: 2\n"), ["control-character"]);
    assert_eq!(codes("a: \u{9b}31m\n".as_bytes()), ["control-character"]);
    assert_eq!(codes(b"a: \xff\n"), ["not-utf-8"]);
    assert_eq!(codes(b"a:\n\t- b\n"), ["yaml-syntax"]);
}

#[test]
fn a_document_start_mark_and_comments_are_no_second_document() {
    assert!(tree("# first\n---\na: 1\n...\n").get("a").is_some());
}

#[test]
fn budgets_hold_and_hostile_input_ends_soon() {
    let laughs = (0..30).map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(10)));
    let laughs = "a0: &a0 [x]\n".to_owned() + &laughs.skip(1).collect::<String>();
    let many_keys: String = (0..100_000).map(|n| format!("k{n}: v\n")).collect();
    let cases: Vec<(&str, String, &str)> = vec![
        ("open lists", "[".repeat(100_000), "too-deep"),
        ("open mappings", "{".repeat(100_000), "too-deep"),
        ("open keys", "{a: ".repeat(100_000), "too-deep"),
        ("nested items", "- ".repeat(100_000), "too-deep"),
        ("complex keys", "? ".repeat(100_000), "too-deep"),
        ("long scalar", format!("a: {}", "x".repeat(1_000_000)), "scalar-too-long"),
        ("long quoted scalar", format!("a: \"{}\"", "x".repeat(1_000_000)), "scalar-too-long"),
        ("long literal", format!("a: |\n{}", "  xxxxxxx\n".repeat(100_000)), "scalar-too-long"),
        ("many keys", many_keys, "too-many-values"),
        ("many items", format!("[{}]", "1,".repeat(400_000)), "too-many-values"),
        ("many lines", "- 1\n".repeat(200_000), "too-many-values"),
        ("large file", "#".repeat(MAX_FILE + 1), "file-too-large"),
        ("long comment", "#".repeat(MAX_FILE), "empty-file"),
        ("blank lines", "\n".repeat(MAX_FILE), "empty-file"),
        ("blanks", " ".repeat(MAX_FILE), "empty-file"),
        ("open quote", format!("a: \"{}", "x\n ".repeat(300_000)), "yaml-syntax"),
        ("billion laughs", laughs, "anchor"),
        ("anchors", "&a ".repeat(300_000), ""),
        ("tags", "!a ".repeat(300_000), ""),
        ("directives", "%a b\n".repeat(200_000), ""),
        ("colons", ": ".repeat(500_000), ""),
        ("colons in a flow", format!("{{{}", ": ,".repeat(300_000)), ""),
        ("documents", "---\n".repeat(200_000), "several-documents"),
        ("escapes", format!("a: \"{}\"", "\\x41".repeat(200_000)), "scalar-too-long"),
        ("deeper and deeper", (0..1000).map(|n| format!("{}a:\n", " ".repeat(n))).collect(), "too-deep"),
    ];
    for (name, text, expected) in cases {
        let started = Instant::now();
        let found = codes(text.as_bytes());
        let took = started.elapsed();
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        assert!(!found.is_empty(), "{name}");
        assert!(expected.is_empty() || found.contains(&expected), "{name}: {found:?}");
        assert!(found.len() <= MAX_DIAGNOSTICS, "{name}");
    }
}
