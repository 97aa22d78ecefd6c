//! What can be said about shell text without running it.

use std::io::Write;
use std::process::{Command, Stdio};

/// What `sh -n` says about the text; `None` when it parses, or when there is no `sh` to ask.
pub(super) fn syntax_error(text: &str) -> Option<String> {
    let mut shell = Command::new("sh")
        .arg("-n")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let written = shell.stdin.take().map(|mut input| input.write_all(text.as_bytes()));
    let output = shell.wait_with_output().ok()?;
    if output.status.success() && !matches!(written, Some(Err(_))) {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Some(said.lines().next().unwrap_or("it does not parse").trim().to_owned())
}

/// The text with `{{ variables }}` replaced by a word, comments left out.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}") else { break };
        out += &rest[..start];
        out.push('1');
        rest = &rest[start + end + 2..];
    }
    out + rest
}

/// A piece of a script: the text at one level, quotes opened and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Commands; the number is how many parentheses are open.
    Code(u32),
    /// `"…"`.
    Double,
    /// `$((…))`; the number is how many parentheses are open.
    Arithmetic(u32),
    /// `${…}`.
    Braces,
}

/// What a scan of shell text found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Variables that are split into words and expanded as patterns, with the offset.
    pub(super) unquoted: Vec<(usize, String)>,
    /// The same text with everything quoted, every comment and every nested command blanked.
    pub(super) skeleton: String,
}

impl Scan {
    /// The skeleton line by line, each with the script's text that it stands for, which may be several lines.
    pub(super) fn lines<'s>(&'s self, script: &'s str) -> Vec<(&'s str, String)> {
        let mut chars = script.chars();
        let text = |line: &str| {
            let length = line.chars().count();
            let text: String = chars.by_ref().take(length + 1).collect();
            text.trim_end_matches('\n').to_owned()
        };
        let texts: Vec<String> = self.skeleton.lines().map(text).collect();
        self.skeleton.lines().zip(texts).filter(|(line, _)| !line.trim().is_empty()).collect()
    }
}

/// Reads shell text. Here-documents are taken for text without variables.
pub(super) fn scan(text: &str) -> Scan {
    let mut found = Scan::default();
    let mut levels = vec![Level::Code(0)];
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let at = |index: usize| chars.get(index).map_or('\0', |(_, c)| *c);
    let mut word = 0;
    let mut index = 0;
    while index < chars.len() {
        let (offset, c) = chars[index];
        let level = *levels.last().unwrap_or(&Level::Code(0));
        let nested = levels.len() > 1;
        let mut shown = if nested { '_' } else { c };
        let code = matches!(level, Level::Code(_));
        let mut step = 1;
        match (level, c) {
            (_, '\\') => step = 2,
            (Level::Code(_), '\'') => {
                let end = (index + 1..chars.len()).find(|next| at(*next) == '\'').unwrap_or(chars.len());
                step = end + 1 - index;
                shown = '_';
            }
            (Level::Code(_) | Level::Braces, '"') => levels.push(Level::Double),
            (Level::Double, '"') => drop(levels.pop()),
            (Level::Code(_), '#') if offset == word => {
                let end = (index..chars.len()).find(|next| at(*next) == '\n').unwrap_or(chars.len());
                step = end - index;
                shown = ' ';
            }
            (_, '$') if at(index + 1) == '(' && at(index + 2) == '(' => {
                levels.push(Level::Arithmetic(2));
                step = 3;
            }
            (_, '$') if at(index + 1) == '(' => {
                levels.push(Level::Code(1));
                step = 2;
                word = offset + 2;
            }
            (_, '$') => {
                let name = variable(&chars, index);
                if code && !name.is_empty() && splits(text, word, offset) {
                    found.unquoted.push((offset, name));
                }
                if at(index + 1) == '{' {
                    levels.push(Level::Braces);
                    step = 2;
                }
            }
            (Level::Braces, '}') => drop(levels.pop()),
            (Level::Code(open), '(') if open > 0 => replace(&mut levels, Level::Code(open + 1)),
            (Level::Code(open), ')') if open > 0 => match open {
                1 => drop(levels.pop()),
                _ => replace(&mut levels, Level::Code(open - 1)),
            },
            (Level::Arithmetic(open), '(') => replace(&mut levels, Level::Arithmetic(open + 1)),
            (Level::Arithmetic(open), ')') => match open {
                1 => drop(levels.pop()),
                _ => replace(&mut levels, Level::Arithmetic(open - 1)),
            },
            _ => {}
        }
        if code && (c.is_whitespace() || ";|&()<>`".contains(c)) {
            word = offset + c.len_utf8();
        }
        let newline = c == '\n' && matches!(level, Level::Code(_)) && !nested;
        found.skeleton.push(if newline {
            '\n'
        } else if shown == '\n' {
            ' '
        } else {
            shown
        });
        for passed in 1..step {
            let blank = if c == '#' || at(index + passed) != '\n' { '_' } else { ' ' };
            found.skeleton.push(if c == '#' { ' ' } else { blank });
        }
        index += step;
    }
    found
}

fn replace(levels: &mut [Level], level: Level) {
    if let Some(last) = levels.last_mut() {
        *last = level;
    }
}

/// The name after the `$` at `index`; empty for parameters that are numbers.
fn variable(chars: &[(usize, char)], index: usize) -> String {
    let from = index + if chars.get(index + 1).is_some_and(|(_, c)| *c == '{') { 2 } else { 1 };
    let name = chars.iter().skip(from).map(|(_, c)| *c);
    name.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '*')).collect()
}

/// Whether a variable at `offset`, in the word that begins at `word`, is split: not in an assignment, after
/// `case`, nor where splitting is what is wanted (`for … in`, `set --`).
fn splits(text: &str, word: usize, offset: usize) -> bool {
    let before = text.get(word..offset).unwrap_or_default();
    let name_end = before.find('=').unwrap_or(0);
    let assigned = name_end > 0
        && before[..name_end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !before.starts_with(|c: char| c.is_ascii_digit());
    let line =
        text.get(..word).unwrap_or_default().rsplit(['\n', ';']).next().unwrap_or_default().trim_start();
    let wanted = ["case ", "for ", "set -- "].iter().any(|start| line.contains(start));
    !assigned && !wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unquoted(text: &str) -> Vec<String> {
        scan(text).unquoted.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn an_unquoted_variable_is_found() {
        assert_eq!(unquoted("cat $file"), ["file"]);
        assert_eq!(unquoted("[ ${a} = \"$b\" ]"), ["a"]);
        assert_eq!(unquoted("x=\"$(cat $file)\""), ["file"]);
    }

    #[test]
    fn what_is_not_split_is_not_found() {
        for text in [
            "cat \"$file\"",
            "a=$b",
            "case $a in x) ;; esac",
            "for x in $list; do :; done",
            "awk '{ print $1 }' file",
            "echo $((a + $b))",
            "[ $# -gt 0 ] && exit $?",
            "# not $code",
            "echo \"$(basename \"$path\")\"",
            "set -- $words",
            "echo \\$x",
        ] {
            assert_eq!(unquoted(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn the_skeleton_shows_commands_only() {
        let skeleton = scan("a 'b | c' \"$(d | e)\" | f # | g\nh").skeleton;
        assert_eq!(skeleton.matches('|').count(), 1);
        assert_eq!(skeleton.lines().count(), 2);
    }

    #[test]
    fn shell_text_is_parsed_by_the_shell() {
        assert_eq!(syntax_error("if true; then :; fi"), None);
        assert!(syntax_error("if true; then").is_some());
    }
}
