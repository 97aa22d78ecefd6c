//! Which files belong to a rule set, and reading them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::corpus::LoadError;
use super::yaml::{MAX_DEPTH, MAX_FILE};

/// Most files read of one rule set.
const MAX_FILES: usize = 50_000;

/// Most bytes read of one rule set.
const MAX_BYTES: usize = 256 << 20;

/// What a file is to a rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A rule.
    Rule,
    /// `defaults.yml`: variables and their values.
    Defaults,
    /// A file of `rules.d`: values of variables.
    RulesD,
    /// Has the ending `.yaml`, so it is not read as a rule.
    Misnamed,
}

impl Role {
    /// The role of the file at `path` below the root of a rule set; `None` for files that are no part of one.
    pub(super) fn of(path: &Path) -> Option<Role> {
        let extension = path.extension().and_then(OsStr::to_str)?;
        let folders: Vec<&str> =
            path.parent().into_iter().flat_map(Path::iter).filter_map(OsStr::to_str).collect();
        let name = path.file_name().and_then(OsStr::to_str)?;
        if name.starts_with('.') || folders.iter().any(|folder| is_skipped(folder)) {
            return None;
        }
        match extension {
            "yml" if folders.contains(&"rules.d") => Some(Role::RulesD),
            "yml" if name == "defaults.yml" => Some(Role::Defaults),
            "yml" => Some(Role::Rule),
            "yaml" => Some(Role::Misnamed),
            _ => None,
        }
    }
}

/// Hidden folders, and the folder of framework mappings, which has its own form.
fn is_skipped(folder: &str) -> bool {
    (folder.starts_with('.') && !matches!(folder, "." | "..")) || folder == "mappings"
}

/// A file of a rule set.
pub(super) struct File<B> {
    pub(super) path: PathBuf,
    pub(super) role: Role,
    /// The content, or why it could not be read.
    pub(super) content: Result<B, String>,
}

/// Every file of the rule set at `path`, a file or a folder, in the order of their paths.
pub(super) fn on_disk(path: &Path) -> Result<Vec<File<Vec<u8>>>, LoadError> {
    let about = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => LoadError::NotFound { path: path.to_owned() },
        _ => LoadError::Unreadable { path: path.to_owned(), message: error.to_string() },
    })?;
    let mut found = Vec::new();
    if about.is_dir() {
        walk(path, &mut found)?;
    } else {
        found.push((path.to_owned(), Role::Rule));
    }
    if !found.iter().any(|(_, role)| *role == Role::Rule) {
        return Err(LoadError::NoRules { path: path.to_owned() });
    }
    for (file, role) in variable_files(path, about.is_dir()) {
        if !found.iter().any(|(known, _)| *known == file) {
            found.push((file, role));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
    let mut files = Vec::with_capacity(found.len());
    let mut bytes = 0;
    for (file, role) in found {
        let content = read(&file);
        bytes += content.as_ref().map_or(0, Vec::len);
        if bytes > MAX_BYTES {
            let message = format!("its rules are larger than {MAX_BYTES} bytes together");
            return Err(LoadError::Unreadable { path: path.to_owned(), message });
        }
        files.push(File { path: file, role, content });
    }
    Ok(files)
}

/// The variable files that belong to `path` and do not lie below it: a rule file's are in its folder or the
/// one above; those of a folder may be in `../config` or, when the folder is one category, above it.
pub(super) fn variable_files(path: &Path, is_folder: bool) -> Vec<(PathBuf, Role)> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let folder = if is_folder { Some(path.to_owned()) } else { path.parent().map(Path::to_owned) };
    let Some(folder) =
        folder.map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder })
    else {
        return Vec::new();
    };
    let above = folder.join("..");
    let above = if folder.file_name().is_some() {
        folder.parent().map_or(above.clone(), Path::to_owned)
    } else {
        above
    };
    for place in [&folder, &above] {
        let mut files = Vec::new();
        if place.join("defaults.yml").is_file() {
            files.push((place.join("defaults.yml"), Role::Defaults));
        } else if above.join("config/defaults.yml").is_file() && *place == folder {
            files.push((above.join("config/defaults.yml"), Role::Defaults));
        }
        files.extend(yml_files(&place.join("rules.d")).into_iter().map(|file| (file, Role::RulesD)));
        if !files.is_empty() {
            return files;
        }
    }
    Vec::new()
}

/// The mapping files that belong to `path` and say more than the rules do: those of the folder `mappings` beside
/// the rules, or of the one above when the rules are one category or one file.
pub(super) fn mapping_files(path: &Path, folder: Option<&Path>) -> Vec<PathBuf> {
    let inside = if path.is_dir() { Some(path) } else { path.parent() };
    let beside =
        [inside, inside.and_then(Path::parent)].into_iter().flatten().map(|place| place.join("mappings"));
    let Some(folder) = folder.map(Path::to_owned).into_iter().chain(beside).find(|place| place.is_dir())
    else {
        return Vec::new();
    };
    let listed = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = listed.filter(|path| is_joined(path)).collect();
    files.sort();
    files
}

/// Whether the file is a mapping that rules do not cite themselves.
pub(super) fn is_joined(path: &Path) -> bool {
    let is_mapping = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    is_mapping && path.file_stem().and_then(OsStr::to_str).is_some_and(crate::mappings::says_more_than_rules)
}

/// The `.yml` files of a folder in name order; none when it cannot be listed.
pub(super) fn yml_files(folder: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = listed
        .filter(|path| path.extension() == Some(OsStr::new("yml")) && path.is_file())
        .filter(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")))
        .collect();
    files.sort();
    files
}

/// Walks a folder, following links but never twice into the same folder.
fn walk(root: &Path, found: &mut Vec<(PathBuf, Role)>) -> Result<(), LoadError> {
    let unreadable = |path: &Path, error: std::io::Error| LoadError::Unreadable {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let mut entered = BTreeSet::new();
    let mut waiting = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let real = folder.canonicalize().map_err(|error| unreadable(&folder, error))?;
        if depth > MAX_DEPTH || !entered.insert(real) {
            continue;
        }
        for entry in std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
            let path = entry.map_err(|error| unreadable(&folder, error))?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            // A link to nothing is reported when the file is read.
            if path.is_dir() {
                if !is_skipped(name) {
                    waiting.push((path, depth + 1));
                }
            } else if let Some(role) = path.strip_prefix(root).ok().and_then(Role::of) {
                found.push((path, role));
                if found.len() > MAX_FILES {
                    let message = format!("more than {MAX_FILES} files");
                    return Err(LoadError::Unreadable { path: root.to_owned(), message });
                }
            }
        }
    }
    Ok(())
}

/// Reads a regular file, one byte more than is allowed at most.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    // Opening a pipe would wait for a writer.
    if !about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0).min(MAX_FILE) + 1);
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}
