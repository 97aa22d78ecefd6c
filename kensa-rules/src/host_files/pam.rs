//! PAM service files (pam.d(5)) with their includes.

use std::collections::BTreeSet;

use kensa_core::{CouldNotTell, Outputs, Probe, Source};

/// Directory of the service files.
const PAM_D: &str = "/etc/pam.d";

/// One line of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PamLine {
    /// `auth`, `account`, `password` or `session`.
    pub(crate) kind: String,
    /// Control as written.
    pub(crate) written: String,
    /// Control in its full bracket form, `[default=bad success=ok]`.
    pub(crate) control: String,
    /// Module as written, with or without a path.
    pub(crate) module: String,
    /// Arguments; those in brackets without them.
    pub(crate) args: Vec<String>,
    /// Where.
    pub(crate) source: Source,
}

/// What one line of a file says.
enum Entry {
    Line(PamLine),
    /// Lines of another service: of one kind, or (`@include`) all of them.
    Include {
        kind: Option<String>,
        service: String,
    },
}

/// The file a service name stands for; an include may name a path.
pub(crate) fn path(service: &str) -> String {
    if service.starts_with('/') { service.to_owned() } else { format!("{PAM_D}/{service}") }
}

/// The files of the service that are known to be needed and were not asked for yet.
pub(crate) fn follow_up(got: &Outputs, service: &str) -> Vec<Probe> {
    let mut missing = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![path(service)];
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if !got.contains(&Probe::read(&*path)) {
            missing.push(Probe::read(path));
            continue;
        }
        let text = got.read(&path).ok().flatten().unwrap_or_default();
        for entry in entries(&path, &text, None) {
            if let Entry::Include { service, .. } = entry {
                open.push(self::path(&service));
            }
        }
    }
    missing
}

/// The service's lines of one kind, those of included services in their place; `None` when the service has
/// no file. A file that an include names and that is not there adds nothing.
pub(crate) fn stack(got: &Outputs, service: &str, kind: &str) -> Result<Option<Vec<PamLine>>, CouldNotTell> {
    let mut lines = Vec::new();
    let there = collect(got, &path(service), kind, &mut Vec::new(), &mut lines)?;
    Ok(there.then_some(lines))
}

fn collect(
    got: &Outputs,
    path: &str,
    kind: &str,
    above: &mut Vec<String>,
    lines: &mut Vec<PamLine>,
) -> Result<bool, CouldNotTell> {
    // A file that includes itself adds nothing new.
    if above.iter().any(|open| open == path) {
        return Ok(true);
    }
    let Some(text) = got.read(path)? else { return Ok(false) };
    above.push(path.to_owned());
    for entry in entries(path, &text, Some(kind)) {
        match entry {
            Entry::Line(line) => lines.push(line),
            Entry::Include { kind: of, service } if of.as_deref().is_none_or(|of| of == kind) => {
                collect(got, &self::path(&service), kind, above, lines)?;
            }
            _ => {}
        }
    }
    above.pop();
    Ok(true)
}

/// The includes of a file and its lines of one kind.
fn entries(path: &str, text: &str, wanted: Option<&str>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut joined = String::new();
    let mut start = None;
    for (line, number) in text.lines().zip(1_u32..) {
        let first = *start.get_or_insert(number);
        // A comment ends the line; a backslash joins it with the next.
        let line = line.split('#').next().unwrap_or_default().trim_end();
        if let Some(begun) = line.strip_suffix('\\') {
            joined.push_str(begun);
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let source = || Source { path: path.to_owned(), line: Some(first) };
        entries.extend(entry(&joined, wanted, source));
        joined.clear();
        start = None;
    }
    entries
}

fn entry(line: &str, wanted: Option<&str>, source: impl FnOnce() -> Source) -> Option<Entry> {
    let mut words = words(line).into_iter();
    let first = words.next()?;
    if first == "@include" {
        return Some(Entry::Include { kind: None, service: words.next()?.to_owned() });
    }
    // A leading hyphen only keeps a missing module out of the log.
    let kind = first.trim_start_matches('-').to_ascii_lowercase();
    let control = words.next()?;
    let module = words.next()?;
    if control == "include" || control == "substack" {
        return Some(Entry::Include { kind: Some(kind), service: module.to_owned() });
    }
    if wanted != Some(kind.as_str()) {
        return None;
    }
    let args = words.map(|arg| arg.trim_start_matches('[').trim_end_matches(']').to_owned()).collect();
    Some(Entry::Line(PamLine {
        kind,
        control: normal_control(control),
        written: control.to_owned(),
        module: module.to_owned(),
        args,
        source: source(),
    }))
}

/// Words of a line; one that begins with `[` ends with `]` and may hold blanks.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = match rest.strip_prefix('[').and_then(|inner| inner.find(']')) {
            Some(close) => close + 2,
            None => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        words.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    words
}

/// The control in its bracket form, sorted, so that equal controls are equal texts.
pub(crate) fn normal_control(control: &str) -> String {
    let spelled = match control.to_ascii_lowercase().as_str() {
        "required" => "success=ok new_authtok_reqd=ok ignore=ignore default=bad".to_owned(),
        "requisite" => "success=ok new_authtok_reqd=ok ignore=ignore default=die".to_owned(),
        "sufficient" => "success=done new_authtok_reqd=done default=ignore".to_owned(),
        "optional" => "success=ok new_authtok_reqd=ok default=ignore".to_owned(),
        other => other.trim_start_matches('[').trim_end_matches(']').to_owned(),
    };
    let mut actions: Vec<&str> = spelled.split_whitespace().collect();
    actions.sort_unstable();
    format!("[{}]", actions.join(" "))
}

/// Whether the module written in a file is the module wanted, which may leave out path and suffix.
pub(crate) fn is_module(written: &str, wanted: &str) -> bool {
    let name = |module: &str| {
        let file = module.rsplit('/').next().unwrap_or(module);
        file.strip_suffix(".so").unwrap_or(file).to_owned()
    };
    if wanted.starts_with('/') { written == wanted } else { name(written) == name(wanted) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_pam_reads_them() {
        let text = "#%PAM-1.0\n-auth [success=1 default=ignore] \\\n  pam_unix.so nullok [query=a b] # x\n@include common\n";
        assert!(matches!(&entries("/etc/pam.d/x", text, None)[..], [Entry::Include { .. }]));
        let entries = entries("/etc/pam.d/x", text, Some("auth"));
        assert_eq!(entries.len(), 2);
        let Entry::Line(line) = &entries[0] else { panic!("a line") };
        assert_eq!((line.kind.as_str(), line.control.as_str()), ("auth", "[default=ignore success=1]"));
        assert_eq!(line.args, ["nullok", "query=a b"]);
        assert_eq!(line.source.line, Some(2));
    }

    #[test]
    fn words_and_brackets_are_one_control() {
        assert_eq!(
            normal_control("Required"),
            normal_control("[default=bad success=ok new_authtok_reqd=ok ignore=ignore]")
        );
        assert_ne!(normal_control("required"), normal_control("requisite"));
    }

    #[test]
    fn modules_by_name_or_path() {
        assert!(
            is_module("/usr/lib64/security/pam_unix.so", "pam_unix")
                && is_module("pam_unix.so", "pam_unix.so")
        );
        assert!(!is_module("pam_unix2.so", "pam_unix.so") && !is_module("pam_unix.so", "/opt/pam_unix.so"));
    }
}
