//! Writes the pages under `docs/reference/` from the registries. `tests/reference.rs` fails when they are stale.
//!
//! ```sh
//! cargo run --example write_reference
//! ```

#[path = "../tests/reference/pages.rs"]
mod pages;

fn main() -> std::io::Result<()> {
    for (path, text) in pages::all() {
        std::fs::write(pages::root().join(path), text)?;
    }
    Ok(())
}
