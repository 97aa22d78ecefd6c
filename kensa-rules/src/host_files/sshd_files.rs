//! The lines of the SSH server's configuration: includes in their place, `Match` blocks, and the options on the
//! command line of the running server, which outweigh both.
//!
//! `sshd -T` says which values are in force but neither where they come from nor what `Match` blocks change.

use kensa_core::{CouldNotTell, Outputs, Probe, Source};

use super::pattern;

/// The file the server starts from.
pub(crate) const SSHD_CONFIG: &str = "/etc/ssh/sshd_config";
/// Where relative includes are looked for.
const FOLDER: &str = "/etc/ssh";
/// How deep sshd follows includes.
const DEEPEST: usize = 16;

/// One line that sets a keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SshdLine {
    /// The keyword in lower case.
    pub(crate) key: String,
    /// Its arguments, one blank between them, without quotes and comment.
    pub(crate) value: String,
    /// The criteria of the `Match` block it is in.
    pub(crate) scope: Option<String>,
    /// Where.
    pub(crate) source: Source,
}

impl SshdLine {
    /// Whether the line can count for `user`; a block may match by something else than the name.
    pub(crate) fn may_concern(&self, user: &str) -> bool {
        let words: Vec<&str> = self.scope.as_deref().unwrap_or_default().split(' ').collect();
        let by_user = words.chunks(2).filter_map(|pair| match pair {
            [name, patterns] if name.eq_ignore_ascii_case("user") => Some(*patterns),
            _ => None,
        });
        let listed = |patterns: &str, sign: bool| {
            patterns.split(',').any(|one| match one.strip_prefix('!') {
                Some(one) => !sign && pattern::matches(one, user),
                None => sign && pattern::matches(one, user),
            })
        };
        by_user.into_iter().all(|patterns| listed(patterns, true) && !listed(patterns, false))
    }
}

/// The first wave.
pub(crate) fn probes() -> Vec<Probe> {
    vec![Probe::read(SSHD_CONFIG), processes()]
}

/// What running servers were started with; listeners only have a path in their title.
fn processes() -> Probe {
    Probe::run(["ps", "-ww", "-C", "sshd", "-o", "args="])
}

/// The patterns and files that are known to be needed and were not asked for yet.
pub(crate) fn follow_up(got: &Outputs) -> Vec<Probe> {
    let mut missing = Vec::new();
    let mut open = vec![(SSHD_CONFIG.to_owned(), 0)];
    while let Some((path, depth)) = open.pop() {
        if !got.contains(&Probe::read(&*path)) {
            missing.push(Probe::read(path));
            continue;
        }
        let text = got.read(&path).ok().flatten().unwrap_or_default();
        for words in text.lines().filter_map(words).filter(|words| is_include(words) && depth < DEEPEST) {
            for pattern in words.iter().skip(1).map(|word| absolute(word)) {
                if !is_pattern(&pattern) {
                    open.push((pattern, depth + 1));
                } else if !got.contains(&Probe::Glob { pattern: pattern.clone() }) {
                    missing.push(Probe::Glob { pattern });
                } else {
                    let paths = got.glob(&pattern).unwrap_or_default();
                    open.extend(paths.into_iter().map(|path| (path, depth + 1)));
                }
            }
        }
    }
    missing
}

/// Every line, in the order sshd reads them: outside `Match` blocks the first of a keyword is in force.
pub(crate) fn lines(got: &Outputs) -> Result<Vec<SshdLine>, CouldNotTell> {
    let mut found = Vec::new();
    collect(got, SSHD_CONFIG, &None, 0, &mut found)?;
    Ok(found)
}

/// What the running server was given on its command line (`-o KEY=VALUE`); such a value is in force whatever the
/// files and `sshd -T` say. RHEL 8 passes its cryptographic policy like this.
pub(crate) fn command_line(got: &Outputs, key: &str) -> Result<Option<String>, CouldNotTell> {
    let output = got.ran(&processes())?;
    // No process of that name.
    if output.exit_code == 1 && output.stdout.is_empty() && output.stderr.is_empty() {
        return Ok(None);
    }
    let text = got.succeeded(&processes())?.stdout_text().into_owned();
    let listener = text.lines().map(|line| line.trim().trim_start_matches("sshd: ")).find(|line| {
        let program = line.split(' ').next().unwrap_or_default();
        program.starts_with('/') && program.ends_with("/sshd")
    });
    let mut words = listener.unwrap_or_default().split(' ').skip(1);
    while let Some(word) = words.next() {
        let option = match word.strip_prefix("-o") {
            Some("") => words.next().unwrap_or_default(),
            Some(option) => option,
            None => continue,
        };
        if let Some((name, value)) = option.split_once('=')
            && name.eq_ignore_ascii_case(key)
        {
            return Ok(Some(value.trim_matches('"').to_owned()));
        }
    }
    Ok(None)
}

