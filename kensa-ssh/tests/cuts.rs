//! What no judgement of one answer can see is prevented where answers are framed: a link that is cut anywhere, and
//! streams whose parts are missing, doubled or out of order, never complete a command with an answer that is not its
//! own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use common::ask;
use futures_util::StreamExt;
use kensa_core::{Answer, Reason};
use kensa_ssh::link::{Exit, Link, Streams};
use kensa_ssh::local::Local;
use kensa_ssh::{Become, ConnectError, ConnectReason, Session, SessionOptions};
use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, ReadBuf};

/// What goes wrong with a link.
#[derive(Clone, Debug)]
enum Fault {
    /// The link carries this many bytes of each stream.
    Cut(usize, usize),
    /// The frames of two commands change places, on both streams or on standard error alone.
    Exchanged(usize, bool),
    /// A frame is missing, or its end is.
    Missing(usize, bool),
    /// A frame comes twice.
    Doubled(usize),
}

fn refused() -> ConnectError {
    ConnectError::new(ConnectReason::Unreachable, "faulty", "there is no way back")
}

/// The local machine, over a link that is cut once.
#[derive(Debug)]
struct Severed {
    local: Local,
    cut: Mutex<Option<(usize, usize)>>,
    /// Whether there is a second connection.
    again: bool,
    seen: Arc<[AtomicUsize; 2]>,
}

#[async_trait]
impl Link for Severed {
    fn host(&self) -> &str {
        "severed"
    }

    async fn open(&self, command: &str) -> Result<Streams, ConnectError> {
        let streams = self.local.open(command).await?;
        let Some((output, error)) = self.cut.lock().unwrap().take() else { return Ok(streams) };
        let Streams { stdin, stdout, stderr, exit } = streams;
        let (gone, lost) = tokio::sync::watch::channel(false);
        let stream = |inner, left, at: usize| {
            Box::new(Severable { inner, left, at, seen: Arc::clone(&self.seen), gone: gone.clone() })
        };
        let (stdout, stderr) = (stream(stdout, output, 0), stream(stderr, error, 1));
        let exit = Box::pin(async move {
            let mut lost = lost;
            // The shell dies of the cut, and its end does not cross a link that is gone.
            tokio::select! {
                biased;
                _ = lost.wait_for(|gone| *gone) => Exit::Lost,
                exit = exit => exit,
            }
        });
        Ok(Streams { stdin, stdout, stderr, exit })
    }

    async fn open_with_terminal(&self, _: &str) -> Result<Streams, ConnectError> {
        Err(refused())
    }

    async fn reconnect(&self) -> Result<(), ConnectError> {
        if self.again { Ok(()) } else { Err(refused()) }
    }

    async fn close(&self) {}
}

/// A stream that ends after so many bytes, and the link with it.
struct Severable {
    inner: Box<dyn AsyncRead + Send + Unpin>,
    left: usize,
    at: usize,
    seen: Arc<[AtomicUsize; 2]>,
    gone: tokio::sync::watch::Sender<bool>,
}

impl AsyncRead for Severable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.left == 0 {
            self.gone.send_replace(true);
            return Poll::Ready(Ok(()));
        }
        let mut space = vec![0; self.left.min(buf.remaining()).min(4096)];
        let mut part = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        self.left -= read;
        self.seen[self.at].fetch_add(read, Ordering::Relaxed);
        buf.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

/// Commands with different output, status and standard error; the last sees what the others look like.
const COMMANDS: [&str; 6] = [
    "echo one",
    "printf two; echo err >&2; exit 3",
    "true",
    "printf '\\n%032d 2 0\\n' 7",
    "cat /no/such/file",
    "echo six; printf 'no end' >&2",
];

fn view(answer: &Answer) -> Result<(i32, String, String), Reason> {
    match answer {
        Ok(output) => {
            Ok((output.exit_code, output.stdout_text().into_owned(), output.stderr_text().into_owned()))
        }
        Err(fault) => Err(fault.reason),
    }
}

