//! `kernel_module_state`: a kernel module cannot be loaded, is blacklisted, or is loaded.

use kensa_core::reading::{failed, not_understood};
use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Output, Outputs, Probe, Reason, Source, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::host_files::modprobe::{self, ModuleConfig};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<KernelModuleState>(
    "kernel_module_state",
    "A kernel module is disabled, blacklisted or loaded",
);

/// State of a kernel module; hyphens and underscores in its name are the same.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KernelModuleState {
    /// Module name without path or suffix.
    name: Text,
    /// What is wanted.
    #[serde(default)]
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Not loaded, and either an `install` line of modprobe.d makes loading it do nothing or the running
    /// kernel has no such module.
    #[default]
    Disabled,
    /// Not loaded, and a `blacklist` line of modprobe.d keeps it from being loaded by its aliases.
    Blacklisted,
    /// Loaded.
    Loaded,
}

/// Whether the running kernel has a module, by `modprobe -n --show-depends`.
enum Existence {
    /// No such module.
    Missing,
    /// modprobe would run a command that does nothing.
    Blocked,
    /// Part of the kernel image.
    BuiltIn,
    /// It can be loaded.
    Loadable,
}

impl KernelModuleState {
    fn dry_run(&self) -> Probe {
        Probe::run(["modprobe", "-n", "--show-depends", &*self.name])
    }

    /// Whether the configuration leaves open if the module could be loaded.
    fn open(&self, got: &Outputs) -> Result<bool, CouldNotTell> {
        let loaded = modprobe::is_loaded(got, &self.name)?;
        let disabled = modprobe::module_config(got, &self.name)?.disabled().is_some();
        Ok(self.state == State::Disabled && !loaded && !disabled)
    }

    /// The index modprobe has looked in without finding the module.
    ///
    /// Where it is missing, every module is: the package of the running kernel was removed, and the next kernel to boot
    /// may have the module.
    fn index(&self, dry_run: &Output) -> Option<String> {
        let said = dry_run.stderr_text();
        let folder = |name: &str| {
            let (_, rest) = said.split_once(&format!("Module {name} not found in directory "))?;
            rest.lines().next().filter(|folder| folder.starts_with('/')).map(str::to_owned)
        };
        let folder = folder(&self.name).or_else(|| folder(&modprobe::normal(&self.name)));
        folder
            .filter(|_| dry_run.exit_code == 1)
            .map(|folder| format!("{}/modules.dep.bin", folder.trim_end()))
    }

    fn existence(&self, got: &Outputs) -> Result<Existence, CouldNotTell> {
        let output = got.ran(&self.dry_run())?;
        if let Some(index) = self.index(output) {
            if got.stat(&index)?.is_some() {
                return Ok(Existence::Missing);
            }
            let message = format!(
                "modprobe knows no module of the running kernel, as there is no {index}: whether {} can be loaded \
                 cannot be told",
                self.name
            );
            return Err(CouldNotTell::new(Reason::CommandFailed, message));
        }
        let stdout = output.stdout_text();
        if output.exit_code != 0 {
            return Err(failed(output));
        }
        // Dependencies come first; the last line is the module itself.
        let last = stdout.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        match last.trim().split_once(' ') {
            Some(("install", command)) if modprobe::does_nothing(command) => Ok(Existence::Blocked),
            Some(("builtin", _)) => Ok(Existence::BuiltIn),
            Some(("insmod" | "install", _)) => Ok(Existence::Loadable),
            _ => Err(not_understood(output)),
        }
    }

    fn judge_disabled(&self, config: &ModuleConfig, got: &Outputs) -> Result<Verdict, CouldNotTell> {
        let (name, wanted) = (&self.name, "disabled");
        if let Some(source) = config.disabled() {
            let detail = format!("{name} is not loaded and {source} makes loading it do nothing");
            let verdict = Verdict::new(true, wanted, "disabled", detail).from_source(Some(source.clone()));
            return Ok(verdict.citing(resting_on(source)));
        }
        let (passed, actual, detail) = match self.existence(got)? {
            Existence::Missing => (true, "not available", "the running kernel has no such module"),
            Existence::Blocked => (true, "disabled", "modprobe is configured to load nothing"),
            Existence::BuiltIn => (false, "built in", "it is part of the kernel image"),
            Existence::Loadable => {
                (false, "loadable", "it is not loaded but nothing keeps it from being loaded")
            }
        };
        Ok(Verdict::new(passed, wanted, actual, format!("{name}: {detail}; wanted {wanted}")))
    }
}