fn collect(
    got: &Outputs,
    path: &str,
    above: &Option<String>,
    depth: usize,
    found: &mut Vec<SshdLine>,
) -> Result<(), CouldNotTell> {
    let Some(text) = got.read(path)? else { return Ok(()) };
    // A block ends with its file.
    let mut scope = above.clone();
    for (line, number) in text.lines().zip(1_u32..) {
        let Some(words) = words(line) else { continue };
        let (key, rest) = (words[0].to_ascii_lowercase(), words[1..].join(" "));
        if key == "match" {
            scope = Some(rest);
        } else if is_include(&words) && depth < DEEPEST {
            for pattern in words.iter().skip(1).map(|word| absolute(word)) {
                let paths = if is_pattern(&pattern) { got.glob(&pattern)? } else { vec![pattern] };
                for path in paths {
                    collect(got, &path, &scope, depth + 1, found)?;
                }
            }
        } else {
            let source = Source { path: path.to_owned(), line: Some(number) };
            found.push(SshdLine { key, value: rest, scope: scope.clone(), source });
        }
    }
    Ok(())
}

/// Keyword and arguments of a line, which blanks or one `=` separate; `None` for an empty line or a comment.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
            Some((word, after)) => (word, after),
            None => {
                let blank = |c: char| c.is_whitespace() || words.is_empty() && c == '=';
                rest.split_at(rest.find(blank).unwrap_or(rest.len()))
            }
        };
        words.push(word.to_owned());
        rest = after.trim_start();
        if words.len() == 1 {
            rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        }
    }
    (!words.is_empty()).then_some(words)
}

fn is_include(words: &[String]) -> bool {
    words.first().is_some_and(|key| key.eq_ignore_ascii_case("include"))
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{FOLDER}/{path}") }
}

fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kensa_core::Output;

    use super::*;

    fn host(answers: &[(Probe, &str)]) -> Outputs {
        let answer = |probe: &Probe, text: &str| {
            Ok(Arc::new(Output::new(probe.command(), 0, text.as_bytes(), b""))) as kensa_core::Answer
        };
        answers.iter().map(|(probe, text)| (probe.clone(), answer(probe, text))).collect()
    }

    fn dropins() -> Probe {
        Probe::Glob { pattern: "/etc/ssh/sshd_config.d/*.conf".to_owned() }
    }

    #[test]
    fn includes_are_read_in_their_place_and_a_block_ends_with_its_file() {
        let got = host(&[
            (
                Probe::read(SSHD_CONFIG),
                "Port 22\nMatch User a\n  Include sshd_config.d/*.conf\n  Banner none\n#X y\nMatch all\nUsePAM yes\n",
            ),
            (dropins(), "/etc/ssh/sshd_config.d/1.conf\n"),
            (
                Probe::read("/etc/ssh/sshd_config.d/1.conf"),
                "PermitRootLogin=no # why\nMatch Group b\nMaxSessions \"1\"\n",
            ),
        ]);
        let lines = lines(&got).expect("lines");
        let short: Vec<(&str, &str, Option<&str>)> =
            lines.iter().map(|l| (l.key.as_str(), l.value.as_str(), l.scope.as_deref())).collect();
        assert_eq!(
            short,
            [
                ("port", "22", None),
                ("permitrootlogin", "no", Some("User a")),
                ("maxsessions", "1", Some("Group b")),
                ("banner", "none", Some("User a")),
                ("usepam", "yes", Some("all")),
            ]
        );
        assert_eq!(lines[1].source.to_string(), "/etc/ssh/sshd_config.d/1.conf:1");
    }

    #[test]
    fn what_an_include_names_is_asked_for_in_waves() {
        let main = (Probe::read(SSHD_CONFIG), "Include /etc/ssh/sshd_config.d/*.conf /etc/ssh/one\n");
        let one = Probe::read("/etc/ssh/one");
        assert_eq!(follow_up(&host(std::slice::from_ref(&main))), [dropins(), one.clone()]);
        let next = follow_up(&host(&[main, (dropins(), "/etc/ssh/sshd_config.d/1.conf\n"), (one, "")]));
        assert_eq!(next, [Probe::read("/etc/ssh/sshd_config.d/1.conf")]);
    }

    #[test]
    fn the_command_line_of_a_listener_outweighs_the_files() {
        let said = |text: &str| command_line(&host(&[(processes(), text)]), "ciphers");
        let old = "/usr/sbin/sshd -D -oCiphers=aes256-ctr,aes128-ctr -o MACs=x\nsshd: scan [priv]\n";
        assert_eq!(said(old), Ok(Some("aes256-ctr,aes128-ctr".to_owned())));
        let titled = "sshd: scan@notty\nsshd: /usr/sbin/sshd -D -o Ciphers=aes256-ctr [listener] 0 of 10-100 startups\n";
        assert_eq!(said(titled), Ok(Some("aes256-ctr".to_owned())));
        assert_eq!(said("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups\n"), Ok(None));
    }

    #[test]
    fn a_block_for_others_does_not_concern_root() {
        let concerns = |scope: &str| {
            let source = Source { path: "/x".to_owned(), line: None };
            SshdLine { key: String::new(), value: String::new(), scope: Some(scope.to_owned()), source }
                .may_concern("root")
        };
        assert!(concerns("Address 192.0.2.0/24") && concerns("User r*,admin") && concerns("all"));
        assert!(!concerns("User deploy") && !concerns("user *,!root") && !concerns("Group x User y"));
    }
}
