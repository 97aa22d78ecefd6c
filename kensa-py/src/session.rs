//! Sessions: what they are made from, and the operations they start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kensa::{ConnectOptions, Facts, HostKeyPolicy, Platform, ScanEvent, ScanOptions, Secret, SessionOptions};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::content::Corpus;
use crate::runner::{Habits, Supplied};
use crate::task::{Item, Outcome, Shared, Task};

/// Bytes of one stream that are kept; the rest is counted. `run` may be used for whole package lists.
const OUTPUT_CAP: usize = 16 << 20;

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX)
}

fn session_options(command_timeout: f64, start_timeout: f64) -> SessionOptions {
    SessionOptions {
        command_timeout: seconds(command_timeout),
        start_timeout: seconds(start_timeout),
        output_cap: OUTPUT_CAP,
        hard_limit: 4 * OUTPUT_CAP as u64,
        ..SessionOptions::default()
    }
}

/// A host and how to log in there. Secrets go in and never come out.
#[pyclass(frozen, module = "kensa._native")]
pub(crate) struct Target {
    options: ConnectOptions,
    session: SessionOptions,
    sudo: bool,
    sudo_password: Option<Secret>,
}

#[pymethods]
impl Target {
    #[new]
    #[pyo3(signature = (host, settings))]
    fn new(host: &str, settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        fn given<'py, T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>>(
            settings: &Bound<'py, PyDict>,
            name: &str,
        ) -> PyResult<Option<T>> {
            match settings.get_item(name)? {
                Some(value) if !value.is_none() => value.extract().map(Some).map_err(Into::into),
                _ => Ok(None),
            }
        }
        let text = |name: &str| given::<String>(settings, name);
        let mut options = ConnectOptions::new(host);
        if let Some(port) = given::<u16>(settings, "port")? {
            options = options.port(port);
        }
        if let Some(user) = text("user")? {
            options = options.user(user);
        }
        if let Some(password) = text("password")? {
            options = options.password(password.as_str());
        }
        if let Some(path) = text("key_path")? {
            options = options.key_path(path);
        }
        if let Some(data) = text("key_data")? {
            options = options.key_data(data.as_str());
        }
        if let Some(passphrase) = text("passphrase")? {
            options = options.passphrase(passphrase.as_str());
        }
        if let Some(policy) = text("host_key_policy")? {
            options = options.host_key_policy(match policy.as_str() {
                "strict" => HostKeyPolicy::Strict,
                "off" => HostKeyPolicy::Off,
                _ => HostKeyPolicy::AcceptNew,
            });
        }
        if let Some(files) = given::<Vec<String>>(settings, "known_hosts")? {
            options = options.known_hosts(files);
        }
        let connect_timeout = given::<f64>(settings, "timeout")?.unwrap_or(30.0);
        let check_timeout = given::<f64>(settings, "check_timeout")?.unwrap_or(60.0);
        Ok(Self {
            options: options.connect_timeout(seconds(connect_timeout)),
            session: SessionOptions {
                host: Some(host.to_owned()),
                reconnect: given::<bool>(settings, "reconnect")?.unwrap_or(true),
                nice: given::<i8>(settings, "nice")?,
                shells: given::<usize>(settings, "shells")?.unwrap_or(1),
                ..session_options(check_timeout, connect_timeout)
            },
            sudo: given::<bool>(settings, "sudo")?.unwrap_or(false),
            sudo_password: text("sudo_password")?.map(Secret::new),
        })
    }

    /// Starts to connect.
    fn start_connect(&self) -> PyResult<Task> {
        let target = self.of_fleet();
        Task::start(move |_| async move {
            let session = kensa::Session::connect(target.connect, target.become_, target.session).await?;
            Ok(Outcome::Session(Box::new(session)))
        })
    }
}

impl Target {
    /// The same for the engine.
    pub(crate) fn of_fleet(&self) -> kensa::Target {
        let password = self.sudo_password.clone();
        let become_ = if self.sudo { kensa::Become::Sudo { password } } else { kensa::Become::None };
        kensa::Target { become_, session: self.session.clone(), ..kensa::Target::new(self.options.clone()) }
    }
}

