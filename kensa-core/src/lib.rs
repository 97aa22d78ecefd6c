//! The types and traits every other part of Kensa stands on.
//!
//! Nothing here touches a host, a file or a clock's time zone: a [`Check`] names the [`Probe`]s it
//! needs, a [`Transport`] answers them with [`Outputs`], and the check judges those outputs into a
//! [`Verdict`]. What could not be told is a [`CouldNotTell`], never a verdict.
//!
//! Read in this order: [`rule`], [`probe`], [`output`], [`reading`], [`check`], [`transport`],
//! [`result`].

pub mod check;
pub mod facts;
pub mod find;
pub mod output;
pub mod probe;
pub mod reading;
pub mod reason;
pub mod remedy;
pub mod result;
pub mod rule;
pub mod shell;
pub mod time;
pub mod timings;
pub mod transport;
pub mod value;

pub use check::{Check, JudgeError, Source, Verdict};
pub use facts::{Facts, PackageManager, Platform};
pub use find::{FindRange, FindTest};
pub use output::{Answer, CouldNotTell, Fault, Output, Outputs};
pub use probe::Probe;
pub use reason::Reason;
pub use remedy::{Action, Irreversible, Remedy, RemedyError};
pub use result::{CheckResult, Completeness, Conclusion, Evidence, ScanReport, Status, Summary};
pub use rule::{Rule, Severity};
pub use time::Timestamp;
pub use timings::{Overhead, RuleCost, Timings};
pub use transport::{Ask, Opening, Transport, WritableTransport};
pub use value::Value;
