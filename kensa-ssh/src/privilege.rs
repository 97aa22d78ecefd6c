//! How a shell becomes root's, and what a refusal means.

use kensa_core::shell::command;

use crate::error::{ConnectError, ConnectReason};
use crate::link::Exit;
use crate::protocol::SEARCH_PATH;
use crate::secret::Secret;
use crate::shell::Refused;

/// How commands gain root rights. An account that already is root uses none of it.
#[derive(Clone, Debug, Default)]
pub enum Become {
    /// Not at all: commands run as the account that logged in.
    #[default]
    None,
    /// sudo(8), once per shell.
    Sudo {
        /// The account's password, where sudo asks for it. It is sent only after sudo's own prompt was seen, and
        /// only once.
        password: Option<Secret>,
    },
    /// doas(1) without a password.
    Doas,
    /// su(1), over a terminal.
    Su {
        /// Root's password.
        password: Option<Secret>,
    },
}

impl Become {
    /// The word for people: `sudo`, `doas`, `su`, or `none`.
    pub fn name(&self) -> &'static str {
        match self {
            Become::None => "none",
            Become::Sudo { .. } => "sudo",
            Become::Doas => "doas",
            Become::Su { .. } => "su",
        }
    }

    pub(crate) fn wanted(&self) -> bool {
        !matches!(self, Become::None)
    }

    pub(crate) fn password(&self) -> Option<&Secret> {
        match self {
            Become::Sudo { password } | Become::Su { password } => password.as_ref(),
            Become::None | Become::Doas => None,
        }
    }
}

/// What is executed to get a shell, and what it says on the way.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) command: String,
    pub(crate) terminal: bool,
    /// Printed once a POSIX shell of the account runs: what fails later is a matter of privilege.
    pub(crate) entered: String,
    /// Printed once nothing will ask for a password any more; `None` when nothing can ask.
    pub(crate) ready: Option<String>,
    pub(crate) prompt: Prompt,
}

/// How the question for the password is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// Exactly this random text, given to sudo.
    Exact(String),
    /// Whatever ends in a line like `Password:`; su cannot be given a prompt.
    Usual,
}

impl Prompt {
    /// Whether `seen`, the text since the last answer, ends in the question.
    pub(crate) fn asked(&self, seen: &[u8]) -> bool {
        match self {
            Prompt::Exact(text) => memchr::memmem::find(seen, text.as_bytes()).is_some(),
            Prompt::Usual => {
                let text = String::from_utf8_lossy(seen);
                let line = text.rsplit('\n').next().unwrap_or_default().trim_end().to_ascii_lowercase();
                line.ends_with(':') && (line.contains("password") || line.contains("passwort"))
            }
        }
    }
}

impl Opening {
    /// The way in for `become_`; `mark` is a random text of its own, since what is executed is public on the host.
    pub(crate) fn new(become_: &Become, nice: Option<i8>, terminal: bool, mark: &str) -> Self {
        let terminal = terminal || matches!(become_, Become::Su { .. });
        // With a file argument the shell does not become interactive on a terminal.
        let shell = if terminal { "sh /dev/stdin" } else { "sh" };
        let [entered, ready, prompt] = ["S", "R", "P"].map(|kind| format!("{mark} {kind}"));
        let announced = format!("echo;echo {ready};exec {shell}");
        let (asks, root) = match become_ {
            Become::None => (false, format!("exec {shell}")),
            Become::Sudo { password: None } => (false, format!("exec sudo -n {shell}")),
            Become::Sudo { password: Some(_) } => {
                (true, format!("exec sudo -S -p \"{prompt}\" sh -c \"{announced}\""))
            }
            Become::Doas => (false, format!("exec doas -n {shell}")),
            Become::Su { .. } => (true, format!("LC_ALL=C;export LC_ALL;exec su root -c \"{announced}\"")),
        };
        let already = if asks { announced } else { format!("exec {shell}") };
        let nice = nice.map(|level| format!("nice -n {level} ")).unwrap_or_default();
        let text = if become_.wanted() {
            // One line without backslashes, `!` or nested single quotes: fish and csh have to read it too.
            let script = format!(
                "PATH={SEARCH_PATH};export PATH;echo;echo {entered};case $(id -u) in 0){already};;esac;{root}"
            );
            format!("exec {nice}{}", command(["sh", "-c", &script]))
        } else {
            format!("exec {nice}{shell}")
        };
        let command = if terminal { format!("stty raw -echo; {text}") } else { text };
        let prompt = if matches!(become_, Become::Su { .. }) { Prompt::Usual } else { Prompt::Exact(prompt) };
        Self { command, terminal, entered, ready: asks.then_some(ready), prompt }
    }