async fn severed(cut: (usize, usize), again: bool) -> Option<(Vec<Answer>, [usize; 2])> {
    let seen = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let link =
        Severed { local: Local::default(), cut: Mutex::new(Some(cut)), again, seen: Arc::clone(&seen) };
    // A link that is cut before the shell says hello gives no session.
    let session = Session::over(Arc::new(link), Become::None, SessionOptions::default()).await.ok()?;
    let answers = ask(&session, &COMMANDS).await;
    let seen = [0, 1].map(|at: usize| seen[at].load(Ordering::Relaxed));
    Some((answers, seen))
}

#[tokio::test]
async fn a_link_cut_after_any_byte_leaves_true_answers_and_faults_only() {
    let (truth, [output, error]) = severed((usize::MAX, usize::MAX), false).await.unwrap();
    let truth: Vec<_> = truth.iter().map(view).collect();
    assert!(truth.iter().all(Result::is_ok) && output > 300 && error > 250, "{output} {error}");
    let cuts = (0..output).step_by(3).map(|at| (at, usize::MAX));
    let cuts: Vec<_> = cuts.chain((0..error).step_by(3).map(|at| (usize::MAX, at))).collect();
    let (mut told, mut lost) = (0, 0);
    let cases = cuts.into_iter().enumerate().map(|(number, cut)| async move {
        let again = number % 4 == 0;
        (cut, again, severed(cut, again).await)
    });
    let mut cases = futures_util::stream::iter(cases).buffer_unordered(32);
    while let Some((cut, again, answers)) = cases.next().await {
        let Some((answers, _)) = answers else { continue };
        for (answer, truth) in answers.iter().zip(&truth) {
            let got = view(answer);
            if got == Err(Reason::ConnectionLost) && !again {
                lost += 1;
            } else {
                assert_eq!(&got, truth, "cut at {cut:?}");
                told += 1;
            }
        }
    }
    println!("{told} told, {lost} lost");
    assert!(told > 200 && lost > 200, "{told} {lost}");
}

/// A host that answers each command with the command's own text, and does one thing wrong in its first shell.
#[derive(Debug)]
struct Confused {
    fault: Mutex<Option<Fault>>,
    again: bool,
}

#[async_trait]
impl Link for Confused {
    fn host(&self) -> &str {
        "confused"
    }

    async fn open(&self, _: &str) -> Result<Streams, ConnectError> {
        let (stdin, input) = tokio::io::duplex(1 << 16);
        let (stdout, output) = tokio::io::duplex(1 << 16);
        let (stderr, error) = tokio::io::duplex(1 << 16);
        let fault = self.fault.lock().unwrap().take();
        let exit = tokio::spawn(confuse(input, output, error, fault));
        let exit = Box::pin(async move { exit.await.map_or(Exit::Lost, |()| Exit::Lost) });
        Ok(Streams { stdin: Box::new(stdin), stdout: Box::new(stdout), stderr: Box::new(stderr), exit })
    }

    async fn open_with_terminal(&self, _: &str) -> Result<Streams, ConnectError> {
        Err(refused())
    }

    async fn reconnect(&self) -> Result<(), ConnectError> {
        if self.again { Ok(()) } else { Err(refused()) }
    }

    async fn close(&self) {}
}

/// Commands sent at once.
const COUNT: usize = 6;

