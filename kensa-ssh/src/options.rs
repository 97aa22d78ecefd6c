//! What a session can be told.

use std::time::Duration;

/// Limits and habits of a session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// How long one command may run; a walk of the file tree five times as long.
    pub command_timeout: Duration,
    /// How many bytes of each stream of a command are kept; the rest is counted.
    pub output_cap: usize,
    /// After how many bytes on one stream a command is killed; at least the cap.
    pub hard_limit: u64,
    /// How long a shell may take until it answers, privilege included.
    pub start_timeout: Duration,
    /// Whether a lost connection is replaced. What was on its way is then asked again, at most twice, and only
    /// questions are: a command of [`Session::run`](crate::Session::run) never is. Without it everything
    /// unanswered ends as `connection_lost`.
    pub reconnect: bool,
    /// Niceness of everything that runs on the host.
    pub nice: Option<i8>,
    /// The host's name for people and results; the link's own name by default.
    pub host: Option<String>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            command_timeout: Duration::from_secs(60),
            output_cap: 1 << 20,
            hard_limit: 8 << 20,
            start_timeout: Duration::from_secs(30),
            reconnect: true,
            nice: None,
            host: None,
        }
    }
}
