//! How Kensa reaches hosts.
//!
//! A [`link::Link`] opens a remote shell: over SSH (russh), as a local child process, or through the
//! system's `ssh`. Over any link runs the same framed byte protocol, and on that stands the
//! `kensa_core::Transport` the engine asks.

pub mod error;
pub mod link;
pub mod secret;
pub mod ssh;

pub use error::{ConnectError, ConnectReason};
pub use secret::Secret;
