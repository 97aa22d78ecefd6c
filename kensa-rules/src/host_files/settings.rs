//! `key value` files: one setting a line, comments, sections, quotes.

use kensa_core::Source;

/// What stands between a key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// Blanks, or one `=` or `:` with or without blanks round it.
    Any,
    /// Blanks only.
    Blank,
    /// One `=`, with or without blanks round it.
    Equals,
    /// One of these characters, with or without blanks round it.
    OneOf(String),
}

impl Delimiter {
    /// From a rule's `delimiter`. A colon is taken beside any character, as many files allow both.
    pub(crate) fn new(text: Option<&str>) -> Self {
        match text {
            None => Delimiter::Any,
            Some(text) if text.trim().is_empty() => Delimiter::Blank,
            Some(text) => Delimiter::OneOf(format!("{}:", text.trim())),
        }
    }

    /// What follows the key is the value, once the delimiter is taken off; leading blanks stay, since they
    /// tell a comment from a value. `None` when `rest` shows that the key was only the beginning of a word.
    fn value<'a>(&self, rest: &'a str) -> Option<&'a str> {
        let trimmed = rest.trim_start();
        if trimmed.is_empty() {
            return Some("");
        }
        let after = |set: &str| trimmed.strip_prefix(|c| set.contains(c));
        let blank = rest.len() > trimmed.len();
        match self {
            Delimiter::Blank => blank.then_some(rest),
            Delimiter::Equals => after("="),
            Delimiter::OneOf(set) => after(set).or_else(|| (blank && trimmed.starts_with('#')).then_some("")),
            Delimiter::Any => after("=:").or(blank.then_some(rest)),
        }
    }
}

/// A line that sets the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The value without trailing comment and quotes; empty for a line that is the key alone.
    pub(crate) value: String,
    /// Where.
    pub(crate) source: Source,
}

/// A key and how a file may write it.
#[derive(Clone, Debug)]
pub(crate) struct Key<'a> {
    /// The key.
    pub(crate) name: &'a str,
    /// Whether upper and lower case are the same in it.
    pub(crate) ignore_case: bool,
    /// What stands between it and its value.
    pub(crate) delimiter: Delimiter,
    /// The `[section]` it has to be in.
    pub(crate) section: Option<&'a str>,
    /// Whether ` # text` after a value is a comment; to some programs it is part of the value.
    pub(crate) comments: bool,
}

impl Key<'_> {
    /// What follows the key on a line that begins with it.
    fn rest<'l>(&self, line: &'l str) -> Option<&'l str> {
        let (start, rest) = line.split_at_checked(self.name.len())?;
        let same = if self.ignore_case { start.eq_ignore_ascii_case(self.name) } else { start == self.name };
        same.then_some(rest)
    }
}

/// Every line of `text` that sets `key`, in order.
pub(crate) fn occurrences(path: &str, text: &str, key: &Key<'_>) -> Vec<Setting> {
    let section = key.section;
    let mut inside = section.is_none();
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let (Some(wanted), Some(header)) = (section, header(line)) {
            inside = header == wanted;
            continue;
        }
        let value = key.rest(line).filter(|_| inside).and_then(|rest| key.delimiter.value(rest));
        if let Some(value) = value {
            let source = Source { path: path.to_owned(), line: u32::try_from(index + 1).ok() };
            let value = if key.comments { without_comment(value) } else { value };
            found.push(Setting { value: unquote(value).to_owned(), source });
        }
    }
    found
}

/// The name in a `[section]` line.
fn header(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('[')?;
    inner.split_once(']').map(|(name, _)| name.trim())
}

/// The value without a trailing ` # comment`; a `#` inside quotes or inside a word is part of the value.
pub(crate) fn without_comment(value: &str) -> &str {
    let mut quote = None;
    let mut blank = false;
    for (at, c) in value.char_indices() {
        match (quote, c) {
            (None, '#') if blank => return value[..at].trim_end(),
            (None, '"' | '\'') if blank || at == 0 => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        blank = c.is_whitespace();
    }
    value.trim_end()
}

/// The text inside one pair of quotes.
pub(crate) fn unquote(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\''] {
        let inner = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.contains(quote)) {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, key: &str, delimiter: Option<&str>, section: Option<&str>) -> Vec<String> {
        let delimiter = Delimiter::new(delimiter);
        let key = Key { name: key, ignore_case: false, delimiter, section, comments: true };
        let found = occurrences("/f", text, &key);
        found.into_iter().map(|setting| setting.value).collect()
    }

    #[test]
    fn comments_never_set_anything() {
        assert_eq!(values("#a = 1\n ; a = 2\n  # a = 3\n", "a", None, None), Vec::<String>::new());
        assert_eq!(values("a = 1 # why\na=#fff\na = # nothing\n", "a", Some("="), None), ["1", "#fff", ""]);
        assert_eq!(values("a = \"1 # no\" # yes\n", "a", None, None), ["1 # no"]);
        assert_eq!(values("a # nothing\n", "a", Some("="), None), [""]);
    }

    #[test]
    fn where_a_comment_has_a_line_of_its_own_it_is_part_of_the_value() {
        let delimiter = Delimiter::Equals;
        let key = Key { name: "a", ignore_case: false, delimiter, section: None, comments: false };
        let found = occurrences("/f", "a=1 # why\na 2\na: 3\na # b\n# a=4\n", &key);
        assert_eq!(found.iter().map(|setting| setting.value.as_str()).collect::<Vec<_>>(), ["1 # why"]);
    }

    #[test]
    fn delimiters() {
        let text = "a 1\na=2\na = 3\na:4\na : 5\na\t6\na\n";
        assert_eq!(values(text, "a", None, None), ["1", "2", "3", "4", "5", "6", ""]);
        assert_eq!(values(text, "a", Some("="), None), ["2", "3", "4", "5", ""]);
        assert_eq!(values(text, "a", Some(" "), None), ["1", "= 3", ": 5", "6", ""]);
    }

    #[test]
    fn a_key_is_a_whole_word() {
        assert_eq!(values("PASS_MAX_DAYS 60\nPASS_MAX 1\n", "PASS_MAX", None, None), ["1"]);
        assert_eq!(values("max.days = 1\nmaxXdays = 2\n", "max.days", None, None), ["1"]);
        assert_eq!(values("set timeout = 1\n", "set timeout", None, None), ["1"]);
    }

    #[test]
    fn sections() {
        let text = "a=0\n[one]\na=1\n[two] # x\na=2\n[ one ]\na=3\n";
        assert_eq!(values(text, "a", None, Some("one")), ["1", "3"]);
        assert_eq!(values(text, "a", None, None), ["0", "1", "2", "3"]);
        let delimiter = Delimiter::Any;
        let key = Key { name: "A", ignore_case: true, delimiter, section: Some("two"), comments: true };
        let at = occurrences("/f", text, &key);
        assert_eq!(at.first().map(|s| s.source.to_string()), Some("/f:5".to_owned()));
    }

    #[test]
    fn quotes() {
        assert_eq!(values("a='x y'\r\na=\"\"\na=\"x\" \"y\"\n", "a", None, None), ["x y", "", "\"x\" \"y\""]);
    }
}
