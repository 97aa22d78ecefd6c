//! How many logins are under way at one server at a time, and what happens when it drops one.
//!
//! sshd drops newcomers before it says a word while too many are logging in (`MaxStartups` in sshd_config(5), by
//! default some from the eleventh on). So logins at one address take turns, and one that was dropped tries again
//! later while fewer are let in behind it. Nothing secret has been sent by then.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::error::{ConnectError, ConnectReason};

/// Logins under way at one address; below sshd's ten, as others log in there too.
const AT_ONCE: usize = 8;
/// How often a connection is tried that is dropped before the login.
const TRIES: u32 = 6;
/// The pause before the second try; each further one is twice as long, give or take half of it.
const PAUSE: Duration = Duration::from_millis(200);

static DOORS: LazyLock<Mutex<HashMap<String, Weak<Door>>>> = LazyLock::new(Mutex::default);

/// See [`crate::prepare`].
pub(super) fn prepare() {
    LazyLock::force(&DOORS);
}

/// The way into one server for all connections of this process.
#[derive(Debug)]
pub(super) struct Door {
    turns: Arc<Semaphore>,
    /// How many turns there are.
    width: Mutex<usize>,
}

impl Door {
    /// The door of the server at `address`, shared by all who are at it.
    pub(super) fn of(address: &str) -> Arc<Self> {
        let mut doors = DOORS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(door) = doors.get(address).and_then(Weak::upgrade) {
            return door;
        }
        doors.retain(|_, door| door.strong_count() > 0);
        let door = Arc::new(Self { turns: Arc::new(Semaphore::new(AT_ONCE)), width: Mutex::new(AT_ONCE) });
        doors.insert(address.to_owned(), Arc::downgrade(&door));
        door
    }

    /// Waits for a turn and runs `connect`, which ends before the login; again, in a later turn, when the server
    /// drops it. The turn lasts until what is returned with the connection is dropped.
    pub(super) async fn through<T, F: Future<Output = Result<T, ConnectError>>>(
        &self,
        mut connect: impl FnMut() -> F,
    ) -> Result<(T, Option<OwnedSemaphorePermit>), ConnectError> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            // An error means that the semaphore is closed, which it never is.
            let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
            match connect().await {
                Err(error) if error.reason == ConnectReason::Closed && attempt < TRIES => {
                    tracing::debug!(host = %error.host, "dropped before the login; trying again");
                    self.narrow(turn);
                    sleep(spread(pause)).await;
                    pause *= 2;
                }
                settled => return settled.map(|connection| (connection, turn)),
            }
        }
        connect().await.map(|connection| (connection, None))
    }

    /// Gives a turn up for good, unless it is the last: one fewer is let in at a time from now on.
    fn narrow(&self, turn: Option<OwnedSemaphorePermit>) {
        let mut width = self.width.lock().unwrap_or_else(PoisonError::into_inner);
        if *width > 1
            && let Some(turn) = turn
        {
            *width -= 1;
            turn.forget();
        }
    }
}

/// `pause`, give or take half of it: those who were dropped together must not come back together.
fn spread(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) % 1000;
    pause / 2 + pause.mul_f64(random as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn dropped() -> ConnectError {
        ConnectError::new(ConnectReason::Closed, "h", "dropped")
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_connection_is_tried_again_and_others_wait_behind_it() {
        let (inside, most, drops) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let login = async || {
            let door = Door::of("crowded:22");
            let entered = door
                .through(|| async {
                    if inside.load(Ordering::SeqCst) >= 2 {
                        drops.fetch_add(1, Ordering::SeqCst);
                        return Err(dropped());
                    }
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    Ok(())
                })
                .await;
            sleep(Duration::from_millis(500)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            entered.map(drop)
        };
        let logins = futures_util::future::join_all((0..30).map(|_| login())).await;
        assert!(logins.iter().all(Result::is_ok), "{logins:?}");
        assert_eq!(most.load(Ordering::SeqCst), 2);
        // The first eight come at once; after that the server is hardly crowded by us any more.
        assert!(drops.load(Ordering::SeqCst) < 20, "{drops:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_drops_everybody_is_given_up_and_other_failures_at_once() {
        let tries = AtomicUsize::new(0);
        let door = Door::of("closed:22");
        let failing = |reason| {
            let tries = &tries;
            door.through(move || async move {
                tries.fetch_add(1, Ordering::SeqCst);
                Err::<(), _>(ConnectError::new(reason, "h", "x"))
            })
        };
        assert!(failing(ConnectReason::Closed).await.is_err());
        assert_eq!(tries.swap(0, Ordering::SeqCst), TRIES as usize);
        for reason in [ConnectReason::Refused, ConnectReason::AuthFailed, ConnectReason::Timeout] {
            assert!(failing(reason).await.is_err());
            assert_eq!(tries.swap(0, Ordering::SeqCst), 1);
        }
    }
}
