//! How Kensa reaches hosts.
//!
//! A [`link::Link`] opens a remote shell: over SSH (russh), as a local child process, or through the
//! system's `ssh`. Over any link runs the same framed byte protocol ([`protocol`], [`frame`]), and on that
//! stands [`Session`], the `kensa_core::Transport` the engine asks.

mod alone;
pub mod detect;
pub mod error;
pub mod fold;
pub mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod host;
pub mod injected;
mod job;
mod lane;
pub mod link;
pub mod local;
pub mod openssh;
pub mod options;
pub mod privilege;
pub mod protocol;
mod running;
pub mod secret;
mod session;
mod shell;
pub mod ssh;
pub mod stats;

pub use error::{ConnectError, ConnectReason};
pub use injected::{RanCommand, RunCommand, RunError};
pub use openssh::OpenSshOptions;
pub use options::{MAX_SHELLS, SessionOptions};
pub use privilege::Become;
pub use secret::Secret;
pub use session::Session;
pub use stats::Stats;

/// Makes what is otherwise made when it is first needed. A program that forks while other threads work calls it first:
/// a child never sees the end of what a thread of its parent had begun to make.
pub fn prepare() {
    ssh::prepare();
}
