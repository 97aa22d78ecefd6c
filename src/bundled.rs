//! The rules that travel inside the library.

use include_dir::{Dir, include_dir};
use kensa_rules::load::{Corpus, LoadError, LoadOptions};
use kensa_rules::mappings::{Mappings, read_mappings};

static RULES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// The bundled rules, loaded. Needs no file on disk.
///
/// # Errors
///
/// Only when the build carries a rule set that does not load, which a test prevents.
pub fn bundled_rules() -> Result<Corpus, LoadError> {
    let known = crate::engine::known_capabilities();
    let options = LoadOptions { known_capabilities: Some(&known), ..LoadOptions::default() };
    kensa_rules::load::load_embedded(bundled_rules_files().chain(bundled_mappings_files()), &options)
}

/// Path (relative to the rules folder) and text of every bundled rule file.
pub fn bundled_rules_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    files_ending(".yml")
}

/// The bundled framework mappings: which bundled rules answer which controls. Needs no file on disk.
pub fn bundled_mappings() -> Mappings {
    read_mappings(bundled_mappings_files())
}

/// Path (relative to the rules folder) and text of every bundled mapping file.
pub fn bundled_mappings_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    files_ending(".yaml")
}

fn files_ending(end: &str) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let mut files = Vec::new();
    collect(&RULES, end, &mut files);
    files.sort_unstable();
    files.into_iter()
}

fn collect(dir: &Dir<'static>, end: &str, files: &mut Vec<(&'static str, &'static str)>) {
    for file in dir.files() {
        let path = file.path().to_str().filter(|path| path.ends_with(end));
        files.extend(path.zip(file.contents_utf8()));
    }
    dir.dirs().for_each(|dir| collect(dir, end, files));
}
