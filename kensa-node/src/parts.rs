//! Long answers, in parts: JavaScript takes and parses one after the other, with its other work in between.

use std::sync::Arc;

use napi_derive::napi;

/// An answer in parts, each a JSON text.
#[napi]
#[derive(Debug)]
pub struct NativeParts(Arc<Parts>);

/// What all parts have in common, and the parts.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) head: String,
    pub(crate) items: Vec<String>,
}

#[napi]
impl NativeParts {
    /// What all parts have in common.
    #[napi(getter)]
    pub fn head(&self) -> String {
        self.0.head.clone()
    }

    /// How many parts there are.
    #[napi(getter)]
    pub fn count(&self) -> u32 {
        u32::try_from(self.0.items.len()).unwrap_or(u32::MAX)
    }

    /// The part with this number, from 0.
    #[napi]
    pub fn item(&self, index: u32) -> Option<String> {
        self.0.items.get(index as usize).cloned()
    }
}

impl From<Parts> for NativeParts {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl From<Arc<Parts>> for NativeParts {
    fn from(parts: Arc<Parts>) -> Self {
        Self(parts)
    }
}
