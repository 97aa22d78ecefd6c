//! Writes `rules/mappings/*.yaml` from the rules' references and the control lists beside them.

use std::path::Path;

use kensa_rules::load::{LoadOptions, load_rules};
use kensa_rules::mappings::{BENCHMARKS, generate, read_controls, render};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
    let corpus = load_rules(&rules, &LoadOptions::default())?;
    let folder = rules.join("mappings");
    for benchmark in BENCHMARKS {
        let list = std::fs::read_to_string(folder.join(format!("controls/{}.csv", benchmark.id)))?;
        let mapping = generate(benchmark, &read_controls(benchmark.id, &list)?, &corpus.rules);
        std::fs::write(folder.join(format!("{}.yaml", benchmark.id)), render(&mapping))?;
    }
    Ok(())
}
