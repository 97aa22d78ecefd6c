//! Many hosts in one call.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use kensa_core::ScanReport;
use kensa_rules::load::Corpus;
use kensa_ssh::ssh::ConnectOptions;
use kensa_ssh::{Become, ConnectError, ConnectReason, Session, SessionOptions};
use tokio::sync::{Mutex, Semaphore};

use crate::engine::{Error, Prepared, ScanEvent, ScanOptions, scan_prepared};

/// One host of a fleet and how to enter it.
#[derive(Clone, Debug)]
pub struct Target {
    /// How to reach it and log in.
    pub connect: ConnectOptions,
    /// How commands become root's.
    pub become_: Become,
    /// Limits of its session.
    pub session: SessionOptions,
}

impl Target {
    /// A host entered with `connect`, as the user that logs in and with default limits.
    pub fn new(connect: ConnectOptions) -> Self {
        Self { connect, become_: Become::None, session: SessionOptions::default() }
    }
}

/// What became of one host.
#[derive(Debug)]
pub struct HostScan {
    /// Its place in the list of targets.
    pub index: usize,
    /// The host as its target names it.
    pub host: String,
    /// Its report, or why there is none.
    pub outcome: Result<ScanReport, FleetError>,
}

/// Why a host of a fleet has no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// It could not be reached or entered.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The scan could not be started.
    #[error(transparent)]
    Scan(#[from] Error),
}

/// Scans every target with the same rules, at most `concurrency` at a time (at least one), and yields each host as
/// it settles. One host's failure is its own; dropping the stream stops everything.
///
/// A password is tried on one host first. If it is refused there, no other host is tried with it; if it is
/// accepted, the hosts that share it are entered side by side.
///
/// Logins at one address take turns, so that its server does not drop them, and hosts behind the same jump host share
/// connections to it.
///
/// Needs a tokio runtime.
pub fn scan_many(
    targets: impl IntoIterator<Item = Target>,
    corpus: Arc<Corpus>,
    options: ScanOptions,
    concurrency: usize,
) -> impl Stream<Item = HostScan> {
    scan_many_with(targets, corpus, options, concurrency, |_, _| {})
}

/// [`scan_many`], with every event of every host given to `on_event` as it happens, under the host's place in the
/// list of targets. With [`ScanOptions::stream_results`] that is the only way results take, and a thousand hosts need
/// little memory.
pub fn scan_many_with(
    targets: impl IntoIterator<Item = Target>,
    corpus: Arc<Corpus>,
    options: ScanOptions,
    concurrency: usize,
    on_event: impl Fn(usize, ScanEvent<'_>) + Send + Sync + 'static,
) -> impl Stream<Item = HostScan> {
    let targets: Vec<Target> = targets.into_iter().collect();
    let fleet = Arc::new(Fleet {
        passwords: Passwords::of(&targets),
        prepared: Prepared::of(&corpus, &options),
        options,
        turns: Semaphore::new(ENTERING),
        on_event,
    });
    stream::iter(targets.into_iter().enumerate())
        .map(move |(index, target)| {
            let fleet = Arc::clone(&fleet);
            async move {
                let host = target.connect.host().to_owned();
                let outcome = fleet.scan(index, target).await;
                HostScan { index, host, outcome }
            }
        })
        .buffer_unordered(concurrency.max(1))
}

/// What all hosts of one call share.
struct Fleet<F> {
    passwords: Passwords,
    prepared: Result<Prepared, Error>,
    options: ScanOptions,
    /// Hosts are entered a few at a time, however many are scanned: a thousand key exchanges at once would each take
    /// longer than a login may.
    turns: Semaphore,
    on_event: F,
}

/// Hosts being entered at a time.
const ENTERING: usize = 64;

impl<F: Fn(usize, ScanEvent<'_>) + Send + Sync> Fleet<F> {
    async fn scan(&self, index: usize, target: Target) -> Result<ScanReport, FleetError> {
        // No host is entered for a scan that cannot be started.
        let prepared = self.prepared.as_ref().map_err(Error::clone)?;
        let entering = Session::connect(target.connect.clone(), target.become_, target.session);
        let turn = self.turns.acquire().await;
        let session = self.passwords.guard(&target.connect, entering).await?;
        drop(turn);
        let mut on_event = |event: ScanEvent<'_>| (self.on_event)(index, event);
        let report = scan_prepared(&session, prepared, &self.options, &mut on_event).await;
        session.close().await;
        Ok(report)
    }
}

/// What is known about each password of the fleet.
struct Passwords(HashMap<u64, Mutex<Proof>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    Untried,
    Accepted,
    /// Refused by this host.
    Refused(String),
}

impl Passwords {
    fn of(targets: &[Target]) -> Self {
        let identities = targets.iter().filter_map(|target| target.connect.password_identity());
        Self(identities.map(|identity| (identity, Mutex::new(Proof::Untried))).collect())
    }

    /// Runs `login` unless its password was refused before. While nothing is known about the password, one
    /// login at a time finds out.
    async fn guard(
        &self,
        connect: &ConnectOptions,
        login: impl Future<Output = Result<Session, ConnectError>>,
    ) -> Result<Session, ConnectError> {
        let Some(known) = connect.password_identity().and_then(|identity| self.0.get(&identity)) else {
            return login.await;
        };
        let mut proof = known.lock().await;
        match &*proof {
            Proof::Accepted => {
                drop(proof);
                login.await
            }
            Proof::Refused(by) => {
                let message = format!("not tried: {by} refused the same user and password");
                Err(ConnectError::new(ConnectReason::AuthFailed, connect.host(), message))
            }
            Proof::Untried => {
                let outcome = login.await;
                match &outcome {
                    Ok(_) => *proof = Proof::Accepted,
                    Err(error)
                        if matches!(error.reason, ConnectReason::AuthFailed | ConnectReason::SudoDenied) =>
                    {
                        *proof = Proof::Refused(connect.host().to_owned());
                    }
                    Err(_) => {}
                }
                outcome
            }
        }
    }
}
