//! Stopping what runs.

use std::future::Future;

use napi_derive::napi;
use tokio::sync::watch;

use crate::failure::Failure;

/// Stops the calls it is given to; made from an `AbortSignal` in `lib/`.
#[napi]
#[derive(Debug)]
pub struct Cancellation(watch::Sender<bool>);

#[napi]
impl Cancellation {
    /// Not cancelled yet.
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "JavaScript's constructor")]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Stops every call this was given to. Those given it later stop at once.
    #[napi]
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Cancellation {
    pub(crate) fn watch(&self) -> Cancelled {
        Cancelled(self.0.subscribe())
    }
}

/// The side of a call.
#[derive(Clone, Debug)]
pub(crate) struct Cancelled(watch::Receiver<bool>);

impl Cancelled {
    /// Ends when the call is to stop; never, when it cannot be any more.
    pub(crate) async fn wait(&mut self) {
        if self.0.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// `work`, dropped when the call is to stop.
    pub(crate) async fn unless<T>(
        mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.wait() => Err(Failure::cancelled()),
            done = work => done,
        }
    }
}
