//! YAML text to a tree that knows where everything stands.
//!
//! Rule files are data: anchors, aliases, merge keys, tags and further documents are refused, and so is
//! any file beyond the budgets below. Nothing here recurses, so no input can exhaust the stack.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::diagnostic::{Diagnostic, Level, line_of};

/// Largest file, in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// Longest scalar, in bytes.
pub const MAX_SCALAR: usize = 64 << 10;
/// Deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 32;
/// Most keys, scalars, lists and mappings together.
pub const MAX_NODES: usize = 20_000;
/// Most problems reported of one file.
pub const MAX_DIAGNOSTICS: usize = 100;

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// Line, from 1; 0 for none.
    pub(crate) line: u32,
    /// Column in characters, from 1.
    pub(crate) column: u32,
    /// Characters; `u32::MAX` for the rest of the line.
    pub(crate) length: u32,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node<'t> {
    pub(crate) span: Span,
    pub(crate) yaml: Yaml<'t>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Yaml<'t> {
    /// The text, and whether it was written without quotes.
    Scalar {
        text: Cow<'t, str>,
        plain: bool,
    },
    List(Vec<Node<'t>>),
    Map(Vec<Entry<'t>>),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'t> {
    pub(crate) key: Cow<'t, str>,
    pub(crate) span: Span,
    pub(crate) value: Node<'t>,
}

/// A file's text and what was found wrong with it so far.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    pub(crate) path: &'t Path,
    pub(crate) text: &'t str,
    pub(crate) found: Vec<Diagnostic>,
}

impl<'t> Source<'t> {
    /// The text of a file; `Err` when it is too large or not UTF-8. A byte order mark is dropped.
    pub(crate) fn new(path: &'t Path, bytes: &'t [u8]) -> Result<Self, Box<Diagnostic>> {
        let whole = |code, message| Box::new(Diagnostic::of_file(Level::Error, code, path, message));
        if bytes.len() > MAX_FILE {
            return Err(whole("file-too-large", format!("the file is larger than {MAX_FILE} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let offset = error.valid_up_to();
            whole(
                "not-utf-8",
                format!("the file is not UTF-8 text: invalid byte at offset {offset}, line {line}"),
            )
        })?;
        Ok(Self { path, text: text.strip_prefix('\u{FEFF}').unwrap_or(text), found: Vec::new() })
    }

    pub(crate) fn report(
        &mut self,
        severity: Level,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) {
        self.report_with(severity, code, span, message, None);
    }

    pub(crate) fn report_with(
        &mut self,
        severity: Level,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if self.found.len() >= MAX_DIAGNOSTICS {
            return;
        }
        let mut diagnostic = Diagnostic::of_file(severity, code, self.path, message);
        diagnostic.help = help;
        if span.line > 0 {
            diagnostic.source_line = line_of(self.text, span.line);
            diagnostic.line = span.line;
            diagnostic.column = span.column;
            let rest = diagnostic.source_line.trim_end().chars().count() as u32;
            let rest = (rest + 1).saturating_sub(span.column).max(1);
            diagnostic.length = span.length.clamp(1, rest);
        }
        self.found.push(diagnostic);
    }

    /// The file as a tree. `None` when it cannot be read as one; the reason is then in `found`, as are
    /// problems that leave a tree.
    pub(crate) fn parse(&mut self) -> Option<Node<'t>> {
        if let Some(span) = control_character(self.text) {
            self.report(
                Level::Error,
                "control-character",
                span,
                "a control character other than tab and line break",
            );
            return None;
        }
        let mut builder = Builder { stack: Vec::new(), root: None, nodes: 0, documents: 0 };
        let mut parser = Parser::new_from_str(self.text);
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let span = at(error.marker());
                    // The parser's own limit on look-ahead is met before an event tells the depth.
                    if error.info() == "recursion limit exceeded" {
                        let message = format!("more than {MAX_DEPTH} levels of lists and mappings");
                        self.report(Level::Error, "too-deep", span, message);
                    } else {
                        let help = self.syntax_help(span);
                        self.report_with(Level::Error, "yaml-syntax", span, error.info(), help);
                    }
                    return None;
                }
            };
            let span = span_of(span);
            if let Err(Refused { code, message }) = builder.take(event, span, self) {
                self.report(Level::Error, code, span, message);
                return None;
            }
        }
        if builder.root.is_none() && self.found.is_empty() {
            self.report(Level::Error, "empty-file", Span::default(), "the file holds no document");
        }
        builder.root
    }

    fn syntax_help(&self, span: Span) -> Option<String> {
        let around = self.text.lines().skip(span.line.saturating_sub(2) as usize).take(2);
        let tabbed = |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
        if around.clone().any(tabbed) {
            return Some("indent with blanks, not tabs".to_owned());
        }
        around
            .clone()
            .any(|line| line.contains("{{"))
            .then(|| "a value with `{{ … }}` must be quoted".to_owned())
    }
}

