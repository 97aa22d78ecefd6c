//! Check methods, one file each. A method is a struct of its parsed parameters that implements
//! [`Check`]; [`METHODS`] is the only list of them.

use kensa_core::Check;
use kensa_core::value::Params;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

pub mod compare;
mod file_permission;
mod sysctl_value;
#[cfg(test)]
pub(crate) mod testing;

use crate::params::{self, ParamError};

/// Every check method, in alphabetical order.
pub const METHODS: &[Method] = &[file_permission::METHOD, sysctl_value::METHOD];

/// One check method: its name, its parameters and how to build it.
#[derive(Clone, Copy)]
pub struct Method {
    /// Name in rule files.
    pub name: &'static str,
    /// Further names rule files may use.
    pub aliases: &'static [&'static str],
    /// One line: what it checks.
    pub summary: &'static str,
    /// JSON Schema of the parameters.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Builds the check from its parameters, variables already resolved.
    pub build: fn(&Params) -> Result<Box<dyn Check>, ParamError>,
}

/// What a check method's parameter struct has to be.
pub(crate) trait Parameters: Check + DeserializeOwned + JsonSchema + 'static {
    /// What serde cannot say: combinations, formats, empty conditions. An empty condition must not load.
    fn validate(&mut self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Method {
    /// The method called `name`, also by an alias.
    pub fn find(name: &str) -> Option<&'static Method> {
        METHODS.iter().find(|method| method.name == name || method.aliases.contains(&name))
    }

    pub(crate) const fn of<T: Parameters>(name: &'static str, summary: &'static str) -> Self {
        Self { name, aliases: &[], summary, schema: T::json_schema, build: build::<T> }
    }

    pub(crate) const fn with_aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
}

fn build<T: Parameters>(given: &Params) -> Result<Box<dyn Check>, ParamError> {
    let mut check: T = params::parse(given)?;
    check.validate()?;
    Ok(Box::new(check))
}
