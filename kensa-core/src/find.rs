//! Searches of the file tree: many tests, one walk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shell;

/// Where to search. Searches with equal ranges share one walk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct FindRange {
    /// Absolute paths to start from; each walk stays on the file system of its start.
    pub roots: Vec<String>,
    /// Absolute paths that are not entered.
    pub prune: Vec<String>,
}

/// What to search for; all that is given must hold. See find(1).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct FindTest {
    /// `f` regular files, `d` directories, …; as `-type` takes it.
    pub kind: Option<char>,
    /// Permission bits that must all be set.
    pub mode_all: u32,
    /// Permission bits of which at least one must be set; 0 asks nothing.
    pub mode_any: u32,
    /// Permission bits none of which may be set.
    pub mode_none: u32,
    /// The owner's number has no name.
    pub no_user: bool,
    /// The group's number has no name.
    pub no_group: bool,
    /// The owner's number is at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_from: Option<u32>,
    /// The group's number is at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_from: Option<u32>,
    /// The name holds this text; empty asks nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_holds: String,
    /// Exact names, one of which must match; empty asks nothing.
    pub names: Vec<String>,
}

/// One entry of the file tree, as [`walk_command`] prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEntry<'a> {
    kind: char,
    mode: u32,
    user: u32,
    group: u32,
    orphan: &'a [u8],
    /// Absolute path, byte for byte.
    pub path: &'a [u8],
}

/// The command for one search: a path per line.
pub fn find_command(range: &FindRange, test: &FindTest) -> String {
    format!("{} {} -print", walk(range), test.expression())
}

/// The command for several searches of one range: an entry per NUL, for every path one of them finds.
///
/// find itself says whether owner and group have names, and only where a search wants to know: on some hosts a
/// name is a question to a server.
pub fn walk_command(range: &FindRange, tests: &[&FindTest]) -> String {
    let any: Vec<String> = tests.iter().map(|test| format!(r"\( {} \)", test.expression())).collect();
    let noted = |wanted: bool, note: &'static str| if wanted { note } else { "" };
    let user = noted(tests.iter().any(|test| test.no_user), r" \( ! -nouser -o -printf u \)");
    let group = noted(tests.iter().any(|test| test.no_group), r" \( ! -nogroup -o -printf g \)");
    format!(r"{} \( {} \) -printf '%y|%m|%U|%G|'{user}{group} -printf '|%p\0'", walk(range), any.join(" -o "))
}

fn walk(range: &FindRange) -> String {
    let roots = shell::command(range.roots.iter().map(String::as_str));
    if range.prune.is_empty() {
        return format!("find {roots} -xdev");
    }
    let paths: Vec<String> = range.prune.iter().map(|path| format!("-path {}", shell::quote(path))).collect();
    format!(r"find {roots} -xdev \( {} \) -prune -o", paths.join(" -o "))
}

impl FindTest {
    fn expression(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.kind.map(|kind| format!("-type {kind}")));
        parts.extend((self.mode_all != 0).then(|| format!("-perm -{:04o}", self.mode_all)));
        parts.extend((self.mode_any != 0).then(|| format!("-perm /{:04o}", self.mode_any)));
        parts.extend((self.mode_none != 0).then(|| format!("! -perm /{:04o}", self.mode_none)));
        parts.extend(self.no_user.then(|| "-nouser".to_owned()));
        parts.extend(self.no_group.then(|| "-nogroup".to_owned()));
        // find(1) has no "at least"; every number is at least 0.
        let from = |option: &str, number: Option<u32>| {
            number.filter(|number| *number > 0).map(|number| format!("{option} +{}", number - 1))
        };
        parts.extend(from("-uid", self.user_from));
        parts.extend(from("-gid", self.group_from));
        if !self.name_holds.is_empty() {
            parts.push(format!("-name {}", shell::quote(&format!("*{}*", literal(&self.name_holds)))));
        }
        if !self.names.is_empty() {
            let names: Vec<String> =
                self.names.iter().map(|name| format!("-name {}", shell::quote(&literal(name)))).collect();
            parts.push(format!(r"\( {} \)", names.join(" -o ")));
        }
        if parts.is_empty() { "-true".to_owned() } else { parts.join(" ") }
    }

    /// Whether the entry is one this test searches for.
    pub fn finds(&self, entry: &FoundEntry<'_>) -> bool {
        let mut parts = entry.path.rsplit(|byte| *byte == b'/');
        let name = parts.find(|part| !part.is_empty()).unwrap_or_default();
        self.kind.is_none_or(|kind| kind == entry.kind)
            && entry.mode & self.mode_all == self.mode_all
            && (self.mode_any == 0 || entry.mode & self.mode_any != 0)
            && entry.mode & self.mode_none == 0
            && (!self.no_user || entry.orphan.contains(&b'u'))
            && (!self.no_group || entry.orphan.contains(&b'g'))
            && self.user_from.is_none_or(|number| entry.user >= number)
            && self.group_from.is_none_or(|number| entry.group >= number)
            && (self.name_holds.is_empty()
                || name.windows(self.name_holds.len()).any(|part| part == self.name_holds.as_bytes()))
            && (self.names.is_empty() || self.names.iter().any(|wanted| wanted.as_bytes() == name))
    }
}

