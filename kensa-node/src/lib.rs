//! The native half of the npm package `kensa`.
//!
//! It moves calls, answers and errors between Node and the engine and decides nothing: what a JavaScript program
//! sees is made in `lib/`. Data crosses as the JSON text the engine itself writes, so a report is the same bytes in
//! Node as in Rust; long answers cross in parts. Nothing here runs for long on Node's thread; everything that waits
//! runs on tokio's threads.
#![allow(unsafe_code, reason = "the code napi's macros generate calls Node's C interface")]
#![allow(missing_docs, reason = "napi's macros add items of their own; ours are documented")]
#![allow(unreachable_pub, reason = "napi exports what is public, and Rust code uses none of it")]
#![cfg_attr(
    test,
    allow(dead_code, reason = "napi registers nothing in a test build, which there is only for lints")
)]

mod cancellation;
mod corpora;
mod failure;
mod feed;
mod options;
mod parts;
mod rules;
mod runner;
mod scan;
mod session;

/// Leaves one processor to Node's thread; a scan waits most of the time.
#[napi_derive::module_init]
fn threads() {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let workers = cores.saturating_sub(1).clamp(1, 4);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("kensa")
        .enable_all()
        .build();
    // Without threads, the first call says so.
    if let Ok(runtime) = runtime {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}