/// Speaks the protocol for one shell: waits for all commands, then answers with the fault, or at once without one.
async fn confuse(
    input: tokio::io::DuplexStream,
    mut output: tokio::io::DuplexStream,
    mut error: tokio::io::DuplexStream,
    fault: Option<Fault>,
) {
    let mut lines = BufReader::new(input).lines();
    let mut nonce = String::new();
    let mut frames: Vec<[String; 2]> = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains(" H %d") {
            nonce = line.split("\\n").nth(1).unwrap().split(' ').next().unwrap().to_owned();
            output.write_all(format!("\n{nonce} H 7 0\n").as_bytes()).await.unwrap();
            error.write_all(format!("\n{nonce} H\n").as_bytes()).await.unwrap();
        }
        let Some((command, seq)) = line.rsplit_once(";__kz ") else { continue };
        let Ok(seq) = seq.trim().parse::<usize>() else { continue };
        let text = command.split('#').nth(1).unwrap_or_default();
        let frame = [format!("out {text}\n{nonce} {seq} 0\n"), format!("err {text}\n{nonce} {seq}\n")];
        match fault {
            None => {
                output.write_all(frame[0].as_bytes()).await.unwrap();
                error.write_all(frame[1].as_bytes()).await.unwrap();
            }
            Some(_) => frames.push(frame),
        }
        if frames.len() == COUNT {
            break;
        }
    }
    let Some(fault) = fault else { return };
    let mut streams =
        [0, 1].map(|side: usize| frames.iter().map(|frame| frame[side].clone()).collect::<Vec<_>>());
    let mut limits = [usize::MAX; 2];
    match fault {
        Fault::Cut(output, error) => limits = [output, error],
        Fault::Exchanged(at, both) => {
            streams[1].swap(at, at + 1);
            if both {
                streams[0].swap(at, at + 1);
            }
        }
        Fault::Missing(at, whole) => {
            for stream in &mut streams {
                let text = stream[at].clone();
                stream[at] = if whole { String::new() } else { text.split('\n').next().unwrap().to_owned() };
            }
        }
        Fault::Doubled(at) => streams.iter_mut().for_each(|stream| stream.insert(at, stream[at].clone())),
    }
    for (stream, (text, limit)) in [&mut output, &mut error].into_iter().zip(streams.iter().zip(limits)) {
        let text = text.concat();
        stream.write_all(&text.as_bytes()[..text.len().min(limit)]).await.unwrap();
    }
}

/// How many of the commands are answered in spite of the fault. Each is answered truly or lost.
fn told_after(fault: &Fault, again: bool) -> usize {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let link = Confused { fault: Mutex::new(Some(fault.clone())), again };
        let session = Session::over(Arc::new(link), Become::None, SessionOptions::default()).await.unwrap();
        let commands: Vec<String> = (0..COUNT).map(|n| format!(": #{n}#")).collect();
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        let answers = tokio::time::timeout(Duration::from_secs(20), ask(&session, &commands)).await.unwrap();
        for (n, answer) in answers.iter().enumerate() {
            match view(answer) {
                Ok(got) => assert_eq!(got, (0, format!("out {n}"), format!("err {n}")), "{fault:?}"),
                Err(reason) => assert!(reason == Reason::ConnectionLost && !again, "{fault:?}: {reason}"),
            }
        }
        answers.iter().filter(|answer| answer.is_ok()).count()
    })
}

#[test]
fn a_link_cut_at_any_byte_of_any_frame_completes_no_command_wrongly() {
    let mut told = Vec::new();
    // One stream is cut, then the other, then both; the last cuts are behind the last frame.
    for (output, error) in [(true, false), (false, true), (true, true)] {
        for at in 0..COUNT * 60 {
            let cut = |cuts: bool| if cuts { at } else { usize::MAX };
            told.push(told_after(&Fault::Cut(cut(output), cut(error)), false));
        }
    }
    // Every number of answers occurs: none, all, and the boundaries between.
    assert!((0..=COUNT).all(|count| told.contains(&count)), "{told:?}");
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        (0..500_usize, 0..500_usize).prop_map(|(output, error)| Fault::Cut(output, error)),
        (0..COUNT - 1, any::<bool>()).prop_map(|(at, both)| Fault::Exchanged(at, both)),
        (0..COUNT, any::<bool>()).prop_map(|(at, whole)| Fault::Missing(at, whole)),
        (0..COUNT).prop_map(Fault::Doubled),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn frames_missing_doubled_or_out_of_order_complete_no_command_wrongly(fault in faults(), again in any::<bool>()) {
        told_after(&fault, again);
    }
}
