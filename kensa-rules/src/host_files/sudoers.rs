//! sudoers(5): includes in their place, continued lines, comments, and what `Defaults` lines set.

use kensa_core::{CouldNotTell, Outputs, Probe, Reason, Source};

/// The file sudo starts from.
pub(crate) const SUDOERS: &str = "/etc/sudoers";
/// How deep sudo follows includes.
const DEEPEST: usize = 128;

/// A line without its comment, continuations joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SudoLine {
    /// The text, one blank between words outside quotes.
    pub(crate) text: String,
    /// Where it begins.
    pub(crate) source: Source,
}

/// What one item of a `Defaults` line sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SudoSetting {
    /// `true`, `false` (`!option`), or the value without quotes.
    pub(crate) value: String,
    /// Whom the line is for (`:user`, `@host`, `!command`, `>runas`); empty for everybody.
    pub(crate) scope: String,
    /// Where.
    pub(crate) source: Source,
}

/// The first wave.
pub(crate) fn probes() -> Vec<Probe> {
    vec![Probe::read(SUDOERS)]
}

/// The files and directories that are known to be needed and were not asked for yet.
pub(crate) fn follow_up(got: &Outputs) -> Vec<Probe> {
    let mut missing = Vec::new();
    let mut open = vec![SUDOERS.to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if !got.contains(&Probe::read(&*path)) {
            missing.push(Probe::read(path));
            continue;
        }
        let text = got.read(&path).ok().flatten().unwrap_or_default();
        for line in logical_lines(&path, &text) {
            match include(&line.text, &path) {
                Some(Include::File(file)) => open.push(file),
                Some(Include::Dir(dir)) if !got.contains(&Probe::list(&*dir)) => {
                    missing.push(Probe::list(dir))
                }
                Some(Include::Dir(dir)) => open.extend(members(got, &dir).unwrap_or_default()),
                None => {}
            }
        }
    }
    missing
}

/// Every line in the order sudo reads them; the last of several that set the same thing counts.
pub(crate) fn lines(got: &Outputs) -> Result<Vec<SudoLine>, CouldNotTell> {
    let mut found = Vec::new();
    collect(got, SUDOERS, 0, &mut found)?;
    Ok(found)
}

/// What `Defaults` lines say about `option`, in reading order.
pub(crate) fn settings(lines: &[SudoLine], option: &str) -> Vec<SudoSetting> {
    let mut found = Vec::new();
    for line in lines {
        let Some(rest) = line.text.strip_prefix("Defaults") else { continue };
        let scoped = rest.starts_with([':', '@', '!', '>']);
        if !scoped && !rest.starts_with(' ') {
            continue;
        }
        let (scope, items) = if scoped { rest.split_once(' ').unwrap_or((rest, "")) } else { ("", rest) };
        for item in items_of(items) {
            if let Some(value) = value_of(item.trim(), option) {
                found.push(SudoSetting { value, scope: scope.to_owned(), source: line.source.clone() });
            }
        }
    }
    found
}

/// What the item sets `option` to; `None` when it is about another one.
fn value_of(item: &str, option: &str) -> Option<String> {
    if item.strip_prefix('!').is_some_and(|name| name.trim() == option) {
        return Some("false".to_owned());
    }
    let rest = item.strip_prefix(option)?.trim_start();
    if rest.is_empty() {
        return Some("true".to_owned());
    }
    let value = rest.strip_prefix('=')?.trim();
    Some(value.trim_matches('"').to_owned())
}

/// The items of a `Defaults` line, which commas outside quotes separate.
fn items_of(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted && !escaped => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    items.push(&text[start..]);
    items
}

enum Include {
    File(String),
    Dir(String),
}

/// The file or directory that an include line of `from` names; the old spelling looks like a comment.
fn include(line: &str, from: &str) -> Option<Include> {
    let (keyword, path) = line.split_once(' ')?;
    let path = path.trim().trim_matches('"');
    let folder = from.rsplit_once('/').map_or("/etc", |(folder, _)| folder);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    match keyword {
        "@include" | "#include" => Some(Include::File(path)),
        "@includedir" | "#includedir" => Some(Include::Dir(path.trim_end_matches('/').to_owned())),
        _ => None,
    }
}

