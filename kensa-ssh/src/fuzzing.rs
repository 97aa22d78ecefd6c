//! Ways into private parsers of what hosts say, for the fuzz targets. No part of the interface: it may change or go at
//! any time.

pub use crate::ssh::known_hosts::{Finding, HostKey, KnownHosts, lookup_name};

use crate::error::ConnectError;
use crate::frame::Section;
use crate::link::Exit;
use crate::privilege::{Become, Opening, wants_terminal};
use crate::shell::Refused;
use crate::{job, openssh};

/// Why no shell came of a login that said this, for every way to become root. `asked` says how often the password was
/// asked for.
pub fn explain(stdout: &[u8], stderr: &[u8], status: Option<i32>, asked: u8) -> Vec<ConnectError> {
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let ways = [
        Become::None,
        Become::Sudo { password: None },
        Become::Sudo { password: Some("x".into()) },
        Become::Doas,
        Become::Su { password: Some("x".into()) },
    ];
    let explain = |become_: &Become| {
        let opening = Opening::new(become_, None, false, "m");
        let entered = if asked > 0 { format!("\n{}\n", opening.entered) } else { String::new() };
        let seen = Refused {
            stdout: format!("{entered}{stdout}"),
            stderr: stderr.clone(),
            exit: status.map(Exit::Status),
        };
        opening.prompt.asked(stdout.as_bytes());
        wants_terminal(&seen);
        opening.explain(become_, "host", &seen, asked)
    };
    ways.iter().map(explain).collect()
}

/// What the words of the system's `ssh` before a login mean.
pub fn from_client(said: &[u8]) -> ConnectError {
    openssh::connection_lost(said);
    openssh::classify("host", &String::from_utf8_lossy(said))
}

/// Standard error of a command that was killed, without what the shell wrote about that.
pub fn without_death_notice(stderr: &[u8]) -> Vec<u8> {
    let mut section = Section { bytes: stderr.to_vec(), total: stderr.len() as u64 };
    job::strip_death_notice(&mut section);
    section.bytes
}