/// What a verdict rests on that one line of a file decides, beside the module not being loaded.
fn resting_on(source: &Source) -> Vec<Probe> {
    vec![Probe::read(modprobe::PROC_MODULES), Probe::read(&*source.path)]
}

impl Parameters for KernelModuleState {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::module_name("name", &self.name)
    }
}

impl Check for KernelModuleState {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        if self.state == State::Loaded {
            vec![Probe::read(modprobe::PROC_MODULES)]
        } else {
            modprobe::probes()
        }
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        if self.state == State::Loaded {
            return Vec::new();
        }
        let files = modprobe::MODPROBE.follow_up(got);
        let dry_run = self.open(got).unwrap_or(false).then(|| self.dry_run());
        let ran = dry_run.as_ref().and_then(|probe| got.output(probe).ok());
        let index = ran.and_then(|output| self.index(output)).map(Probe::stat);
        files.into_iter().chain(dry_run).chain(index).collect()
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let name = &self.name;
        let loaded = modprobe::is_loaded(got, name)?;
        if self.state == State::Loaded {
            let actual = if loaded { "loaded" } else { "not loaded" };
            return Ok(Verdict::new(loaded, "loaded", actual, format!("{name} is {actual}; wanted loaded")));
        }
        let wanted = if self.state == State::Disabled { "disabled" } else { "blacklisted" };
        if loaded {
            let verdict = Verdict::new(false, wanted, "loaded", format!("{name} is loaded; wanted {wanted}"));
            return Ok(verdict.citing(vec![Probe::read(modprobe::PROC_MODULES)]));
        }
        let config = modprobe::module_config(got, name)?;
        if self.state == State::Disabled {
            return Ok(self.judge_disabled(&config, got)?);
        }
        Ok(match config.blacklist {
            Some(source) => {
                let detail = format!("{name} is not loaded and {source} blacklists it");
                let cites = resting_on(&source);
                Verdict::new(true, wanted, wanted, detail).from_source(Some(source)).citing(cites)
            }
            None => {
                let detail = format!("{name} is not loaded and no file of modprobe.d blacklists it");
                Verdict::new(false, wanted, "not blacklisted", detail)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::host_files::modprobe::{MODPROBE, PROC_MODULES};
    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const DISABLED: &str = r#"{"name": "usb-storage"}"#;
    const BLACKLISTED: &str = r#"{"name": "usb-storage", "state": "blacklisted"}"#;

    fn dry_run() -> Probe {
        Probe::run(["modprobe", "-n", "--show-depends", "usb-storage"])
    }

    fn case(params: &str, modules: &str, config: &str) -> Case {
        let case = Case::new("kernel_module_state", params)
            .file(PROC_MODULES, modules)
            .dir("/etc/modprobe.d", &["usb.conf", "notes.txt"])
            .file("/etc/modprobe.d/usb.conf", config);
        MODPROBE.dirs[1..].iter().fold(case, |case, dir| case.gone(&Probe::list(*dir)))
    }

    #[test]
    fn an_install_line_that_does_nothing_disables() {
        let disabled = judge(case(DISABLED, "", "install usb_storage /bin/false\n"));
        assert_eq!(disabled.passed(), Some(true));
        let source = disabled.verdict().source.as_ref().map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("/etc/modprobe.d/usb.conf:1"));
        let loaded = case(DISABLED, "usb_storage 81920 0 - Live 0x0\n", "install usb_storage /bin/false\n");
        assert_eq!(judge(loaded).passed(), Some(false));
        let first = "install usb-storage /sbin/modprobe x\ninstall usb-storage /bin/false\n";
        let loadable = case(DISABLED, "", first).says(&dry_run(), 0, "install /sbin/modprobe x\n", "");
        assert_eq!(judge(loadable).passed(), Some(false));
    }

    #[test]
    fn without_one_modprobe_says_whether_there_is_such_a_module() {
        let open = case(DISABLED, "ext4 1 0 - Live 0x0\n", "#install usb-storage /bin/true\n");
        let says =
            |exit, stdout: &str, stderr: &str| judge(open.clone().says(&dry_run(), exit, stdout, stderr));
        let missing = "modprobe: FATAL: Module usb-storage not found in directory /lib/modules/6.1.0\n";
        let index = Probe::stat("/lib/modules/6.1.0/modules.dep.bin");
        let without = open.clone().says(&dry_run(), 1, "", missing);
        let line = "regular file|644|root|root|0|0|/lib/modules/6.1.0/modules.dep.bin\n";
        assert_eq!(judge(without.clone().says(&index, 0, line, "")).passed(), Some(true));
        // Without its folder, no module of the running kernel is known.
        let told = judge(without.clone().gone(&index));
        assert_eq!(told.reason(), Some(Reason::CommandFailed));
        let denied = without.says(
            &index,
            1,
            "",
            "stat: cannot statx '/lib/modules/6.1.0/modules.dep.bin': Permission denied\n",
        );
        assert_eq!(judge(denied).reason(), Some(Reason::PermissionDenied));
        assert_eq!(
            says(1, "", "FATAL: Module usb-storage not found.\n").reason(),
            Some(Reason::CommandFailed)
        );
        assert_eq!(says(0, "insmod /lib/modules/x/usb-storage.ko \n", "").passed(), Some(false));
        assert_eq!(says(0, "builtin usb_storage\n", "").passed(), Some(false));
        assert_eq!(says(127, "", "sh: 1: modprobe: not found\n").reason(), Some(Reason::ToolMissing));
        assert_eq!(says(1, "", "modprobe: ERROR: something\n").reason(), Some(Reason::CommandFailed));
        assert_eq!(says(0, "", "").reason(), Some(Reason::UnexpectedOutput));
    }

    #[test]
    fn a_blacklist_line_is_a_whole_word() {
        assert_eq!(judge(case(BLACKLISTED, "", "blacklist usb-storage\n")).passed(), Some(true));
        assert_eq!(judge(case(BLACKLISTED, "", "blacklist usb-storage2\n")).passed(), Some(false));
        assert_eq!(judge(case(BLACKLISTED, "", "# blacklist usb-storage\n")).passed(), Some(false));
        let loaded = case(BLACKLISTED, "usb_storage 1 0 - Live 0x0\n", "blacklist usb-storage\n");
        assert_eq!(judge(loaded).passed(), Some(false));
    }

    #[test]
    fn loaded_can_be_wanted() {
        let params = r#"{"name": "nf_tables", "state": "loaded"}"#;
        let case = |text: &str| Case::new("kernel_module_state", params).file(PROC_MODULES, text);
        assert_eq!(judge(case("nf_tables 1 0 - Live 0x0\n")).passed(), Some(true));
        assert_eq!(judge(case("")).passed(), Some(false));
    }

    #[test]
    fn never_guesses() {
        let good = case(DISABLED, "", "install usb_storage /bin/false\n");
        assert_never_guesses(&good, &Probe::read(PROC_MODULES));
        assert_never_guesses(&good, &Probe::list("/etc/modprobe.d"));
        assert_never_guesses(&good, &Probe::list("/lib/modprobe.d"));
        assert_never_guesses(&good, &Probe::read("/etc/modprobe.d/usb.conf"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("kernel_module_state", r#"{"state": "disabled"}"#);
        assert_refused("kernel_module_state", r#"{"name": "usb-storage", "state": "gone"}"#);
        assert_refused("kernel_module_state", r#"{"name": "usb.*"}"#);
    }
}
