//! One line of an ssh_config file, and the file names an `Include` stands for.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::known_hosts::glob_matches;

/// A keyword in lower case and its values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) keyword: String,
    pub(super) values: Vec<String>,
}

impl Line {
    /// `Keyword value …`, `Keyword=value`, values quoted or not; `None` for blank lines and comments.
    pub(super) fn parse(line: &str) -> Result<Option<Self>, String> {
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let end = line.find(|c: char| c.is_whitespace() || c == '=' || c == '"').unwrap_or(line.len());
        let (keyword, rest) = line.split_at(end);
        if keyword.is_empty() {
            return Err("a line without a keyword".to_owned());
        }
        let rest = rest.trim_start();
        let values = split(rest.strip_prefix('=').unwrap_or(rest))?;
        Ok(Some(Self { keyword: keyword.to_ascii_lowercase(), values }))
    }
}

/// Splits at blanks outside quotes; `#` at the start of a word ends the line.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut values = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(|c| c.is_whitespace()).is_some() {}
        match letters.peek() {
            None | Some('#') => return Ok(values),
            Some(_) => {}
        }
        let mut value = String::new();
        let mut quote = None;
        while let Some(&letter) = letters.peek() {
            if quote.is_none() && letter.is_whitespace() {
                break;
            }
            letters.next();
            match letter {
                '\\' => match letters.next_if(|c| matches!(c, '"' | '\'' | '\\')) {
                    Some(escaped) => value.push(escaped),
                    None => value.push('\\'),
                },
                '"' | '\'' if quote == Some(letter) => quote = None,
                '"' | '\'' if quote.is_none() => quote = Some(letter),
                other => value.push(other),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed".to_owned());
        }
        values.push(value);
    }
}

/// The existing files a path with `*` and `?` stands for, sorted.
pub(super) fn expand_glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let name = component.as_os_str().to_string_lossy();
        let wild = matches!(component, Component::Normal(_)) && name.contains(['*', '?']);
        found = match wild {
            false => found.into_iter().map(|path| path.join(component)).collect(),
            true => found.iter().flat_map(|path| children(path, &name)).collect(),
        };
    }
    found.retain(|path| path.is_file());
    found
}

fn children(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let fits =
        |name: &String| glob_matches(pattern, name) && (!name.starts_with('.') || pattern.starts_with('.'));
    let mut paths: Vec<PathBuf> = names.filter(fits).map(|name| folder.join(name)).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> (String, Vec<String>) {
        let line = Line::parse(text).unwrap().unwrap();
        (line.keyword, line.values)
    }

    #[test]
    fn every_way_to_write_a_line() {
        let expected = ("user".to_owned(), vec!["bob".to_owned()]);
        let ways = ["User bob", "user=bob", "USER = bob", "\tUser\tbob  ", "User \"bob\"", "User='bob'"];
        for text in ways {
            assert_eq!(line(text), expected, "{text:?}");
        }
        assert_eq!(line("User bob # a comment"), expected);
        assert_eq!(line("User bob\r"), expected);
        assert_eq!(line("Host a \"b c\" d\\\"e").1, ["a", "b c", "d\"e"]);
        assert_eq!(Line::parse("  # User bob"), Ok(None));
        assert!(Line::parse("User \"bob").is_err());
    }
}