    /// Why no shell came of it. `asked` says how often the password was asked for.
    pub(crate) fn explain(&self, become_: &Become, host: &str, seen: &Refused, asked: u8) -> ConnectError {
        let entered = format!("\n{}\n", self.entered);
        let inside = seen.stdout.contains(&entered);
        let mut stdout = seen.stdout.replace(&entered, "");
        let mut stderr = seen.stderr.clone();
        if let Prompt::Exact(prompt) = &self.prompt {
            stdout = stdout.replace(prompt, "");
            stderr = stderr.replace(prompt, "");
        }
        // A hanging shell may still have asked something; what it said last is what matters.
        let said = [stderr.trim(), stdout.trim()].into_iter().filter(|text| !text.is_empty());
        let said = shorten(&said.collect::<Vec<_>>().join("\n"));
        if matches!(seen.exit, Some(Exit::Lost)) {
            let message = format!("the connection was closed before a shell answered{}", quoted(&said));
            return ConnectError::new(ConnectReason::Closed, host, message);
        }
        if inside && become_.wanted() {
            let message = denial(become_, &said, seen, asked);
            return ConnectError::new(ConnectReason::SudoDenied, host, message);
        }
        let how = match &seen.exit {
            None => "the login shell does not answer".to_owned(),
            Some(Exit::Status(status)) => format!("the login shell ended with status {status}"),
            Some(Exit::Signal(signal)) => format!("the login shell was killed by SIG{signal}"),
            Some(Exit::Lost) => "the connection was lost".to_owned(),
        };
        let message = format!("{how} where a POSIX shell was expected{}", quoted(&said));
        ConnectError::new(ConnectReason::ShellRefused, host, message)
    }
}

/// Whether sudo wants a terminal.
pub(crate) fn wants_terminal(seen: &Refused) -> bool {
    ["must have a tty", "no tty present"].iter().any(|text| seen.stderr.contains(text))
}

/// One sentence about refused root rights, with the program's own words.
fn denial(become_: &Become, said: &str, seen: &Refused, asked: u8) -> String {
    let tool = become_.name();
    let text = said.to_ascii_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let why = if seen.exit.is_none() {
        format!("{tool} does not answer")
    } else if has(&["not found", "no such file"]) && matches!(seen.exit, Some(Exit::Status(126 | 127))) {
        format!("{tool} is not installed on the host")
    } else if has(&["must have a tty", "no tty present"]) {
        format!("{tool} wants a terminal and did not accept the one it was given")
    } else if has(&["expired", "account validation failure", "account is locked"]) {
        format!("{tool} refused the account")
    } else if has(&["not in the sudoers", "is not allowed", "may not run", "operation not permitted"]) {
        format!("{tool} does not allow this account to become root")
    } else if asked > 1 || (asked == 1 && become_.password().is_some()) {
        format!("{tool} refused the password; it was tried once and is not tried again")
    } else if asked == 1
        || has(&["password is required", "authentication required", "authorization required"])
    {
        format!("{tool} asks for a password and none was given")
    } else {
        format!("{tool} did not give root rights")
    };
    format!("{why}{}", quoted(said))
}

fn quoted(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// One line of at most 400 characters, control characters gone.
pub(crate) fn shorten(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" / ");
    line.chars().filter(|c| !c.is_control()).take(400).collect()
}

