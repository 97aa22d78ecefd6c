//! Remediation mechanisms. [`MECHANISMS`] is the only list of them.

use kensa_core::value::Params;
use schemars::{Schema, SchemaGenerator};

use crate::params::ParamError;

/// Every mechanism, in alphabetical order.
pub const MECHANISMS: &[Mechanism] = &[];

/// One mechanism: its name and its parameters.
#[derive(Clone, Copy)]
pub struct Mechanism {
    /// Name in rule files.
    pub name: &'static str,
    /// JSON Schema of the parameters.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Whether the parameters fit, variables already resolved.
    pub validate: fn(&Params) -> Result<(), ParamError>,
}

impl Mechanism {
    /// The mechanism called `name`.
    pub fn find(name: &str) -> Option<&'static Mechanism> {
        MECHANISMS.iter().find(|mechanism| mechanism.name == name)
    }
}
