//! Configuration files of a host: which files count, in which order, and what they say.

pub(crate) mod audit_rule;
pub(crate) mod dropins;
pub(crate) mod kernel_command_line;
pub(crate) mod modprobe;
pub(crate) mod mounts;
pub(crate) mod pam;
pub(crate) mod pattern;
pub(crate) mod setting_files;
pub(crate) mod settings;
pub(crate) mod sysctl_files;
