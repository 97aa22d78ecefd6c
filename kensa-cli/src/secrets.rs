//! Passwords: typed on the terminal or read from standard input, never an argument, never an environment
//! variable, never logged.

use std::io::{BufRead, IsTerminal};

use kensa::Secret;

use crate::arguments::{Login, Transport};
use crate::exit::Failure;

/// What the user has said to log in and to become root.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    pub(crate) password: Option<Secret>,
    pub(crate) passphrase: Option<Secret>,
    pub(crate) root_password: Option<Secret>,
}

impl Secrets {
    /// Asks for everything `login` says to ask for.
    pub(crate) fn collect(login: &Login) -> Result<Self, Failure> {
        let mut secrets = Self::default();
        let asks = login.ssh.ask_pass || login.ssh.password_stdin || login.ssh.ask_passphrase;
        if asks && login.ssh.transport == Transport::Openssh {
            return Err(Failure::usage("the system's ssh is given no password or passphrase")
                .with_help("use its agent, or --transport native"));
        }
        if login.ssh.password_stdin {
            secrets.password = Some(first_line(&mut std::io::stdin().lock())?);
        }
        if login.ssh.ask_pass {
            secrets.password = Some(prompt("Password: ")?);
        }
        if login.ssh.ask_passphrase {
            secrets.passphrase = Some(prompt("Passphrase of the key: ")?);
        }
        if login.root.ask_sudo_pass {
            let same = secrets.password.is_some();
            let typed =
                prompt(if same { "Root password [the login password]: " } else { "Root password: " })?;
            let empty = typed.reveal().is_empty();
            secrets.root_password = if empty && same { secrets.password.clone() } else { Some(typed) };
        }
        Ok(secrets)
    }
}

fn prompt(text: &str) -> Result<Secret, Failure> {
    rpassword::prompt_password(text).map(Secret::new).map_err(|error| {
        Failure::usage(format!("cannot ask for a password: {error}"))
            .with_help("there has to be a terminal; without one use --password-stdin or a key")
    })
}

fn first_line(input: &mut (impl BufRead + MaybeTerminal)) -> Result<Secret, Failure> {
    if input.is_terminal() {
        return Err(Failure::usage("--password-stdin reads a pipe, and standard input is a terminal")
            .with_help("use --ask-pass to type the password"));
    }
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    let line = Secret::new(line);
    let password = line.reveal().trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(Failure::usage("--password-stdin: the first line of standard input is empty"));
    }
    Ok(Secret::new(password))
}

/// Lets the tests stand in for standard input.
trait MaybeTerminal {
    fn is_terminal(&self) -> bool;
}

impl MaybeTerminal for std::io::StdinLock<'_> {
    fn is_terminal(&self) -> bool {
        IsTerminal::is_terminal(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl MaybeTerminal for &[u8] {
        fn is_terminal(&self) -> bool {
            false
        }
    }

    #[test]
    fn the_first_line_is_the_password_and_blanks_are_part_of_it() {
        let mut input: &[u8] = b" two words \r\nmore\n";
        assert_eq!(first_line(&mut input).unwrap().reveal(), " two words ");
    }

    #[test]
    fn no_password_is_an_error() {
        let mut input: &[u8] = b"\n";
        assert_eq!(first_line(&mut input).unwrap_err().exit, crate::exit::Exit::Usage);
    }
}
