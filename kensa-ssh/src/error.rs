//! Why a host could not be reached or entered.

use std::fmt;

/// A failure to reach a host, to log in, or to become root there. The text names the host and the cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host}: {message}")]
pub struct ConnectError {
    /// The kind, for programs.
    pub reason: ConnectReason,
    /// `host` or `host:port` as the caller named it.
    pub host: String,
    /// One sentence: what failed and what to do about it.
    pub message: String,
}

impl ConnectError {
    /// From its parts. A message often repeats what a host said, and may be shown on a terminal: control characters
    /// are taken out of it.
    pub fn new(reason: ConnectReason, host: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason, host: harmless(host.into()), message: harmless(message.into()) }
    }
}

fn harmless(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    text.replace(['\n', '\t'], " ").replace(char::is_control, "")
}

/// The closed set of reasons a connection fails for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectReason {
    /// No route, unknown name, network down.
    Unreachable,
    /// The port is closed.
    Refused,
    /// No answer in time.
    Timeout,
    /// The host refused every credential offered.
    AuthFailed,
    /// The host key is not known and the policy is strict.
    HostKeyUnknown,
    /// The host key differs from the known one, or is revoked.
    HostKeyChanged,
    /// The private key could not be read or understood.
    KeyInvalid,
    /// The private key is encrypted and no passphrase fits.
    PassphraseRequired,
    /// The other side does not speak SSH as expected, or there is no common algorithm.
    Protocol,
    /// Logged in, but root rights were refused.
    SudoDenied,
    /// Logged in, but no POSIX shell could be had (nologin, ForceCommand, restricted shell).
    ShellRefused,
    /// The connection was closed.
    Closed,
}

impl ConnectReason {
    /// The identifier used by the bindings.
    pub fn code(self) -> &'static str {
        match self {
            ConnectReason::Unreachable => "unreachable",
            ConnectReason::Refused => "refused",
            ConnectReason::Timeout => "timeout",
            ConnectReason::AuthFailed => "auth_failed",
            ConnectReason::HostKeyUnknown => "host_key_unknown",
            ConnectReason::HostKeyChanged => "host_key_changed",
            ConnectReason::KeyInvalid => "key_invalid",
            ConnectReason::PassphraseRequired => "passphrase_required",
            ConnectReason::Protocol => "protocol",
            ConnectReason::SudoDenied => "sudo_denied",
            ConnectReason::ShellRefused => "shell_refused",
            ConnectReason::Closed => "closed",
        }
    }
}

impl fmt::Display for ConnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
