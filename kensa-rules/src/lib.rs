//! From YAML rules to results.
//!
//! The folders are the path of the data: [`load`] reads rule files, [`methods`] and [`mechanisms`]
//! give their parameters meaning, [`variables`] fills them in, [`select`] picks what applies to a host,
//! [`plan`] names every probe, [`scan`] asks and judges, [`evidence`] writes down what was seen,
//! [`report`] shows it.

pub mod docs;
pub mod evidence;
pub mod frameworks;
mod host_files;
mod judge;
pub mod lint;
pub mod load;
pub mod mappings;
pub mod mechanisms;
pub mod meter;
pub mod methods;
pub mod params;
pub mod plan;
pub mod redact;
pub mod report;
pub mod scaffold;
pub mod scan;
pub mod schema;
pub mod select;
mod syntax;
pub mod variables;

/// Makes what is otherwise made when it is first needed, such as compiled patterns. A program that forks while other
/// threads scan calls it first: a child never sees the end of what a thread of its parent had begun to make.
pub fn prepare() {
    load::prepare();
    methods::compare::prepare();
    redact::prepare();
}
