//! Writes where the fuzzer starts, from golden vectors: `cargo run --example seeds -- VECTORS CORPUS`.

use std::fs;
use std::path::Path;

use phantom_core_fuzz::seeds::{self, Fallible};
use phantom_core_fuzz::strategy_language::SEEDS;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(vectors), Some(corpus)) = (arguments.next(), arguments.next()) else {
        return Err("usage: seeds VECTORS CORPUS".into());
    };
    for entry in fs::read_dir(vectors)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "gz") {
            continue;
        }
        let seeds = seeds::read(&path)?;
        let Some(venue) = seeds.venue else { continue };
        let stem = path.file_name().unwrap_or_default().to_string_lossy();
        for (target, inputs) in [(venue, &seeds.pools), ("spl_token", &seeds.tokens)] {
            let folder = Path::new(&corpus).join(target);
            fs::create_dir_all(&folder)?;
            for (id, bytes) in inputs {
                fs::write(folder.join(format!("{stem}_{id}")), bytes)?;
            }
        }
        println!("{stem}: {} states", seeds.pools.len());
    }
    let folder = Path::new(&corpus).join("strategy_language");
    fs::create_dir_all(&folder)?;
    for (number, source) in SEEDS.iter().enumerate() {
        fs::write(folder.join(format!("seed_{number}")), [&[0; 48], source.as_bytes()].concat())?;
    }
    Ok(())
}
