//! Sessions.

use std::sync::{Arc, Weak};

use kensa::{Become, Secret, Session, Transport};
use napi::Env;
use napi::bindgen_prelude::{Buffer, FnArgs, Function, PromiseRaw};
use napi_derive::napi;

use crate::cancellation::Cancellation;
use crate::failure::Failure;
use crate::options::{self, NativeConnectOptions, NativeHabits, NativeSessionOptions};
use crate::runner::{NativeAnswers, Runner};
use crate::scan::NativeScan;

/// A session with one host.
#[napi]
#[derive(Debug)]
pub struct NativeSession {
    pub(crate) session: Arc<Session>,
    /// Weak, as in [`NativeAnswers`].
    runner: Option<Weak<Runner>>,
}

/// What a command printed and how it ended.
#[napi(object)]
pub struct NativeOutput {
    /// Exit status; 128 + n for a signal n.
    pub exit_code: i32,
    /// Standard output.
    pub stdout: Buffer,
    /// Standard error.
    pub stderr: Buffer,
    /// Bytes of standard output there were; more than in `stdout` where it was cut.
    pub stdout_total: f64,
    /// The same of standard error.
    pub stderr_total: f64,
    /// How long it took, in milliseconds.
    pub duration: f64,
}

#[napi]
impl NativeSession {
    /// Connects to a host over SSH.
    #[napi(ts_return_type = "Promise<NativeSession>")]
    pub fn connect<'env>(
        env: &'env Env,
        to: NativeConnectOptions,
        session_options: NativeSessionOptions,
        cancellation: &Cancellation,
    ) -> napi::Result<PromiseRaw<'env, NativeSession>> {
        let cancelled = cancellation.watch();
        env.spawn_future(async move {
            let connecting = async {
                let options = options::session(&session_options)?;
                let to = options::connect(to)?;
                Ok(Session::connect(to, become_root(&session_options)?, options).await?)
            };
            Ok(NativeSession::new(cancelled.unless(connecting).await?))
        })
    }

    /// A session with this machine.
    #[napi(ts_return_type = "Promise<NativeSession>")]
    pub fn local<'env>(
        env: &'env Env,
        session_options: NativeSessionOptions,
        cancellation: &Cancellation,
    ) -> napi::Result<PromiseRaw<'env, NativeSession>> {
        let cancelled = cancellation.watch();
        env.spawn_future(async move {
            let connecting = async {
                let options = options::session(&session_options)?;
                Ok(Session::local_as(become_root(&session_options)?, options).await?)
            };
            Ok(NativeSession::new(cancelled.unless(connecting).await?))
        })
    }

    /// A session over a transport written in JavaScript. `start` is called with a number, a command and its limit
    /// in milliseconds, and answers through [`NativeSession::answers`]; `stop` with the
    /// number of a command nobody waits for any more.
    #[napi]
    pub fn over(
        start: Function<'_, FnArgs<(u32, String, f64)>, ()>,
        stop: Function<'_, u32, ()>,
        host: String,
        habits: NativeHabits,
        session_options: NativeSessionOptions,
    ) -> napi::Result<NativeSession> {
        let runner = Runner::new(host, habits, start, stop)?;
        let options = options::session(&session_options)?;
        let session = napi::bindgen_prelude::within_runtime_if_available(|| {
            Session::from_runner(Arc::clone(&runner) as _, options)
        });
        Ok(NativeSession { session: Arc::new(session), runner: Some(Arc::downgrade(&runner)) })
    }

    /// Where the transport's answers go; `None` where the transport is not JavaScript's.
    #[napi]
    pub fn answers(&self) -> Option<NativeAnswers> {
        self.runner.as_ref().map(|runner| NativeAnswers::new(Weak::clone(runner)))
    }

    /// The host's name in results.
    #[napi(getter)]
    pub fn host(&self) -> String {
        self.session.host().to_owned()
    }

    /// The user number commands run as, where it is known.
    #[napi(getter)]
    pub fn uid(&self) -> Option<u32> {
        self.session.uid()
    }

    /// Runs one command.
    #[napi(ts_return_type = "Promise<NativeOutput>")]
    pub fn run<'env>(
        &self,
        env: &'env Env,
        command: String,
        timeout: Option<f64>,
        cancellation: &Cancellation,
    ) -> napi::Result<PromiseRaw<'env, NativeOutput>> {
        let session = Arc::clone(&self.session);
        let cancelled = cancellation.watch();
        env.spawn_future(async move {
            let running = async {
                let limit = timeout.map(options::milliseconds).transpose()?;
                let output = session.run(&command, limit).await;
                output.map_err(|fault| Failure::of_fault(session.host(), &command, &fault))
            };
            let output = cancelled.unless(running).await?;
            Ok(NativeOutput {
                exit_code: output.exit_code,
                stdout_total: output.stdout_total as f64,
                stderr_total: output.stderr_total as f64,
                stdout: output.stdout.into(),
                stderr: output.stderr.into(),
                duration: output.elapsed.as_secs_f64() * 1000.0,
            })
        })
    }

    /// What the host is and has, as JSON. `capabilities` is JSON: name to boolean, set by hand.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn detect<'env>(
        &self,
        env: &'env Env,
        capabilities: String,
        cancellation: &Cancellation,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let session = Arc::clone(&self.session);
        let cancelled = cancellation.watch();
        env.spawn_future(async move {
            let detecting = async {
                let overrides = serde_json::from_str(&capabilities).map_err(Failure::from)?;
                let facts = kensa::detect::detect(&*session, &overrides).await;
                Ok(serde_json::to_string(&facts)?)
            };
            Ok(cancelled.unless(detecting).await?)
        })
    }

    /// Starts a scan. `options` is JSON; `rule` is one rule as JSON in place of a path.
    #[napi]
    pub fn scan(&self, options: String, rule: Option<String>) -> napi::Result<NativeScan> {
        Ok(NativeScan::start(Arc::clone(&self.session), &options, rule)?)
    }

    /// Ends the shell and the connection.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = Arc::clone(&self.session);
        env.spawn_future(async move {
            session.close().await;
            Ok(())
        })
    }
}

impl NativeSession {
    fn new(session: Session) -> Self {
        Self { session: Arc::new(session), runner: None }
    }
}

fn become_root(options: &NativeSessionOptions) -> Result<Become, Failure> {
    let password = options.become_password.as_deref().map(Secret::new);
    match options.become_.as_deref() {
        None | Some("none") => Ok(Become::None),
        Some("sudo") => Ok(Become::Sudo { password }),
        Some("doas") => Ok(Become::Doas),
        Some("su") => Ok(Become::Su { password }),
        Some(other) => Err(Failure::argument(format!("{other:?} is no way to become root"))),
    }
}