/// A [`Become`] of sudo that logged in but ended up as another user than root.
pub(crate) fn not_root(become_: &Become, host: &str, uid: u32) -> ConnectError {
    let message = format!("{} gave a shell of user number {uid}, not of root", become_.name());
    ConnectError::new(ConnectReason::SudoDenied, host, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [fn() -> Become; 5] = [
        || Become::Sudo { password: None },
        || Become::Sudo { password: Some("geheim".into()) },
        || Become::Doas,
        || Become::Su { password: Some("geheim".into()) },
        || Become::None,
    ];

    #[test]
    fn r24_no_password_is_in_a_command_or_in_debug_output() {
        for become_ in ALL.map(|make| make()) {
            for terminal in [false, true] {
                let opening = Opening::new(&become_, Some(5), terminal, "m");
                assert!(!opening.command.contains("geheim") && !format!("{become_:?}").contains("geheim"));
            }
        }
    }

    #[test]
    fn r22_the_command_is_readable_by_every_login_shell() {
        for become_ in ALL.map(|make| make()) {
            let command = Opening::new(&become_, None, false, "0123").command;
            assert!(!command.contains(['\\', '!', '\n', '`']), "{command}");
            assert!(command.matches('\'').count() <= 2, "{command}");
        }
    }

    fn said(stdout: &str, stderr: &str, status: i32) -> Refused {
        Refused { stdout: stdout.to_owned(), stderr: stderr.to_owned(), exit: Some(Exit::Status(status)) }
    }

    #[test]
    fn r20_each_refusal_is_told_apart_with_sudos_own_words() {
        let sudo = Become::Sudo { password: None };
        let with_password = Become::Sudo { password: Some("x".into()) };
        let cases: [(&Become, u8, &str, &str); 7] = [
            (&sudo, 0, "sudo: a password is required", "asks for a password and none"),
            (&with_password, 2, "Sorry, try again.\nsudo: no password was provided", "refused the password"),
            (&with_password, 1, "bob is not in the sudoers file.", "does not allow"),
            (&sudo, 0, "sudo: sorry, you must have a tty to run sudo", "wants a terminal"),
            (
                &sudo,
                0,
                "sudo: Account expired or PAM config lacks an \"account\" section",
                "refused the account",
            ),
            (&sudo, 0, "Sorry, user bob may not run sudo on h.", "does not allow"),
            (&sudo, 0, "sudo: unable to open audit system", "did not give root rights"),
        ];
        for (become_, asked, stderr, expected) in cases {
            let opening = Opening::new(become_, None, false, "0123");
            let error = opening.explain(become_, "h", &said("\n0123 S\n", stderr, 1), asked);
            assert_eq!(error.reason, ConnectReason::SudoDenied, "{stderr}");
            assert!(error.message.contains(expected), "{}", error.message);
            assert!(error.message.contains(stderr.lines().next().unwrap()), "{}", error.message);
        }
        let opening = Opening::new(&sudo, None, false, "0123");
        let missing =
            opening.explain(&sudo, "h", &said("\n0123 S\n", "sh: 1: exec: sudo: not found", 127), 0);
        assert!(missing.message.contains("not installed"), "{}", missing.message);
    }

    #[test]
    fn r22_a_refusing_login_shell_is_not_a_sudo_problem() {
        let sudo = Become::Sudo { password: None };
        let opening = Opening::new(&sudo, None, false, "0123");
        let error =
            opening.explain(&sudo, "h", &said("This account is currently not available.\n", "", 1), 0);
        assert_eq!(error.reason, ConnectReason::ShellRefused);
        assert!(error.message.contains("not available"), "{}", error.message);
    }

    #[test]
    fn the_usual_password_questions_are_recognised() {
        for text in ["Password: ", "\r\nPassword:", "root's Password:", "noise\nroot password: "] {
            assert!(Prompt::Usual.asked(text.as_bytes()), "{text:?}");
        }
        for text in ["", "Password: \n", "password", "Last login: now"] {
            assert!(!Prompt::Usual.asked(text.as_bytes()), "{text:?}");
        }
    }
}
