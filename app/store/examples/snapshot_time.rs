//! Times taking and restoring a snapshot of a state of many keys, and tells the memory that each phase reached.
//!
//! `cargo run -p cairn-store --example snapshot_time -- [keys]`, by default 1,000,000 keys of about 40 bytes with 100-byte values, written in blocks of
//! 20,000, with small caches so that the memory of the work itself shows.
use std::{env, fs, time::Instant};

use cairn_kernel::Writes;
use cairn_store::{FORMAT, Options, Pruning, Snapshots, StateStore};
use rand::{Rng, SeedableRng, rngs::StdRng};

type Failure = Box<dyn std::error::Error>;

/// Keys of a block.
const BLOCK: u64 = 20_000;

fn options() -> Options {
    Options { pruning: Pruning::Everything, block_cache: 16 << 20, write_buffer: 16 << 20, node_cache: 1 << 12, ..Options::default() }
}

/// The most memory that the process has held so far, as Linux tells it.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".to_owned(), |line| line.trim().to_owned())
}

fn main() -> Result<(), Failure> {
    let keys: u64 = env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::TempDir::new()?;
    let store = StateStore::open(folder.path().join("state"), options())?;
    store.reset_genesis("bench-1", 1, Writes::new())?;
    let mut random = StdRng::seed_from_u64(1);
    for height in 1..=keys.div_ceil(BLOCK) {
        let mut entry = || {
            let key = [b"bank/\x01".as_slice(), &random.r#gen::<[u8; 20]>(), b"\0ucairn\0"].concat();
            (key, Some(random.r#gen::<[u8; 20]>().repeat(5)))
        };
        let block: Writes = (0..BLOCK).map(|_| entry()).collect();
        store.commit(store.stage(height, block)?)?;
    }
    println!("state of {keys} keys; memory up to {}", peak());

    let snapshots = Snapshots::new(folder.path().join("snapshots"));
    let start = Instant::now();
    let snapshot = snapshots.create(&store.view()?, "bench-1")?;
    let chunks = (0..snapshot.chunks()).map(|index| snapshots.chunk(snapshot.height, FORMAT, index));
    let bytes = chunks.map(|chunk| chunk.map(|chunk| chunk.map_or(0, |chunk| chunk.len()))).sum::<Result<usize, _>>()?;
    println!("taken in {:.1?}: {} chunks, {} MB; memory up to {}", start.elapsed(), snapshot.chunks(), bytes / 1_000_000, peak());

    let restored = StateStore::open(folder.path().join("restored"), options())?;
    let start = Instant::now();
    let mut restore = restored.begin_restore(snapshot.clone())?;
    for index in 0..snapshot.chunks() {
        let chunk = snapshots.chunk(snapshot.height, FORMAT, index)?.ok_or("a chunk is missing")?;
        restored.restore_chunk(&mut restore, index, &chunk)?;
    }
    println!("restored in {:.1?}; memory up to {}", start.elapsed(), peak());
    println!("same app hash: {}", restored.latest() == store.latest());
    Ok(())
}
