//! Where known host keys are kept: some files to read, one to write, and memory where nothing is writable.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::known_hosts::{Finding, HostKey, KnownHosts, lookup_name};

/// The files of one caller. Reading and writing block: not for an async thread.
#[derive(Clone, Debug)]
pub(super) struct KnownHostsFiles {
    /// Read in this order; a missing one is empty.
    pub(super) read: Vec<PathBuf>,
    /// Whether somebody named these files. Where nobody did, one that this user may not read is as good as
    /// missing: a service whose home is another user's has never recorded a key there.
    pub(super) named: bool,
    /// Where new keys go; `None` is memory only.
    pub(super) write: Option<PathBuf>,
}

/// Keys of hosts seen by this process that could not be written, by the file they belong to and the name.
/// They count for every later connection that uses the same file.
type Remembered = HashMap<(Option<PathBuf>, String), Vec<HostKey>>;
static REMEMBERED: LazyLock<Mutex<Remembered>> = LazyLock::new(Mutex::default);

/// See [`crate::prepare`].
pub(super) fn prepare() {
    LazyLock::force(&REMEMBERED);
}

/// What became of a key that was to be remembered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// On record in the file, now or already.
    File,
    /// In this process's memory, because of this.
    Memory(Option<String>),
    /// Meanwhile somebody else put a different key for the host on record.
    Conflict(Finding),
}

impl KnownHostsFiles {
    /// Everything on record, and the lines that could not be used.
    pub(super) fn load(&self) -> Result<(KnownHosts, Vec<String>), String> {
        let mut known = KnownHosts::default();
        let mut ignored = Vec::new();
        for path in &self.read {
            match fs::read(path) {
                Ok(text) => ignored.extend(known.add_text(&path.display().to_string(), &text)),
                Err(error) if is_absent(&error) => {}
                Err(error) if !self.named && error.kind() == io::ErrorKind::PermissionDenied => {
                    ignored.push(format!("{} may not be read", path.display()));
                }
                // To go on without the file would make every known host a new one.
                Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
            }
        }
        let remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
        for ((file, name), keys) in remembered.iter().filter(|((file, _), _)| *file == self.write) {
            let lines: String = keys.iter().map(|key| key.known_hosts_line(name)).collect();
            let place =
                file.as_deref().map_or("memory".into(), |file| format!("memory for {}", file.display()));
            known.add_text(&place, lines.as_bytes());
        }
        Ok((known, ignored))
    }

    /// Puts the key of a host never seen on record.
    pub(super) fn record(&self, host: &str, port: u16, key: &HostKey) -> Recorded {
        let Some(path) = &self.write else {
            return self.remember(host, port, key, None);
        };
        match append(path, host, port, key) {
            Ok(recorded) => recorded,
            Err(error) => {
                let reason = format!("{} cannot be written: {error}", path.display());
                self.remember(host, port, key, Some(reason))
            }
        }
    }

    fn remember(&self, host: &str, port: u16, key: &HostKey, why: Option<String>) -> Recorded {
        let mut remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = remembered.entry((self.write.clone(), lookup_name(host, port))).or_default();
        if !keys.is_empty() && !keys.contains(key) {
            return Recorded::Conflict(Finding::Changed { place: "memory".to_owned() });
        }
        if keys.is_empty() {
            keys.push(key.clone());
        }
        Recorded::Memory(why)
    }
}

/// Appends one line under the file's lock, in one write, after looking again: another process may have been
/// faster.
fn append(path: &Path, host: &str, port: u16, key: &HostKey) -> io::Result<Recorded> {
    let mut file = open(path)?;
    file.lock()?;
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut text)?;
    let mut known = KnownHosts::default();
    known.add_text(&path.display().to_string(), &text);
    match known.find(host, port, key) {
        Finding::Unknown => {}
        Finding::Known => return Ok(Recorded::File),
        other => return Ok(Recorded::Conflict(other)),
    }
    let mut line = key.known_hosts_line(&lookup_name(host, port));
    if text.last().is_some_and(|&byte| byte != b'\n') {
        line.insert(0, '\n');
    }
    file.write_all(line.as_bytes())?;
    file.sync_data()?;
    Ok(Recorded::File)
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(parent)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> HostKey {
        let mut blob = vec![0, 0, 0, 11];
        blob.extend(b"ssh-ed25519\0\0\0\x20");
        blob.extend([seed; 32]);
        HostKey::from_blob(blob).unwrap()
    }

    fn files(path: &Path) -> KnownHostsFiles {
        KnownHostsFiles { read: vec![path.to_owned()], named: true, write: Some(path.to_owned()) }
    }

    #[test]
    fn a_new_key_is_written_privately_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/known_hosts");
        let files = files(&path);
        assert_eq!(files.record("web", 2222, &key(1)), Recorded::File);
        assert_eq!(files.load().unwrap().0.find("web", 2222, &key(1)), Finding::Known);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn r30_a_last_line_without_its_end_is_not_spoilt() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        fs::write(&path, key(1).known_hosts_line("db").trim_end()).unwrap();
        let files = files(&path);
        files.record("web", 22, &key(2));
        let (known, ignored) = files.load().unwrap();
        assert!(ignored.is_empty());
        assert_eq!(known.find("db", 22, &key(1)), Finding::Known);
        assert_eq!(known.find("web", 22, &key(2)), Finding::Known);
    }

    #[test]
    fn r30_many_writers_lose_no_line_and_repeat_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        let files = files(&path);
        std::thread::scope(|scope| {
            for writer in 0..8u8 {
                let files = &files;
                scope.spawn(move || {
                    for host in 0..20u8 {
                        assert_eq!(files.record(&format!("host{host}"), 22, &key(host)), Recorded::File);
                        assert_eq!(
                            files.record(&format!("own{writer}-{host}"), 22, &key(host)),
                            Recorded::File
                        );
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 20 + 8 * 20);
        assert!(files.load().unwrap().1.is_empty());
    }

    #[test]
    fn r30_a_key_written_meanwhile_by_another_wins() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        let files = files(&path);
        files.record("web", 22, &key(1));
        assert!(matches!(files.record("web", 22, &key(2)), Recorded::Conflict(Finding::Changed { .. })));
    }

    #[test]
    fn what_cannot_be_written_is_remembered_in_memory() {
        let files = files(Path::new("/proc/nowhere/known_hosts"));
        assert!(matches!(files.record("web", 22, &key(1)), Recorded::Memory(Some(_))));
        assert_eq!(files.load().unwrap().0.find("web", 22, &key(1)), Finding::Known);
        assert!(matches!(files.load().unwrap().0.find("web", 22, &key(2)), Finding::Changed { .. }));
        assert!(matches!(files.record("web", 22, &key(2)), Recorded::Conflict(_)));
    }

    #[test]
    fn a_file_that_exists_but_cannot_be_read_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let files = KnownHostsFiles { read: vec![dir.path().to_owned()], named: false, write: None };
        assert!(files.load().is_err());
    }
}
