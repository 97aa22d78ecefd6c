//! What modprobe(8) is told about a kernel module, and which modules are loaded.

use std::borrow::Cow;

use kensa_core::{CouldNotTell, Outputs, Probe, Source};

use super::dropins::Dropins;
use super::pattern;

/// Directories of modprobe.d(5), most important first.
pub(crate) const MODPROBE: Dropins<'static> = Dropins {
    dirs: &[
        "/etc/modprobe.d",
        "/run/modprobe.d",
        "/usr/local/lib/modprobe.d",
        "/usr/lib/modprobe.d",
        "/lib/modprobe.d",
    ],
    pattern: "*.conf",
};

/// The loaded modules.
pub(crate) const PROC_MODULES: &str = "/proc/modules";

/// What to ask about any module; the same for all of them.
pub(crate) fn probes() -> Vec<Probe> {
    std::iter::once(Probe::read(PROC_MODULES)).chain(MODPROBE.probes()).collect()
}

/// Whether the module is loaded. A kernel without loadable modules has none loaded.
pub(crate) fn is_loaded(got: &Outputs, module: &str) -> Result<bool, CouldNotTell> {
    let text = got.read(PROC_MODULES)?.unwrap_or_default();
    let module = normal(module);
    Ok(text.lines().filter_map(|line| line.split(' ').next()).any(|name| normal(name) == module))
}

/// What the configuration says about one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModuleConfig {
    /// Where the module is blacklisted.
    pub(crate) blacklist: Option<Source>,
    /// The command run instead of loading it, and where it is given. Only the first one counts.
    pub(crate) install: Option<(String, Source)>,
}

impl ModuleConfig {
    /// Where an `install` line that loads nothing is in force.
    pub(crate) fn disabled(&self) -> Option<&Source> {
        self.install.as_ref().filter(|(command, _)| does_nothing(command)).map(|(_, source)| source)
    }
}

/// Reads the configuration of one module.
pub(crate) fn module_config(got: &Outputs, module: &str) -> Result<ModuleConfig, CouldNotTell> {
    let module = normal(module);
    let mut config = ModuleConfig::default();
    for (path, text) in MODPROBE.texts(got)? {
        for (number, line) in logical_lines(&text) {
            let mut words = line.split_whitespace();
            let (Some(keyword), Some(name)) = (words.next(), words.next()) else { continue };
            let source = || Source { path: path.clone(), line: Some(number) };
            match keyword {
                "blacklist" if normal(name) == module && config.blacklist.is_none() => {
                    config.blacklist = Some(source());
                }
                "install" if config.install.is_none() && pattern::matches(&normal(name), &module) => {
                    config.install = Some((words.collect::<Vec<_>>().join(" "), source()));
                }
                _ => {}
            }
        }
    }
    Ok(config)
}

/// Whether the command of an `install` line ends without loading anything.
pub(crate) fn does_nothing(command: &str) -> bool {
    let command = command.split_once(" #").map_or(command, |(command, _)| command).trim();
    ["/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", "true", "false"].contains(&command)
}

/// The module's name as the kernel writes it.
pub(crate) fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// Lines with their numbers; a backslash at the end joins a line with the next. Comments are left out.
fn logical_lines(text: &str) -> Vec<(u32, Cow<'_, str>)> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (line, number) in text.lines().zip(1..) {
        match (open.take(), line.strip_suffix('\\')) {
            (None, None) => lines.push((number, Cow::Borrowed(line))),
            (None, Some(begun)) => open = Some((number, begun.to_owned())),
            (Some((start, joined)), None) => lines.push((start, Cow::Owned(joined + line))),
            (Some((start, joined)), Some(begun)) => open = Some((start, joined + begun)),
        }
    }
    lines.extend(open.map(|(start, joined)| (start, Cow::Owned(joined))));
    lines.retain(|(_, line)| !line.trim_start().starts_with('#'));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_comments_dropped() {
        let text = "# install a /bin/true\ninstall a \\\n  /bin/false\nblacklist b\n# x \\\nblacklist c\n";
        let lines = logical_lines(text);
        assert_eq!(lines, [(2, "install a   /bin/false".into()), (4, "blacklist b".into())]);
    }

    #[test]
    fn only_a_bare_true_or_false_does_nothing() {
        assert!(does_nothing("/bin/false") && does_nothing("/usr/bin/true # site policy"));
        assert!(!does_nothing("/bin/true; modprobe --ignore-install x") && !does_nothing("/bin/truex"));
    }
}