/// Why a file is not read any further.
struct Refused {
    code: &'static str,
    message: String,
}

struct Builder<'t> {
    stack: Vec<Frame<'t>>,
    root: Option<Node<'t>>,
    nodes: usize,
    documents: usize,
}

/// A list or mapping that is not closed yet.
enum Frame<'t> {
    List { span: Span, items: Vec<Node<'t>> },
    Map { span: Span, entries: Vec<Entry<'t>>, key: Key<'t>, seen: HashMap<Cow<'t, str>, Span> },
}

/// What a mapping waits for.
enum Key<'t> {
    Wanted,
    Given(Cow<'t, str>, Span),
    /// The key was refused; its value is dropped.
    Refused,
}

/// Mappings up to this size look for duplicate keys without a table.
const SMALL_MAP: usize = 16;

impl<'t> Builder<'t> {
    fn take(&mut self, event: Event<'t>, span: Span, source: &mut Source<'t>) -> Result<(), Refused> {
        let decorated = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor > 0, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor > 0, tag.is_some())
            }
            _ => (false, false),
        };
        if decorated.0 {
            source.report(Level::Error, "anchor", span, "anchors are not supported: write the value out");
        }
        if decorated.1 {
            source.report(
                Level::Error,
                "tag",
                span,
                "tags are not supported: quote the value to make it text",
            );
        }
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(refused("several-documents", "a file holds one document only"));
                }
            }
            Event::Alias(_) => {
                source.report(Level::Error, "alias", span, "aliases are not supported: write the value out");
                self.add(Node { span, yaml: Yaml::Scalar { text: Cow::Borrowed(""), plain: true } }, source)?;
            }
            Event::Scalar(text, style, ..) => {
                if text.len() > MAX_SCALAR {
                    return Err(refused(
                        "scalar-too-long",
                        format!("a value longer than {MAX_SCALAR} bytes"),
                    ));
                }
                let plain = style == ScalarStyle::Plain;
                self.add(Node { span, yaml: Yaml::Scalar { text, plain } }, source)?;
            }
            Event::SequenceStart(..) => self.open(Frame::List { span, items: Vec::new() })?,
            Event::MappingStart(..) => {
                self.open(Frame::Map { span, entries: Vec::new(), key: Key::Wanted, seen: HashMap::new() })?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.stack.pop() {
                    Some(Frame::List { span, items }) => Node { span, yaml: Yaml::List(items) },
                    Some(Frame::Map { span, entries, .. }) => Node { span, yaml: Yaml::Map(entries) },
                    None => return Ok(()),
                };
                self.add(node, source)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, frame: Frame<'t>) -> Result<(), Refused> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(refused("too-deep", format!("more than {MAX_DEPTH} levels of lists and mappings")));
        }
        self.stack.push(frame);
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node<'t>, source: &mut Source<'t>) -> Result<(), Refused> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(refused("too-many-values", format!("more than {MAX_NODES} keys and values")));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, key, seen, .. }) => {
                *key = match std::mem::replace(key, Key::Wanted) {
                    Key::Wanted => accept_key(node, entries, seen, source),
                    Key::Refused => Key::Wanted,
                    Key::Given(key, span) => {
                        if entries.len() >= SMALL_MAP {
                            if seen.is_empty() {
                                seen.extend(entries.iter().map(|entry| (entry.key.clone(), entry.span)));
                            }
                            seen.insert(key.clone(), span);
                        }
                        entries.push(Entry { key, span, value: node });
                        Key::Wanted
                    }
                };
            }
        }
        Ok(())
    }
}