/// Starts a session with this machine.
#[pyfunction]
pub(crate) fn start_local(check_timeout: f64, start_timeout: f64) -> PyResult<Task> {
    let options = session_options(check_timeout, start_timeout);
    Task::start(|_| async move { Ok(Outcome::Session(Box::new(kensa::Session::local(options).await?))) })
}

/// A way to a host.
#[derive(Clone)]
pub(crate) enum Way {
    Connected(Arc<kensa::Session>),
    Supplied { host: String, habits: Habits, options: SessionOptions },
}

impl Way {
    /// The way for questions of rules. Where it makes no difference to `run`, answers are cut where the engine
    /// cuts them by itself, so that a flood is the same error in every language.
    pub(crate) fn for_questions(mut self) -> Self {
        if let Way::Supplied { options, .. } = &mut self {
            options.output_cap = SessionOptions::default().output_cap;
        }
        self
    }

    /// The session for one operation. Over a supplied transport it is made for this operation, so that its
    /// commands go to whoever drives it.
    pub(crate) fn session(self, shared: &Arc<Shared>) -> Arc<kensa::Session> {
        match self {
            Way::Connected(session) => session,
            Way::Supplied { host, habits, options } => {
                let supplied = Supplied { host, habits, shared: Arc::clone(shared) };
                Arc::new(kensa::Session::from_runner(Arc::new(supplied), options))
            }
        }
    }
}

/// A session with one host.
#[pyclass(frozen, module = "kensa._native")]
pub(crate) struct Session {
    way: Option<Way>,
    pid: u32,
}

impl Session {
    pub(crate) fn connected(session: kensa::Session) -> Self {
        Self { way: Some(Way::Connected(Arc::new(session))), pid: std::process::id() }
    }

    pub(crate) fn way(&self) -> PyResult<Way> {
        if self.pid != std::process::id() {
            return Err(PyRuntimeError::new_err(
                "the session belongs to the process this one was forked from",
            ));
        }
        self.way.clone().ok_or_else(|| PyRuntimeError::new_err("the session is closed"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            // Its locks may be held by threads this process does not have.
            std::mem::forget(self.way.take());
        }
    }
}

#[pymethods]
impl Session {
    /// A session over a transport the program supplies.
    #[staticmethod]
    fn supplied(
        host: String,
        takes_scripts: bool,
        bare_commands: bool,
        single_questions: bool,
        check_timeout: f64,
    ) -> Self {
        let options = session_options(check_timeout, check_timeout);
        let habits = Habits { takes_scripts, bare_commands, single_questions };
        let way = Way::Supplied { host, habits, options };
        Self { way: Some(way), pid: std::process::id() }
    }

    /// The process the session belongs to.
    #[getter]
    fn pid(&self) -> u32 {
        self.pid
    }

    /// The user number commands run as, where it is known.
    #[getter]
    fn uid(&self) -> Option<u32> {
        match &self.way {
            Some(Way::Connected(session)) => session.uid(),
            _ => None,
        }
    }

    /// Starts one command.
    fn start_run(&self, command: String, timeout: f64) -> PyResult<Task> {
        let way = self.way()?;
        Task::start(move |shared| async move {
            let output = way.session(&shared).run(&command, Some(seconds(timeout))).await?;
            Ok(Outcome::Output(Box::new(output)))
        })
    }

    /// Starts to detect platform and capabilities.
    fn start_detect(&self, overrides: BTreeMap<String, bool>) -> PyResult<Task> {
        let way = self.way()?.for_questions();
        Task::start(move |shared| async move {
            let session = way.session(&shared);
            let facts = Arc::new(kensa::detect::detect(&*session, &overrides).await);
            shared.push(Item::Detected(Arc::clone(&facts)));
            Ok(Outcome::Facts(facts))
        })
    }

