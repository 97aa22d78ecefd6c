//! A session with one host: the transport the engine asks.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kensa_core::{Answer, Ask, Fault, Opening, Output, Probe, Reason, Transport};
use tokio::sync::{mpsc, oneshot};

use crate::error::ConnectError;
use crate::fold::{Request, fold};
use crate::host::Host;
use crate::injected::{RunCommand, Runner};
use crate::job::Job;
use crate::lane::{Lane, Message};
use crate::link::Link;
use crate::local::Local;
use crate::openssh::{OpenSsh, OpenSshOptions};
use crate::options::SessionOptions;
use crate::privilege::Become;
use crate::ssh::{ConnectOptions, SshLink};
use crate::stats::{Counters, Stats};

/// A session with one host. It runs commands in one framed shell, in the order they come, many ahead; in several where
/// [`SessionOptions::shells`] allows that.
///
/// Shared between tasks as `Arc<Session>`; concurrent calls share the shell. A session needs a tokio runtime
/// from its creation on. Dropping it ends the shell; [`Session::close`] waits until that is done.
pub struct Session {
    name: String,
    options: SessionOptions,
    counters: Arc<Counters>,
    outbox: mpsc::UnboundedSender<Message>,
    host: Option<Arc<Host>>,
    uid: Option<u32>,
    /// Whether many questions may become one command.
    folds: bool,
    opening: Opening,
}

impl Session {
    /// A session over any link: opens the shell, becomes root as asked, and fails with the reason when either is
    /// refused.
    pub async fn over(
        link: Arc<dyn Link>,
        become_: Become,
        options: SessionOptions,
    ) -> Result<Self, ConnectError> {
        let name = options.host.clone().unwrap_or_else(|| link.host().to_owned());
        let host = Arc::new(Host::new(link, become_, options.clone()));
        let began = Instant::now();
        let shell = host.open().await?;
        let opening = Opening { shell: began.elapsed(), ..Opening::default() };
        let uid = Some(shell.uid);
        let counters = Arc::clone(&host.counters);
        let outbox = Lane::spawn(Arc::clone(&host), shell);
        Ok(Self { name, options, counters, outbox, host: Some(host), uid, folds: true, opening })
    }

    /// A session with the machine this program runs on, as the user it runs as.
    pub async fn local(options: SessionOptions) -> Result<Self, ConnectError> {
        Self::local_as(Become::None, options).await
    }

    /// A session with the machine this program runs on, with the rights `become_` gives.
    pub async fn local_as(become_: Become, options: SessionOptions) -> Result<Self, ConnectError> {
        Self::over(Arc::new(Local::default()), become_, options).await
    }

    /// A session over native SSH: connects, verifies the host's key, logs in, opens the shell and becomes root as
    /// asked.
    ///
    /// Where `become_` needs a password and has none, the login password is taken for it.
    pub async fn connect(
        target: ConnectOptions,
        become_: Become,
        options: SessionOptions,
    ) -> Result<Self, ConnectError> {
        let began = Instant::now();
        let link = SshLink::connect(target).await?;
        let (entered, login) = (began.elapsed(), link.login_took());
        let become_ = match (become_, link.login_password()) {
            (Become::Sudo { password: None }, Some(password)) => {
                Become::Sudo { password: Some(password.clone()) }
            }
            (other, _) => other,
        };
        let mut session = Self::over(Arc::new(link), become_, options).await?;
        (session.opening.connect, session.opening.login) = (entered.saturating_sub(login), login);
        Ok(session)
    }

    /// A session through the system's own `ssh` client.
    pub async fn openssh(
        target: OpenSshOptions,
        become_: Become,
        options: SessionOptions,
    ) -> Result<Self, ConnectError> {
        Self::over(Arc::new(OpenSsh::new(target)), become_, options).await
    }

    /// A session over a transport the host application supplies. It cannot stop what it started, so a command that
    /// runs too long is the supplied transport's to end.
    ///
    /// Must be called within a tokio runtime.
    pub fn from_runner(runner: Arc<dyn RunCommand>, options: SessionOptions) -> Self {
        let name = options.host.clone().unwrap_or_else(|| runner.host().to_owned());
        let counters = Arc::<Counters>::default();
        let folds = !runner.wants_single_questions();
        let outbox = Runner::spawn(runner, options.clone(), Arc::clone(&counters));
        let opening = Opening::default();
        Self { name, options, counters, outbox, host: None, uid: None, folds, opening }
    }