fn accept_key<'t>(
    node: Node<'t>,
    entries: &[Entry<'t>],
    seen: &HashMap<Cow<'t, str>, Span>,
    source: &mut Source<'t>,
) -> Key<'t> {
    let (text, plain) = match node.yaml {
        Yaml::Scalar { text, plain } => (text, plain),
        Yaml::Map(_) => {
            let help = Some("a value with `{{ … }}` must be quoted: \"{{ name }}\"".to_owned());
            source.report_with(
                Level::Error,
                "unquoted-template",
                node.span,
                "a mapping cannot be a key",
                help,
            );
            return Key::Refused;
        }
        Yaml::List(_) => {
            source.report(Level::Error, "key-not-text", node.span, "a list cannot be a key");
            return Key::Refused;
        }
    };
    if plain && text == "<<" {
        source.report(
            Level::Error,
            "merge-key",
            node.span,
            "merge keys are not supported: write the keys out",
        );
        return Key::Refused;
    }
    let first = match seen.get(&text) {
        Some(span) => Some(*span),
        None => entries.iter().take(SMALL_MAP).find(|entry| entry.key == text).map(|entry| entry.span),
    };
    if let Some(first) = first {
        let message = format!("key `{text}` is given twice, first at {}:{}", first.line, first.column);
        source.report(Level::Error, "duplicate-key", node.span, message);
        return Key::Refused;
    }
    Key::Given(text, node.span)
}

fn refused(code: &'static str, message: impl Into<String>) -> Refused {
    Refused { code, message: message.into() }
}

/// The first control character that is neither tab nor line break. The parser would take NUL for the
/// end of the file.
fn control_character(text: &str) -> Option<Span> {
    let bytes = text.as_bytes();
    // Nearly no file holds a byte that needs a closer look, and to see that takes next to no time.
    let closer =
        |byte: &u8| *byte < b'\t' || (0x0e..0x20).contains(byte) || matches!(byte, 0x0b | 0x0c | 0x7f | 0xc2);
    if !bytes.iter().fold(false, |any, byte| any | closer(byte)) {
        return None;
    }
    let found = bytes.iter().enumerate().position(|(at, &byte)| match byte {
        b'\t' | b'\n' | b'\r' => false,
        0..0x20 | 0x7f => true,
        0xc2 => bytes.get(at + 1).is_some_and(|next| (0x80..0xa0).contains(next)),
        _ => false,
    })?;
    let before = text.get(..found)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    Some(Span { line: line as u32, column: column as u32, length: 1 })
}

fn at(marker: &saphyr_parser::Marker) -> Span {
    Span { line: marker.line() as u32, column: marker.col() as u32 + 1, length: 1 }
}

fn span_of(span: saphyr_parser::Span) -> Span {
    let length = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col()).max(1) as u32
    } else {
        u32::MAX
    };
    Span { length, ..at(&span.start) }
}

impl<'t> Node<'t> {
    /// The value under `key`, where the node is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node<'t>> {
        match &self.yaml {
            Yaml::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// What kind of value this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.yaml {
            Yaml::Scalar { .. } if self.is_null() => "nothing",
            Yaml::Scalar { .. } => "a single value",
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    /// Nothing, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.yaml, Yaml::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null"))
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
