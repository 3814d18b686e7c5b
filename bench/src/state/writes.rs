//! The store alone: staging and committing random updates, without an application above it.
use std::path::Path;

use anyhow::Result;
use cairn_kernel::Writes;
use cairn_store::{Options, StateStore};
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Serialize;

use super::{Timing, timed};
use crate::machine::Clock;

/// Blocks before measuring begins: caches fill, and the database sorts what genesis wrote.
const WARM_UP: usize = 20;
/// Where the random choice of keys starts.
const SEED: u64 = 2;
/// Bytes of a value.
const VALUE: usize = 40;

/// What is measured.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct WritesPlan {
    /// Keys in the store, in the order to compare.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    pub(crate) keys: Vec<usize>,
    /// Keys that a block changes.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000, 20_000])]
    pub(crate) writes: Vec<usize>,
    /// Blocks of each kind that are measured.
    #[arg(long, default_value_t = 100)]
    pub(crate) store_blocks: usize,
}

/// Blocks of one kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoreBlocks {
    /// Keys in the store.
    pub(crate) keys: usize,
    /// Keys that each block changes, at random.
    pub(crate) writes: usize,
    /// From the writes to the app hash.
    pub(crate) stage: Timing,
    /// To the disk.
    pub(crate) commit: Timing,
    /// Cores that other programs used meanwhile.
    pub(crate) others_cores: f64,
}

/// Measures every kind of the plan, in folders below `work`.
pub(crate) fn measure(plan: &WritesPlan, work: &Path) -> Result<Vec<StoreBlocks>> {
    let mut out = vec![];
    for keys in &plan.keys {
        let folder = work.join(format!("store-{keys}"));
        let store = StateStore::open(&folder, Options::default())?;
        let mut random = StdRng::seed_from_u64(SEED);
        let all: Writes = (0..*keys).map(|n| (key(n), Some(value(&mut random)))).collect();
        store.reset_genesis("bench-1", 1, all)?;
        let mut height = 0;
        for writes in &plan.writes {
            out.push(blocks(&store, *keys, *writes, plan.store_blocks, &mut height, &mut random)?);
        }
        drop(store);
        std::fs::remove_dir_all(folder)?;
    }
    Ok(out)
}

fn blocks(store: &StateStore, keys: usize, writes: usize, count: usize, height: &mut u64, random: &mut StdRng) -> Result<StoreBlocks> {
    let (mut stage, mut commit) = (vec![], vec![]);
    let mut before = Clock::now(vec![])?;
    for n in 0..WARM_UP + count {
        if n == WARM_UP {
            (stage, commit, before) = (vec![], vec![], Clock::now(vec![])?);
        }
        *height += 1;
        let changed: Writes = (0..writes).map(|_| (key(random.gen_range(0..keys)), Some(value(random)))).collect();
        let staged = timed(&mut stage, || store.stage(*height, changed))?;
        timed(&mut commit, || store.commit(staged))?;
    }
    let others_cores = before.until(&Clock::now(vec![])?).others;
    let (stage, commit) = (Timing::of(&stage), Timing::of(&commit));
    eprintln!("store of {keys} keys, {writes} writes: stage {:.1} ms, commit {:.1} ms (medians)", stage.p50_ms, commit.p50_ms);
    Ok(StoreBlocks { keys, writes, stage, commit, others_cores })
}

/// Like a balance's: a module, a tag and an address.
fn key(n: usize) -> Vec<u8> {
    let mut key = b"bank/0".to_vec();
    key.extend(<sha2::Sha256 as sha2::Digest>::digest(n.to_be_bytes()).iter().take(20));
    key
}

fn value(random: &mut StdRng) -> Vec<u8> {
    let mut value = vec![0; VALUE];
    random.fill(value.as_mut_slice());
    value
}
