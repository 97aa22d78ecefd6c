//! Cassettes as files, and the host they play.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kensa::{RanCommand, RunCommand, RunError};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::hosts;

/// Where the cassettes are, from the repository's root, in which tests run.
pub const FOLDER: &str = "tests/conformance";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cassette {
    /// What it shows.
    #[allow(dead_code)]
    about: String,
    /// The recorded host that answers what `answers` does not.
    pub host: Option<String>,
    /// The host's name in results.
    #[serde(default = "web_1")]
    name: String,
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// By the name of the file that holds what the call gives.
    pub calls: BTreeMap<String, Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// `scan`, `plan`, `validate` or `coverage`.
    pub call: String,
    /// The rules' folder, `rules` by default.
    pub rules: Option<String>,
    #[serde(default)]
    pub severity: Vec<String>,
    #[serde(default)]
    pub category: Vec<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub rule_ids: Vec<String>,
    #[serde(default)]
    pub variables: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    pub capabilities: BTreeMap<String, bool>,
    pub framework: Option<String>,
    pub evidence_limit: Option<usize>,
    pub timeout_ms: Option<u64>,
    #[serde(default)]
    pub strict: bool,
    pub mapping: Option<String>,
}

/// What the host says to one command.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Answer {
    Ends {
        command: String,
        exit: i32,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stdout: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stderr: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stdout_hex: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stderr_hex: String,
        /// How often both streams are repeated.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        times: usize,
    },
    Fails {
        command: String,
        fault: Failing,
        message: String,
    },
    Hangs {
        command: String,
        #[allow(dead_code)]
        never: bool,
    },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    TimedOut,
    Other,
}

impl Answer {
    pub fn command(&self) -> &str {
        match self {
            Answer::Ends { command, .. } | Answer::Fails { command, .. } | Answer::Hangs { command, .. } => {
                command
            }
        }
    }
}

/// Every cassette by name, which is its folder's.
pub fn all() -> BTreeMap<String, Cassette> {
    let folders = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let cassettes = folders.filter(|folder| folder.join("cassette.json").is_file());
    let read = |folder: PathBuf| {
        let text = std::fs::read_to_string(folder.join("cassette.json")).unwrap();
        let cassette =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        (folder.file_name().unwrap().to_str().unwrap().to_owned(), cassette)
    };
    cassettes.map(read).collect()
}

/// What a recorded host answers to the commands of the cassettes.
#[derive(Clone, Default)]
pub struct Host {
    answers: BTreeMap<String, Answer>,
    used: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct HostFile {
    answers: Vec<Answer>,
}

impl Host {
    /// From the file beside the cassettes; anew from everything the host ever answered, for [`Host::save`].
    pub fn load(name: &str, anew: bool) -> Self {
        let answers: Vec<Answer> = if anew {
            let recorded = hosts::Recorded::load(name).answers;
            recorded
                .into_iter()
                .filter_map(|(probe, answer)| Some(plain(probe.command(), &*answer.ok()?)))
                .collect()
        } else {
            let text = std::fs::read_to_string(path_of(name)).unwrap();
            serde_json::from_str::<HostFile>(&text).unwrap().answers
        };
        let answers = answers.into_iter().map(|answer| (answer.command().to_owned(), answer)).collect();
        Self { answers, used: BTreeSet::new() }
    }

    pub fn used(&mut self, commands: &BTreeSet<String>) {
        self.used.extend(commands.iter().cloned());
    }

    pub fn idle(&self) -> Vec<&String> {
        self.answers.keys().filter(|command| !self.used.contains(*command)).collect()
    }

