//! ssh_config as a user or a distribution writes it.

use std::path::Path;

use kensa_ssh::ssh::HostConfig;

/// The settings in force for one host.
pub fn ssh_config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // Reading other files is not what is tried here.
    if text.to_ascii_lowercase().contains("include") {
        return;
    }
    let home = Path::new("/nonexistent");
    let parse = |text: &str| HostConfig::parse(text, "web-1.example.com", Some("audit"), home);
    let config = parse(&text);
    for name in [&config.host_name, &config.user, &config.host_key_alias].into_iter().flatten() {
        assert!(!name.is_empty() && !name.contains('\n'), "{config:?}");
    }
    // The first value of a setting wins, so what is said later changes nothing that was said.
    let later = parse(&format!("{text}\nMatch all\nHost *\n  HostName later\n  User later\n  Port 1\n"));
    if config.host_name.is_some() {
        assert_eq!(later.host_name, config.host_name);
    }
    if config.port.is_some() {
        assert_eq!(later.port, config.port);
    }
    assert!(later.warnings.len() >= config.warnings.len());
}
