//! The kernel command line: the running one and the ones that the next boots will use.

use kensa_core::{CouldNotTell, Outputs, Probe};

use super::dropins::Dropins;
use super::settings::{unquote, without_comment};

/// The running kernel's command line.
pub(crate) const RUNNING: &str = "/proc/cmdline";
const DEFAULT_GRUB: &str = "/etc/default/grub";
const DEFAULT_GRUB_D: Dropins<'static> = Dropins { dirs: &["/etc/default/grub.d"], pattern: "*.cfg" };
const KERNEL_CMDLINE: &str = "/etc/kernel/cmdline";
const ENTRIES: Dropins<'static> = Dropins { dirs: &["/boot/loader/entries"], pattern: "*.conf" };
const GRUBENV: &str = "/boot/grub2/grubenv";

/// What to ask first.
pub(crate) fn probes() -> Vec<Probe> {
    let files = [RUNNING, DEFAULT_GRUB, KERNEL_CMDLINE].map(Probe::read);
    files.into_iter().chain(DEFAULT_GRUB_D.probes()).chain(ENTRIES.probes()).collect()
}

/// The files in the directories, and the boot loader's variables where an entry uses them.
pub(crate) fn follow_up(got: &Outputs) -> Vec<Probe> {
    let mut wave = [DEFAULT_GRUB_D.follow_up(got), ENTRIES.follow_up(got)].concat();
    if ENTRIES.texts(got).is_ok_and(|texts| texts.iter().any(|(_, text)| text.contains("$kernelopts"))) {
        wave.push(Probe::read(GRUBENV));
    }
    wave
}

/// Parameters of the running kernel; `None` when the kernel does not tell.
pub(crate) fn running(got: &Outputs) -> Result<Option<Vec<String>>, CouldNotTell> {
    Ok(got.read(RUNNING)?.map(|text| tokens(&text)))
}

/// Every place that decides about later boots, with its parameters: each boot entry but the rescue ones,
/// and the file that entries of new kernels are made from.
pub(crate) fn persistent(got: &Outputs) -> Result<Vec<(String, Vec<String>)>, CouldNotTell> {
    let mut places = Vec::new();
    for (path, text) in ENTRIES.texts(got)? {
        if !path.contains("rescue") {
            let options = entry_options(&text, got)?;
            places.push((path, tokens(&options)));
        }
    }
    let template = got.read(KERNEL_CMDLINE)?;
    let grub = default_grub(got)?;
    match (template, grub) {
        // kernel-install prefers its own file; without boot entries GRUB's menu is made from its own.
        (Some(text), _) if !places.is_empty() => places.push((KERNEL_CMDLINE.to_owned(), tokens(&text))),
        (_, Some(text)) => places.push((DEFAULT_GRUB.to_owned(), tokens(&text))),
        (Some(text), None) => places.push((KERNEL_CMDLINE.to_owned(), tokens(&text))),
        (None, None) => {}
    }
    Ok(places)
}

/// The `options` lines of a boot entry, the boot loader's variables filled in.
fn entry_options(text: &str, got: &Outputs) -> Result<String, CouldNotTell> {
    let options = text.lines().filter_map(|line| line.trim().strip_prefix("options"));
    let mut options = options.filter(|rest| rest.starts_with([' ', '\t'])).collect::<Vec<_>>().join(" ");
    if options.contains("$kernelopts") {
        let environment = got.read(GRUBENV)?.unwrap_or_default();
        let kernelopts = environment.lines().find_map(|line| line.strip_prefix("kernelopts="));
        options = options.replace("$kernelopts", kernelopts.unwrap_or_default());
    }
    Ok(options)
}

/// `GRUB_CMDLINE_LINUX` and `GRUB_CMDLINE_LINUX_DEFAULT` after all files were read; `None` without any.
fn default_grub(got: &Outputs) -> Result<Option<String>, CouldNotTell> {
    let mut texts = Vec::from_iter(got.read(DEFAULT_GRUB)?);
    texts.extend(DEFAULT_GRUB_D.texts(got)?.into_iter().map(|(_, text)| text));
    if texts.is_empty() {
        return Ok(None);
    }
    let mut linux = String::new();
    let mut default = String::new();
    for text in texts {
        let text = text.replace("\\\n", "");
        for line in text.lines().map(str::trim) {
            let Some((name, value)) = line.split_once('=') else { continue };
            let (name, append) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
            let value = unquote(without_comment(value)).to_owned();
            let value =
                expand(&expand(&value, "GRUB_CMDLINE_LINUX_DEFAULT", &default), "GRUB_CMDLINE_LINUX", &linux);
            let target = match name.trim_start_matches("export ").trim() {
                "GRUB_CMDLINE_LINUX" => &mut linux,
                "GRUB_CMDLINE_LINUX_DEFAULT" => &mut default,
                _ => continue,
            };
            *target = if append { format!("{target}{value}") } else { value };
        }
    }
    Ok(Some(format!("{linux} {default}")))
}

/// The text with the shell variable's value in place of its name.
fn expand(text: &str, name: &str, value: &str) -> String {
    text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
}

/// Parameters of a command line. Blanks inside double quotes belong to a parameter; what follows `--` is
/// for init.
pub(crate) fn tokens(line: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => tokens.push(String::new()),
            c => tokens.last_mut().into_iter().for_each(|token| token.push(c)),
        }
    }
    tokens.into_iter().filter(|token| !token.is_empty()).take_while(|token| token != "--").collect()
}

/// The value the last `key` or `key=value` gives; empty for a bare key. `-` and `_` are the same in keys.
pub(crate) fn value<'a>(tokens: &'a [String], key: &str) -> Option<&'a str> {
    let normal = |key: &str| key.replace('-', "_");
    let pairs = tokens.iter().rev().map(|token| token.split_once('=').unwrap_or((token, "")));
    pairs.into_iter().find(|(name, _)| normal(name) == normal(key)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_split_as_the_kernel_does() {
        let line = tokens("root=/dev/sda1 ro dyndbg=\"file x +p\" audit=0 audit=1 slub-debug -- audit=9\n");
        assert_eq!(value(&line, "audit"), Some("1"));
        assert_eq!(value(&line, "dyndbg"), Some("file x +p"));
        assert_eq!(value(&line, "slub_debug"), Some(""));
        assert_eq!(value(&line, "aud"), None);
    }

    #[test]
    fn shell_variables_are_filled_in() {
        let linux = expand("$GRUB_CMDLINE_LINUX audit=1", "GRUB_CMDLINE_LINUX", "quiet");
        assert_eq!(linux, "quiet audit=1");
    }
}