    /// Writes the answers that were used.
    pub fn save(&self, name: &str) {
        let used = self.answers.values().filter(|answer| self.used.contains(answer.command()));
        let text = serde_json::to_string_pretty(&HostFile { answers: used.cloned().collect() }).unwrap();
        std::fs::write(path_of(name), text + "\n").unwrap();
    }
}

fn path_of(name: &str) -> PathBuf {
    Path::new(FOLDER).join("hosts").join(format!("{name}.json"))
}

fn plain(command: String, output: &kensa::Output) -> Answer {
    Answer::Ends {
        command,
        exit: output.exit_code,
        stdout: output.stdout_text().into_owned(),
        stderr: output.stderr_text().into_owned(),
        stdout_hex: String::new(),
        stderr_hex: String::new(),
        times: once(),
    }
}

/// The host of one call.
pub struct Player {
    name: String,
    answers: HashMap<String, Answer>,
    played: Mutex<Played>,
}

/// What was asked.
#[derive(Clone, Default)]
pub struct Played {
    pub commands: BTreeSet<String>,
    pub unknown: BTreeSet<String>,
}

impl Player {
    pub fn new(cassette: &Cassette, host: Option<Host>) -> Self {
        let mut answers: HashMap<String, Answer> = host.unwrap_or_default().answers.into_iter().collect();
        answers.extend(cassette.answers.iter().map(|answer| (answer.command().to_owned(), answer.clone())));
        Self { name: cassette.name.clone(), answers, played: Mutex::default() }
    }

    pub fn played(&self) -> Played {
        self.played.lock().unwrap().clone()
    }
}

#[async_trait]
impl RunCommand for Player {
    fn host(&self) -> &str {
        &self.name
    }

    async fn run(&self, command: &str, _timeout: Duration) -> Result<RanCommand, RunError> {
        self.played.lock().unwrap().commands.insert(command.to_owned());
        match self.answers.get(command) {
            None => {
                self.played.lock().unwrap().unknown.insert(command.to_owned());
                Err(RunError::Other(format!("nothing was recorded for: {command}")))
            }
            Some(Answer::Ends { exit, stdout, stderr, stdout_hex, stderr_hex, times, .. }) => {
                let bytes = |text: &str, hex: &str| [text.as_bytes(), &from_hex(hex)].concat().repeat(*times);
                let (stdout, stderr) = (bytes(stdout, stdout_hex), bytes(stderr, stderr_hex));
                Ok(RanCommand { exit_code: *exit, stdout, stderr })
            }
            Some(Answer::Fails { fault: Failing::TimedOut, message, .. }) => {
                Err(RunError::TimedOut(message.clone()))
            }
            Some(Answer::Fails { fault: Failing::Other, message, .. }) => {
                Err(RunError::Other(message.clone()))
            }
            Some(Answer::Hangs { .. }) => std::future::pending().await,
        }
    }

    fn wants_bare_commands(&self) -> bool {
        true
    }

    fn wants_single_questions(&self) -> bool {
        true
    }
}

/// `json` without what differs from run to run and from version to version: times become 1970, durations 0. Only
/// what has exactly the engine's form is replaced, so that the form is compared as well.
pub fn timeless(json: &str) -> String {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        let time = r#""(timestamp|started_at|completed_at)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z""#;
        Regex::new(time).unwrap()
    });
    static DURATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""duration_ms":\d+([,}])"#).unwrap());
    static VERSION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""engine_version":"[^"\\]+""#).unwrap());
    let json = TIME.replace_all(json, r#""$1":"1970-01-01T00:00:00.000Z""#);
    let json = DURATION.replace_all(&json, r#""duration_ms":0$1"#);
    VERSION.replace_all(&json, r#""engine_version":"0.0.0""#).into_owned()
}

/// `json` with every member of the document, and every item of a list in it, on a line of its own. Without the line
/// feeds it is what it was: within texts there are none.
pub fn broken_into_lines(json: &str) -> String {
    let mut out = String::new();
    let mut open: Vec<char> = Vec::new();
    let (mut text, mut escaped) = (false, false);
    let spread = |open: &[char]| open.len() == 1 || open.len() == 2 && open[1] == '[';
    let mut characters = json.chars().peekable();
    let mut empty = false;
    while let Some(c) = characters.next() {
        let opens = !text && matches!(c, '[' | '{');
        let closes = !text && matches!(c, ']' | '}');
        if opens {
            open.push(c);
        }
        let breaks = !text && spread(&open);
        if closes && breaks && !empty {
            out.push('\n');
        }
        out.push(c);
        empty = opens && matches!(characters.peek(), Some(']' | '}'));
        if breaks && (c == ',' || opens && !empty) {
            out.push('\n');
        }
        if closes {
            open.pop();
        }
        if text {
            text = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            text = c == '"';
        }
    }
    out.push('\n');
    out
}

fn from_hex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn web_1() -> String {
    "web-1".to_owned()
}

fn once() -> usize {
    1
}

fn is_once(times: &usize) -> bool {
    *times == 1
}
