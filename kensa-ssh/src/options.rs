//! What a session can be told.

use std::time::Duration;

/// The most shells that run commands at the same time. With the one that ends hung commands a host has four sessions
/// of its usual ten.
pub const MAX_SHELLS: usize = 3;

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
    /// How many shells run commands at the same time where many wait that cannot be folded: 1 to [`MAX_SHELLS`].
    /// Each further one costs a `sudo` and a session of the connection; where the host allows none, the scan goes
    /// on with those there are. They end when nothing waits any more.
    pub shells: usize,
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
            shells: 1,
            host: None,
        }
    }
}
