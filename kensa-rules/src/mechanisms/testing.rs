//! What the cases beside each mechanism are written with.

use super::Mechanism;
use crate::params::ParamError;

fn validate(name: &str, params: &str) -> Result<(), ParamError> {
    let mechanism = Mechanism::find(name).unwrap_or_else(|| panic!("no mechanism {name}"));
    let params = serde_json::from_str(params).unwrap_or_else(|error| panic!("{params}: {error}"));
    (mechanism.validate)(&params)
}

/// Asserts that the mechanism takes these parameters.
pub(crate) fn assert_takes(name: &str, params: &str) {
    assert_eq!(validate(name, params), Ok(()), "{name} {params}");
}

/// Asserts that the mechanism refuses these parameters, and that the error names `key`.
pub(crate) fn assert_refuses(name: &str, key: &str, params: &str) {
    match validate(name, params) {
        Ok(()) => panic!("{name} takes {params}"),
        Err(error) => assert_eq!(error.key.as_deref().unwrap_or(""), key, "{name} {params}: {error}"),
    }
}
