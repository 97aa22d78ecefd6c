//! The native SSH connection: russh, wrapped.
//!
//! [`SshLink::connect`] takes [`ConnectOptions`], puts them together with ssh_config, reaches the host (through
//! others where it has to), checks its key against known_hosts, logs in, and is then a
//! [`Link`](crate::link::Link) on which commands are started.

mod agent;
mod algorithms;
mod auth;
mod bastion;
mod channel;
mod connection;
mod credentials;
mod dial;
mod doors;
mod gate;
mod host_key;
mod jump;
mod keys;
pub(crate) mod known_hosts;
mod known_hosts_file;
mod link;
mod options;
mod pem;
mod sign;
mod ssh_config;
mod ssh_config_line;
mod target;

pub use dial::{Reachability, reachable};
pub use host_key::HostKeyTrust;
pub use link::SshLink;
pub use options::{ConnectOptions, HostKeyPolicy, SshConfigUse};
pub use ssh_config::HostConfig;

pub(crate) fn prepare() {
    bastion::prepare();
    credentials::prepare();
    doors::prepare();
    gate::prepare();
    known_hosts_file::prepare();
    options::prepare();
}
