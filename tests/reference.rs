//! The reference pages are as the registries are.

#[path = "reference/pages.rs"]
mod pages;

#[test]
fn the_reference_pages_are_fresh() {
    for (path, text) in pages::all() {
        let written = std::fs::read_to_string(pages::root().join(path)).unwrap_or_default();
        assert!(written == text, "{path} is stale: run `cargo run --example write_reference`");
    }
}
