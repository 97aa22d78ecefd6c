//! What is fuzzed: everything that reads text somebody else wrote. One function per target, each a property that holds
//! for any bytes.
//!
//! `fuzz_targets/` gives them to libFuzzer for the long runs, `tests/fuzz.rs` replays the seeds and changes them
//! with every ordinary `cargo test`.

mod fold;
mod frame;
mod judge;
mod known_hosts;
mod load;
mod login;
mod ssh_config;

pub use fold::fold;
pub use frame::frame;
pub use judge::judge;
pub use known_hosts::known_hosts;
pub use load::load;
pub use login::login;
pub use ssh_config::ssh_config;

/// What is done with the bytes of one input.
pub type Target = fn(&[u8]);

/// Every target by name, which is also the name of its folder of seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("fold", fold),
    ("frame", frame),
    ("judge", judge),
    ("known_hosts", known_hosts),
    ("load", load),
    ("login", login),
    ("ssh_config", ssh_config),
];

/// A byte that does not occur in UTF-8 and separates the texts of one input.
const BETWEEN: u8 = 0xfe;
