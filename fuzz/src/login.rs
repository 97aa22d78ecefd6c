//! What a host, its login shell and the system's `ssh` say when no shell comes of a login.

use kensa_ssh::fuzzing::{explain, from_client, without_death_notice};

use super::BETWEEN;

/// The first byte chooses how the login ended; then standard output and standard error.
pub fn login(data: &[u8]) {
    let [how, text @ ..] = data else { return };
    let end = text.iter().position(|byte| *byte == BETWEEN).unwrap_or(text.len());
    let (stdout, stderr) = (&text[..end], text.get(end + 1..).unwrap_or_default());
    let status = [Some(0), Some(1), Some(126), Some(127), Some(255), None][usize::from(how % 6)];
    let mut errors = explain(stdout, stderr, status, (how / 6) % 3);
    errors.push(from_client(stderr));
    for error in &errors {
        let message = error.to_string();
        assert!(!message.is_empty() && message.len() < 8192, "{message}");
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
    // Only the end of what a command said is ever taken away.
    let kept = without_death_notice(stderr);
    assert!(stderr.starts_with(&kept));
}
