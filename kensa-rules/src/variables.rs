//! stub until the loader lands
use kensa_core::Rule;
use kensa_core::value::Params;
use std::collections::BTreeMap;
/// stub
#[derive(Debug, thiserror::Error)]
pub enum VariableError {
    /// x
    #[error("x")]
    Undefined(Vec<String>),
    /// y
    #[error("y")]
    Unsafe(String),
}
/// stub
#[derive(Debug, Default)]
pub struct VariableTable;
impl VariableTable {
    /// x
    pub fn resolve_params(&self, p: &Params) -> Result<Params, VariableError> {
        Ok(p.clone())
    }
    /// y
    pub fn shown_for(&self, _: &Rule) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}
