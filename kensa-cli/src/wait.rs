//! Waiting for a host, or for Ctrl-C.

use std::time::Duration;

use crate::exit::{Exit, Failure};

/// Runs what talks to a host, until it is done or the user presses Ctrl-C. Cancelling drops the work, and
/// with it everything that runs on the host.
///
/// `work` must not block: nobody hears Ctrl-C then. Passwords are asked for before.
pub(crate) fn until_done<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::usage(format!("cannot start: {error}")))?;
    let result = runtime.block_on(async {
        tokio::select! {
            // In this order, so that Ctrl-C is heard before the work begins.
            biased;
            Ok(()) = tokio::signal::ctrl_c() => Err(Failure::new(Exit::Cancelled, "cancelled; nothing is reported")),
            result = work => result,
        }
    });
    // A thread that hangs in a name lookup must not hold up the answer.
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}
