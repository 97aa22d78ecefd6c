//! Results between the scan, which makes them, and JavaScript, which takes them.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::sync::Notify;

use crate::failure::Failure;
use crate::parts::Parts;

/// Results nobody has taken yet at which the scan rests. Those that one step of the scan settles still come.
pub(crate) const HIGH_WATER: usize = 64;

/// A queue of results as JSON, the report at its end, and the brake on the scan that fills it.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<String>,
    most: usize,
    end: Option<Result<Arc<Parts>, Failure>>,
    /// Wakes the scan where it rests.
    resting: Option<Waker>,
    /// The scan need not rest any more.
    released: bool,
}

impl Feed {
    /// Adds one result.
    pub(crate) fn push(&self, result: String) {
        let mut state = self.lock();
        state.waiting.push_back(result);
        state.most = state.most.max(state.waiting.len());
        drop(state);
        self.changed.notify_waiters();
    }

    /// Says how the scan ended; the report with its results as parts. Only the first word counts.
    pub(crate) fn end(&self, end: Result<Parts, Failure>) {
        let mut state = self.lock();
        if state.end.is_none() {
            if end.is_err() {
                state.waiting.clear();
            }
            state.end = Some(end.map(Arc::new));
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Whether there is a result to take, as soon as there is; not, when the scan has ended and all were taken.
    pub(crate) async fn ready(&self) -> Result<bool, Failure> {
        self.when(|state| {
            if !state.waiting.is_empty() {
                return Some(Ok(true));
            }
            state.end.as_ref().map(|end| end.as_ref().map(|_| false).map_err(Clone::clone))
        })
        .await
    }

    /// The next result, where one waits.
    pub(crate) fn take(&self) -> Option<String> {
        let mut state = self.lock();
        let taken = state.waiting.pop_front();
        if state.waiting.len() < HIGH_WATER {
            state.resting.take().into_iter().for_each(Waker::wake);
        }
        taken
    }

    /// The report, once the scan has ended. From now on the scan does not wait for results to be taken: the
    /// report holds them all anyway.
    pub(crate) async fn report(&self) -> Result<Arc<Parts>, Failure> {
        {
            let mut state = self.lock();
            state.released = true;
            state.resting.take().into_iter().for_each(Waker::wake);
        }
        self.when(|state| state.end.clone()).await
    }

    /// Results nobody has taken: now, and at most so far.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.waiting.len(), state.most)
    }

    /// `work`, resting while too many results wait. What the host sends meanwhile is kept by the session; its
    /// timers are not those of `work`.
    pub(crate) async fn brake<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            {
                let mut state = self.lock();
                if state.waiting.len() >= HIGH_WATER && !state.released {
                    state.resting = Some(context.waker().clone());
                    return Poll::Pending;
                }
            }
            work.as_mut().poll(context)
        })
        .await
    }

    async fn when<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Before the look, so that a change between the look and the wait is not missed.
            changed.as_mut().enable();
            if let Some(found) = ready(&mut self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
