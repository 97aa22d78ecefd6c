//! Writes the pages of `docs/rules/`.

use std::path::Path;

use kensa_rules::load::{LoadOptions, load_rules};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus = load_rules(root.join("rules"), &LoadOptions::default())?;
    let folder = root.join("docs/rules");
    std::fs::create_dir_all(&folder)?;
    for (name, text) in kensa_rules::docs::pages(&corpus) {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