impl<'a> FoundEntry<'a> {
    /// Reads the entries of a walk; `None` when the output is not one in full.
    pub fn parse_all(stdout: &'a [u8]) -> Option<Vec<Self>> {
        let Some(body) = stdout.strip_suffix(b"\0") else { return stdout.is_empty().then(Vec::new) };
        body.split(|byte| *byte == 0).map(Self::parse).collect()
    }

    fn parse(entry: &'a [u8]) -> Option<Self> {
        let mut fields = entry.splitn(6, |byte| *byte == b'|');
        let (kind, mode) = (fields.next()?, fields.next()?);
        let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
        let (user, group) = (number()?, number()?);
        let (orphan, path) = (fields.next()?, fields.next()?);
        let [kind] = *kind else { return None };
        let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?;
        let known = matches!(orphan, b"" | b"u" | b"g" | b"ug") && path.starts_with(b"/");
        known.then_some(Self { kind: char::from(kind), mode, user, group, orphan, path })
    }
}

/// The pattern for find(1) that matches `name` and nothing else.
fn literal(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_search_and_a_shared_walk_are_plain_find_commands() {
        let range =
            FindRange { roots: vec!["/".to_owned(), "/home".to_owned()], prune: vec!["/proc".to_owned()] };
        let writable = FindTest { kind: Some('f'), mode_all: 0o2, ..FindTest::default() };
        let orphans = FindTest { no_user: true, ..FindTest::default() };
        let one = find_command(&range, &writable);
        assert_eq!(one, r"find / /home -xdev \( -path /proc \) -prune -o -type f -perm -0002 -print");
        let both = walk_command(&range, &[&writable, &orphans]);
        let end = r"\( \( -type f -perm -0002 \) -o \( -nouser \) \) -printf '%y|%m|%U|%G|' \( ! -nouser -o -printf u \) -printf '|%p\0'";
        assert!(both.ends_with(end), "{both}");
        let odd = FindTest { names: vec!["a*[b".to_owned()], ..FindTest::default() };
        assert!(find_command(&range, &odd).contains(r"-name 'a\*\[b'"));
        let library = FindTest {
            name_holds: ".so".to_owned(),
            user_from: Some(1),
            group_from: Some(1000),
            ..FindTest::default()
        };
        assert!(find_command(&range, &library).contains(r"-uid +0 -gid +999 -name '*.so*' -print"));
    }

    #[test]
    fn entries_are_read_to_the_byte_and_a_cut_walk_is_none() {
        let entries = FoundEntry::parse_all(b"f|4755|0|0||/bin/su\0d|777|1234|5|u|/x\ny|z\0");
        let entries = entries.unwrap_or_default();
        assert_eq!(entries.len(), 2);
        let suid = FindTest { kind: Some('f'), mode_any: 0o6000, ..FindTest::default() };
        let no_user = FindTest { no_user: true, ..FindTest::default() };
        let people = FindTest { user_from: Some(1000), ..FindTest::default() };
        let named = FindTest { name_holds: "s".to_owned(), group_from: Some(1), ..FindTest::default() };
        let hits = |test: &FindTest| {
            entries.iter().filter(|entry| test.finds(entry)).map(|e| e.path).collect::<Vec<_>>()
        };
        assert_eq!(hits(&suid), [b"/bin/su"]);
        assert_eq!(hits(&no_user), [b"/x\ny|z"]);
        assert_eq!(hits(&people), [b"/x\ny|z"]);
        assert!(hits(&named).is_empty());
        for cut in [
            &b"f|4755|0|0||/bin/su"[..],
            b"f|4755|0|0|\0",
            b"f|4755|0|0|x|/bin/su\0",
            b"f|9|0|0||/a\0",
            b"f|755|a|0||/a\0",
            b"\0",
        ] {
            assert_eq!(FoundEntry::parse_all(cut), None);
        }
        assert_eq!(FoundEntry::parse_all(b"").map(|all| all.len()), Some(0));
    }
}