/// The files sudo reads in a directory: not those whose name has a dot or ends with a tilde.
fn members(got: &Outputs, dir: &str) -> Result<Vec<String>, CouldNotTell> {
    let mut names = got.list(dir)?.unwrap_or_default();
    names.retain(|name| !name.contains('.') && !name.ends_with('~'));
    names.sort_unstable();
    Ok(names.iter().map(|name| format!("{dir}/{name}")).collect())
}

fn collect(got: &Outputs, path: &str, depth: usize, found: &mut Vec<SudoLine>) -> Result<(), CouldNotTell> {
    let Some(text) = got.read(path)? else { return Ok(()) };
    for line in logical_lines(path, &text) {
        let files = match include(&line.text, path) {
            Some(Include::File(file)) => vec![file],
            Some(Include::Dir(dir)) => members(got, &dir)?,
            None => {
                found.push(line);
                continue;
            }
        };
        for file in files {
            if file.contains('%') {
                let message = format!("{}: {file} depends on the name of the host", line.source);
                return Err(CouldNotTell::new(Reason::UnexpectedOutput, message));
            }
            if depth < DEEPEST {
                collect(got, &file, depth + 1, found)?;
            }
        }
    }
    Ok(())
}

fn logical_lines(path: &str, text: &str) -> Vec<SudoLine> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (line, number) in text.lines().zip(1_u32..) {
        let (start, mut joined) = open.take().unwrap_or((number, String::new()));
        match line.strip_suffix('\\') {
            Some(begun) => {
                joined.push_str(begun);
                open = Some((start, joined));
            }
            None => {
                joined.push_str(line);
                lines.push((start, joined));
            }
        }
    }
    lines.extend(open);
    let line = |(start, text): (u32, String)| SudoLine {
        text: one_blank(without_comment(&text)),
        source: Source { path: path.to_owned(), line: Some(start) },
    };
    lines.into_iter().map(line).filter(|line| !line.text.is_empty()).collect()
}

/// The line without its comment. `#include` is none, and `#1000` is a user or group number.
fn without_comment(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("#include ") || trimmed.starts_with("#includedir ") {
        return trimmed;
    }
    let (mut quoted, mut before) = (false, ' ');
    for (at, c) in line.char_indices() {
        let number = line[at + c.len_utf8()..].starts_with(|next: char| next.is_ascii_digit() || next == '-');
        match c {
            '"' if before != '\\' => quoted = !quoted,
            '#' if !quoted && before != '\\' && !number => return &line[..at],
            _ => {}
        }
        before = c;
    }
    line
}

fn one_blank(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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

    #[test]
    fn includes_are_read_in_their_place_and_other_names_are_left_out() {
        let got = host(&[
            (
                Probe::read(SUDOERS),
                "Defaults use_pty\n#includedir /etc/sudoers.d\nroot ALL=(ALL) ALL # all\n",
            ),
            (Probe::list("/etc/sudoers.d"), "b\na\nc.conf\nd~\n"),
            (Probe::read("/etc/sudoers.d/a"), "@include extra\n"),
            (Probe::read("/etc/sudoers.d/extra"), "%ops \\\n  ALL = NOPASSWD: ALL\n"),
            (Probe::read("/etc/sudoers.d/b"), "# nothing\n#1000 ALL=ALL\n"),
        ]);
        assert_eq!(follow_up(&got), []);
        let lines = lines(&got).expect("lines");
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            texts,
            ["Defaults use_pty", "%ops ALL = NOPASSWD: ALL", "#1000 ALL=ALL", "root ALL=(ALL) ALL"]
        );
        assert_eq!(lines[1].source.to_string(), "/etc/sudoers.d/extra:1");
    }

    #[test]
    fn defaults_are_read_item_by_item() {
        let text = "Defaults env_reset, !use_pty , logfile=\"/var/log/sudo, all.log\"\nDefaults:bob use_pty\n\
            Defaults timestamp_timeout = 5\nDefaultsuse_pty\n";
        let lines = logical_lines("/s", text);
        let said = |option: &str| {
            let found = settings(&lines, option);
            found.into_iter().map(|one| format!("{}{}", one.value, one.scope)).collect::<Vec<_>>()
        };
        assert_eq!(said("use_pty"), ["false", "true:bob"]);
        assert_eq!(said("logfile"), ["/var/log/sudo, all.log"]);
        assert_eq!(said("timestamp_timeout"), ["5"]);
        assert_eq!(said("env"), Vec::<String>::new());
    }
}
