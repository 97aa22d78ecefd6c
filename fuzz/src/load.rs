//! The rule loader: any bytes are a rule or a diagnostic.

use kensa_rules::load::{LoadOptions, load_embedded};

/// As a rule beside another file, and as the variables' file.
pub fn load(data: &[u8]) {
    for path in ["system/rule.yml", "defaults.yml"] {
        let files = [("system/other.yml", &b"id: other\n"[..]), (path, data)];
        if let Err(error) = load_embedded(files, &LoadOptions::default()) {
            assert!(!error.to_string().is_empty());
        }
    }
}
