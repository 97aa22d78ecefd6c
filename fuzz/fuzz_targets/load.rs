//! The rule loader: any bytes are a rule or a diagnostic, in one file and beside variables.

#![no_main]

use kensa_rules::load::{LoadOptions, load_embedded};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for path in ["system/rule.yml", "defaults.yml"] {
        let _ = load_embedded([("system/other.yml", &b"id: other\n"[..]), (path, data)], &LoadOptions::default());
    }
});
