//! What is wrong with a rule file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The file is not used.
    Error,
    /// The file is used; with `strict` most of these are errors.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Error => "error",
            Level::Warning => "warning",
        })
    }
}

/// One problem of one file. [`Display`](fmt::Display) shows it with its source line; serialised, it is
/// one JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Level,
    /// Stable name of the kind of problem, kebab-case.
    pub code: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 when the file as a whole is meant.
    pub column: u32,
    /// Characters to underline, at least 1 where there is a line.
    pub length: u32,
    /// One sentence: what is wrong.
    pub message: String,
    /// The line of the file; empty when the file as a whole is meant or the line may hold a secret.
    pub source_line: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Longest part of a source line that is shown, in characters.
const SHOWN: usize = 160;
/// Longest source line that is kept, in characters.
const KEPT: usize = 4096;

impl Diagnostic {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(
        severity: Level,
        code: &'static str,
        path: &Path,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code,
            path: path.to_owned(),
            line: 0,
            column: 0,
            length: 0,
            message: message.into(),
            source_line: String::new(),
            help: None,
        }
    }

    /// Whether the file is not used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Level::Error
    }

    /// `file:line:column`, or the file alone.
    pub fn place(&self) -> String {
        match self.line {
            0 => self.path.display().to_string(),
            line => format!("{}:{line}:{}", self.path.display(), self.column),
        }
    }

    /// The place and the message on one line.
    pub fn one_line(&self) -> String {
        format!("{}: {}", self.place(), printable(&self.message))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}[{}]: {}", self.severity, self.code, printable(&self.message))?;
        let gutter = " ".repeat(self.line.to_string().len());
        write!(f, "{gutter}--> {}", printable(&self.place()))?;
        if !self.source_line.is_empty() {
            let (line, indent, length) = self.excerpt();
            write!(f, "\n{gutter} |\n{} | {line}\n{gutter} | {indent}{}", self.line, "^".repeat(length))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{gutter} = help: {}", printable(help))?;
        }
        Ok(())
    }
}

impl Diagnostic {
    /// The part of the source line round the column, the blanks up to the column, and the characters to
    /// underline.
    fn excerpt(&self) -> (String, String, usize) {
        let column = (self.column.max(1) - 1) as usize;
        let from = if column < SHOWN - 40 { 0 } else { column - 40 };
        let mut line = String::new();
        let mut indent = String::new();
        if from > 0 {
            line.push('…');
            indent.push(' ');
        }
        let mut shown = 0;
        for (at, c) in self.source_line.chars().enumerate().skip(from).take(SHOWN) {
            line.push(if c.is_control() { ' ' } else { c });
            if at < column {
                indent.push(' ');
            }
            shown = at + 1;
        }
        if self.source_line.chars().nth(shown).is_some() {
            line.push('…');
        }
        let room = shown.saturating_sub(column).max(1);
        (line, indent, (self.length.max(1) as usize).min(room))
    }
}

/// Several diagnostics the way people read them, with a count at the end.
pub fn render(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&diagnostic.to_string());
        text.push_str("\n\n");
    }
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    text.push_str(&format!(
        "{}, {}\n",
        counted(errors, "error"),
        counted(diagnostics.len() - errors, "warning")
    ));
    text
}

pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Sorts by file, then by place, then by code.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        (&a.path, a.line, a.column, a.code, &a.message).cmp(&(&b.path, b.line, b.column, b.code, &b.message))
    });
}

/// Line `number` of `text`, as far as it is kept.
pub(crate) fn line_of(text: &str, number: u32) -> String {
    let line = text.lines().nth((number.max(1) - 1) as usize).unwrap_or_default();
    line.chars().take(KEPT).collect()
}

/// Whatever a file says must not steer the terminal it is shown on.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// The name in `known` that `given` was most likely meant to be.
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let given: String = given.chars().take(64).collect::<String>().to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&given, &name.to_lowercase());
    let best = known.into_iter().map(|name| (distance(name), name)).min_by_key(|(distance, _)| *distance)?;
    let allowed = 1 + given.chars().count() / 4;
    (best.0 <= allowed && best.0 < given.chars().count()).then_some(best.1)
}

/// `did you mean …`, where there is a near name, else the list of known names.
pub(crate) fn suggestion<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(given, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known are {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(line: &str, column: u32, length: u32) -> Diagnostic {
        Diagnostic {
            severity: Level::Error,
            code: "unknown-key",
            path: PathBuf::from("rules/a/b.yml"),
            line: 12,
            column,
            length,
            message: "a rule has no key `titel`".to_owned(),
            source_line: line.to_owned(),
            help: Some("did you mean `title`?".to_owned()),
        }
    }

    #[test]
    fn shows_the_line_and_underlines_the_place() {
        let expected = "error[unknown-key]: a rule has no key `titel`\n  --> rules/a/b.yml:12:3\n   |\n12 |   titel: x\n   |   ^^^^^\n   = help: did you mean `title`?";
        assert_eq!(diagnostic("  titel: x", 3, 5).to_string(), expected);
    }

    #[test]
    fn a_long_line_is_cut_round_the_place_and_control_characters_are_not_shown() {
        let line = format!("{}\u{1b}[31mX{}", "a".repeat(3000), "b".repeat(3000));
        let shown = diagnostic(&line, 3006, 4000).to_string();
        assert!(shown.lines().all(|line| line.chars().count() < 200), "{shown}");
        assert!(!shown.contains('\u{1b}'));
        assert!(shown.contains("[31mXb"));
    }

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["config_value", "sysctl_value", "command"];
        assert_eq!(nearest("sysctl_vlaue", known), Some("sysctl_value"));
        assert_eq!(nearest("Command", known), Some("command"));
        assert_eq!(nearest("audit", known), None);
        assert_eq!(nearest("", known), None);
    }
}