    /// Starts a scan. `facts` are used as they are where given, else detected; with `stream` every result is
    /// given as soon as it is settled.
    fn start_scan(&self, corpus: &Corpus, how: Scan) -> PyResult<Task> {
        let way = self.way()?.for_questions();
        let corpus = Arc::clone(&corpus.loaded);
        Task::start(move |shared| async move {
            let session = way.session(&shared);
            let (stream, progress) = (how.stream, how.progress);
            let events = Arc::clone(&shared);
            let mut on_event = move |event: ScanEvent<'_>| match event {
                ScanEvent::Detected(facts) => events.push(Item::Detected(Arc::new(facts.clone()))),
                ScanEvent::Answered { answered, planned } if progress => {
                    events.push(Item::Progress(answered, planned));
                }
                ScanEvent::Result(result) if stream => events.push(Item::Result(Box::new(result.clone()))),
                _ => {}
            };
            let (facts, options) = (how.facts(&session).await, &how.options);
            let report = match &facts {
                Some(facts) => {
                    kensa::scan_with_facts(&*session, facts, &corpus, options, &mut on_event).await
                }
                None => kensa::scan(&*session, &corpus, options, &mut on_event).await,
            }?;
            Ok(Outcome::Report(Box::new(report)))
        })
    }

    /// Starts to close; the session cannot be used afterwards.
    fn start_close(&self) -> PyResult<Task> {
        let way = self.way()?;
        Task::start(move |_| async move {
            if let Way::Connected(session) = way {
                session.close().await;
            }
            Ok(Outcome::Nothing)
        })
    }
}

/// How a scan is to be done, as a dictionary.
pub(crate) struct Scan {
    pub(crate) options: ScanOptions,
    facts: Option<Facts>,
    platform: Option<Platform>,
    stream: bool,
    progress: bool,
}

impl Scan {
    /// What the caller knows of the host: all of it, or its platform, to which the rest is detected.
    pub(crate) async fn facts(&self, session: &kensa::Session) -> Option<Facts> {
        match (&self.facts, &self.platform) {
            (Some(facts), _) => Some(facts.clone()),
            (None, Some(platform)) => {
                let detected = kensa::detect::detect(session, &self.options.capabilities).await;
                Some(Facts { platform: Some(platform.clone()), ..detected })
            }
            (None, None) => None,
        }
    }
}

/// Family, major version, id, full version, name.
type PlatformParts = (String, u32, String, String, String);

fn platform((family, major, id, version_id, pretty_name): PlatformParts) -> Platform {
    Platform { id, family, major, version_id, pretty_name }
}

impl<'py> FromPyObject<'_, 'py> for Scan {
    type Error = PyErr;

    fn extract(how: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let how = how.cast::<PyDict>()?;
        let item = |name: &str| {
            how.get_item(name)?.ok_or_else(|| PyTypeError::new_err(format!("a scan needs {name}")))
        };
        let scan_timeout: Option<f64> = item("scan_timeout")?.extract()?;
        let options = ScanOptions {
            variables: item("variables")?.extract()?,
            framework: item("framework")?.extract()?,
            capabilities: item("overrides")?.extract()?,
            scan_timeout: scan_timeout.map(seconds),
            evidence_limit: item("evidence_limit")?.extract()?,
            profile: item("profile")?.extract()?,
            ..ScanOptions::default()
        };
        type Given = (Option<PlatformParts>, BTreeMap<String, bool>, BTreeMap<String, String>);
        let given: Option<Given> = item("facts")?.extract()?;
        let facts = given.map(|(parts, capabilities, undetermined)| Facts {
            platform: parts.map(platform),
            capabilities,
            undetermined,
        });
        let known: Option<PlatformParts> = item("platform")?.extract()?;
        Ok(Self {
            options,
            facts,
            platform: known.map(platform),
            stream: item("stream")?.extract()?,
            progress: item("progress")?.extract()?,
        })
    }
}

/// Starts to ask whether a host answers at a TCP port; sends nothing.
#[pyfunction]
pub(crate) fn start_reachable(host: String, port: u16, timeout: f64) -> PyResult<Task> {
    Task::start(move |_| async move {
        let found = kensa::reachable(&host, port, seconds(timeout)).await;
        let (reason, message) =
            found.error.map_or_else(Default::default, |error| (error.reason.code(), error.to_string()));
        Ok(Outcome::Reachable {
            reached: found.reached,
            latency: found.latency,
            banner: found.banner,
            reason,
            message,
        })
    })
}
