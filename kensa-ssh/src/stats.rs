//! What a session has done, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a session has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Remote commands started on the link: shells, and runs of an injected transport.
    pub execs: u64,
    /// Shells that said hello.
    pub shells: u64,
    /// Commands sent, repetitions included.
    pub commands: u64,
    /// Bytes sent to shells.
    pub bytes_out: u64,
    /// Bytes received from shells, both streams.
    pub bytes_in: u64,
    /// How often the session had nothing left to send and waited for the host.
    pub round_trips: u64,
    /// Commands killed for running too long or printing too much.
    pub kills: u64,
    /// Lost connections replaced.
    pub reconnects: u64,
    /// Commands that left a process behind which still holds their streams.
    pub left_behind: u64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        /// The counters behind [`Stats`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter),* }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                Stats { $($name: self.$name.0.load(Ordering::Relaxed)),* }
            }
        }
    };
}

counters!(execs, shells, commands, bytes_out, bytes_in, round_trips, kills, reconnects, left_behind);

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
}
