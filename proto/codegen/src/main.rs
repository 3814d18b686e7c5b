//! Writes `proto/src/gen/`. Run: `cargo run -p cairn-codegen [-- [--check] [--out DIR]]`.

use std::{env, path::PathBuf};

use anyhow::{Result, bail};

const USAGE: &str = "usage: cairn-codegen [--check] [--out DIR]";

fn main() -> Result<()> {
    let (mut check, mut out) = (false, None);
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.len()) {
            ("--check", _) => check = true,
            ("--out", 1..) => out = args.next().map(PathBuf::from),
            _ => bail!("unexpected argument {arg}\n{USAGE}"),
        }
    }
    let proto = cairn_codegen::proto_dir();
    let out = out.unwrap_or_else(|| proto.join("src/gen"));
    let files = cairn_codegen::generate(&proto)?;
    let stale = files.differences(&out)?;
    if check && !stale.is_empty() {
        bail!("{} is out of date, run `cargo run -p cairn-codegen`: {}", out.display(), stale.join(", "));
    }
    files.write(&out)?;
    println!("{}: {} of {} files written", out.display(), stale.len(), files.len());
    Ok(())
}
