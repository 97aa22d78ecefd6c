//! Rule files on disk, or in memory, to a [`Corpus`].
//!
//! `yaml` reads a file as a tree with places, `rule` and its neighbours read the tree as a rule and report
//! every problem they meet, `corpus` puts the rules of all files together.

mod corpus;
pub mod diagnostic;
mod files;
mod implementations;
mod parameters;
mod reader;
mod references;
mod rule;
mod value;
pub mod yaml;

pub use corpus::{Corpus, LoadError, LoadOptions, SiteValues, load_embedded, load_rules, load_variables};
pub use diagnostic::{Diagnostic, Level, nearest, render};
pub(crate) use parameters::prepare;
pub(crate) use rule::REQUIRED_RULE_KEYS;
pub use value::yaml_to_json;
