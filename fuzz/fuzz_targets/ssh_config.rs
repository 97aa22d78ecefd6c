//! ssh_config as a user or a distribution writes it.

#![no_main]

use std::path::Path;

use kensa_ssh::ssh::HostConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    // Reading other files is not what is tried here.
    if !text.to_ascii_lowercase().contains("include") {
        let _ = HostConfig::parse(&text, "web-1.example.com", Some("audit"), Path::new("/nonexistent"));
    }
});
