//! Remediation mechanisms, one file each. [`MECHANISMS`] is the only list of them.