    /// Runs one command and waits for its end, `timeout` being the session's own where it is `None`.
    ///
    /// The command is started at most once, also when the connection is lost meanwhile, and alone in its shell.
    pub async fn run(&self, command: &str, timeout: Option<Duration>) -> Result<Output, Fault> {
        let _guard = Guard(&self.outbox);
        let limit = timeout.unwrap_or(self.options.command_timeout);
        let (job, answer) = Job::new(command.to_owned(), limit, true);
        self.submit(vec![job]);
        let output = received(answer.await)?;
        Ok(Arc::unwrap_or_clone(output))
    }

    /// The user number commands run as; `None` over a supplied transport.
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// What the session has done so far.
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// Ends the shell and the connection. Commands asked for later are answered with a fault.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.outbox.send(Message::Close(done)).is_ok() {
            // An error means that the lane has ended already.
            drop(closed.await);
        }
        if let Some(host) = &self.host {
            host.close().await;
        }
    }

    fn submit(&self, jobs: Vec<Job>) {
        // Where the lane has ended, the jobs' replies are dropped and their receivers say so.
        drop(self.outbox.send(Message::Jobs(jobs)));
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("host", &self.name).field("uid", &self.uid).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Session {
    fn host(&self) -> &str {
        &self.name
    }

    fn remarks(&self) -> Vec<String> {
        self.host.as_ref().map_or_else(Vec::new, |host| host.link.remarks())
    }

    fn opening(&self) -> Opening {
        self.opening
    }

    async fn ask(&self, ask: Ask<'_>, each: &mut (dyn FnMut(Probe, Answer) + Send)) {
        // Dropped after the receivers below: the lane then sees which commands nobody waits for.
        let _guard = Guard(&self.outbox);
        let mut waiting = FuturesUnordered::new();
        let mut open: BTreeMap<usize, Request> = BTreeMap::new();
        let mut count = 0;
        let mut submit = |requests: Vec<Request>,
                          open: &mut BTreeMap<usize, Request>,
                          waiting: &mut FuturesUnordered<_>| {
            let mut jobs = Vec::with_capacity(requests.len());
            for request in requests {
                let limit = self.options.command_timeout * request.patience();
                let (job, answer) = Job::new(request.command.clone(), limit, false);
                let number = count;
                count += 1;
                jobs.push(job);
                open.insert(number, request);
                waiting.push(async move { (number, answer.await) });
            }
            self.submit(jobs);
        };
        let probes = distinct(ask.probes);
        let requests =
            if self.folds { fold(&probes) } else { probes.into_iter().map(Request::alone).collect() };
        submit(requests, &mut open, &mut waiting);
        let deadline = tokio::time::sleep_until(ask.deadline.unwrap_or_else(far_away).into());
        tokio::pin!(deadline);
        loop {
            let next = tokio::select! {
                biased;
                next = waiting.next() => next,
                () = &mut deadline => None,
            };
            let Some((number, answer)) = next else { break };
            let Some(request) = open.remove(&number) else { continue };
            let unfolded = request.unfold(received(answer));
            unfolded.answers.into_iter().for_each(|(probe, answer)| each(probe, answer));
            let again = unfolded.again.into_iter().map(Request::alone).collect::<Vec<_>>();
            if !again.is_empty() {
                submit(again, &mut open, &mut waiting);
            }
        }
        for probe in open.into_values().flat_map(|request| request.probes) {
            let message = format!("the time for the whole scan ran out before this was answered: {probe}");
            each(probe, Err(Fault::new(Reason::Cancelled, message)));
        }
    }
}

/// Tells the lane, when dropped, to look for commands nobody waits for.
struct Guard<'a>(&'a mpsc::UnboundedSender<Message>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        drop(self.0.send(Message::Cancelled));
    }
}

fn received(answer: Result<Answer, oneshot::error::RecvError>) -> Answer {
    answer.unwrap_or_else(|_| Err(Fault::new(Reason::Cancelled, "the session is closed")))
}

fn distinct(probes: &[Probe]) -> Vec<Probe> {
    let mut seen = HashSet::new();
    probes.iter().filter(|probe| seen.insert(*probe)).cloned().collect()
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(365 * 24 * 3600)
}
