//! `cairn-bench`: what the chain does on this machine, beside other nodes under the same load. See the README.
#![allow(clippy::arithmetic_side_effects, clippy::float_arithmetic, reason = "rates and percentiles are floats; nothing here is consensus")]
mod account;
mod genesis;
mod labels;
mod machine;
mod peer;
mod process;
mod proofs;
mod report;
mod rpc;
mod send;
mod state;
mod stats;
mod throughput;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use labels::LabelsPlan;
use machine::Machine;
use peer::{Kind, Programs};
use proofs::{ProofPeers, ProofsPlan};
use report::Report;
use state::{
    blocks::{self, BlocksPlan},
    peak_memory,
    writes::{self, WritesPlan},
};
use throughput::Plan;

/// As in `cairnd`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Committed sends per second, side by side.
    Throughput,
    /// Blocks over states of several sizes.
    Blocks,
    /// The store alone.
    Store,
    /// Labels through claim, commit and reveal, and their settlement.
    Labels,
    /// Proofs of small networks.
    Proofs,
}

/// Measures throughput side by side with other nodes, and what a block costs over a large state.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Throughput, Part::Blocks, Part::Store, Part::Labels, Part::Proofs])]
    parts: Vec<Part>,
    /// Which nodes to compare.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Kvstore, Kind::Simd, Kind::Cairn])]
    nodes: Vec<Kind>,
    /// Where the reports go, and the nodes' homes while they run. A real disk: commits wait for it.
    #[arg(long)]
    out: PathBuf,
    /// What is measured, for the report.
    #[arg(long, default_value = "unknown")]
    revision: String,
    #[command(flatten)]
    programs: Programs,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    blocks: BlocksPlan,
    #[command(flatten)]
    store: WritesPlan,
    #[command(flatten)]
    labels: LabelsPlan,
    #[command(flatten)]
    proofs: ProofsPlan,
    #[command(flatten)]
    proof_peers: ProofPeers,
}

fn main() -> Result<()> {
    let Cli {
        parts,
        nodes,
        out,
        revision,
        programs,
        plan,
        blocks: blocks_plan,
        store: store_plan,
        labels: labels_plan,
        proofs: proofs_plan,
        proof_peers,
    } = Cli::parse();
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let work = tempfile::Builder::new().prefix("work-").tempdir_in(&out)?;
    let mut report = Report::new(Machine::here()?, revision);
    if parts.contains(&Part::Throughput) {
        report.throughput = throughput::measure(&plan, &nodes, &programs, work.path())?;
        report.plan = Some(plan.clone());
    }
    if parts.contains(&Part::Labels) {
        report.labels = Some(labels::measure(&labels_plan, &plan, &programs, work.path())?);
    }
    if parts.contains(&Part::Store) {
        report.store = writes::measure(&store_plan, work.path())?;
    }
    if parts.contains(&Part::Blocks) {
        report.states = blocks::measure(&blocks_plan, &programs, work.path())?;
    }
    if parts.contains(&Part::Proofs) {
        report.proofs = proofs::measure(&proofs_plan, &proof_peers, work.path())?;
    }
    report.peak_memory = peak_memory();
    work.close()?;

    let text = report.markdown();
    fs::write(out.join("report.json"), serde_json::to_vec_pretty(&report)?)?;
    fs::write(out.join("report.md"), &text)?;
    println!("{text}");
    println!("reports: {0}/report.json and {0}/report.md", out.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Settings of all parts share one command line: no two may have one name.
    #[test]
    fn settings_do_not_clash() {
        Cli::command().debug_assert();
        Cli::try_parse_from(["cairn-bench", "--out", "x", "--parts", "proofs"]).unwrap();
    }
}
