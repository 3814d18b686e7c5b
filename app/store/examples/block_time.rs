//! Times staging and committing of blocks over a state of many keys.
//!
//! `cargo run -p cairn-store --example block_time -- [keys] [writes a block] [blocks] [folder]`, by default 1,000,000 keys of about 40 bytes
//! with 100-byte values, 50 blocks of 5,000 updates, in a folder under the system's temporary one.
use std::{
    env,
    path::PathBuf,
    time::{Duration, Instant},
};

use cairn_kernel::{Store, Writes};
use cairn_store::{Options, Pruning, StateStore};
use rand::{Rng, SeedableRng, rngs::StdRng};

type Failure = Box<dyn std::error::Error>;

fn key(n: u64) -> Vec<u8> {
    [b"bank/\x01".as_slice(), &address(n), b"\0ucairn\0"].concat()
}

/// An address: a number spread over twenty bytes by multiplication with odd constants.
fn address(n: u64) -> [u8; 20] {
    let words = [0x9e37_79b9_7f4a_7c15u64, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb]
        .map(|odd| n.wrapping_mul(odd).rotate_left(31).to_be_bytes());
    let mut address = [0; 20];
    address.iter_mut().zip(words.as_flattened()).for_each(|(to, from)| *to = *from);
    address
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn each(start: Instant, count: u32) -> Duration {
    start.elapsed().checked_div(count).unwrap_or_default()
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let (keys, writes, blocks) = (number(0, 1_000_000)?, number(1, 5_000)?, number(2, 50)?);
    let temporary = tempfile::TempDir::new()?;
    let folder = arguments.get(3).map_or_else(|| temporary.path().to_path_buf(), PathBuf::from);
    let store = StateStore::open(&folder, Options { pruning: Pruning::Custom { keep_recent: 10, interval: 1 }, ..Options::default() })?;
    let mut random = StdRng::seed_from_u64(1);
    let mut value = || random.r#gen::<[u8; 20]>().repeat(5);

    let genesis: Writes = (0..keys).map(|n| (key(n), Some(value()))).collect();
    let start = Instant::now();
    store.reset_genesis("bench-1", 1, genesis)?;
    println!("genesis of {keys} keys: {:.1?}", start.elapsed());

    let (mut stage, mut commit) = (Vec::new(), Vec::new());
    let mut choice = StdRng::seed_from_u64(2);
    for height in 1..=blocks {
        let block: Writes = (0..writes).map(|_| (key(choice.gen_range(0..keys)), Some(value()))).collect();
        let start = Instant::now();
        let staged = store.stage(height, block)?;
        stage.push(start.elapsed());
        let start = Instant::now();
        store.commit(staged)?;
        commit.push(start.elapsed());
    }
    println!("{blocks} blocks of {writes} updates, medians: stage {:.1?}, commit {:.1?}", median(stage), median(commit));

    let view = store.view()?;
    let sample: Vec<_> = (0..10_000).map(|_| key(choice.gen_range(0..keys))).collect();
    let start = Instant::now();
    sample.iter().for_each(|key| drop(view.get(key)));
    println!("one read: {:.1?}", each(start, 10_000));
    let start = Instant::now();
    for key in sample.iter().take(1_000) {
        view.prove(key)?;
    }
    println!("one proof: {:.1?}", each(start, 1_000));
    let bytes: u64 = store.metrics()?.iter().filter(|m| m.name == "live_files_bytes").map(|m| m.value).sum();
    println!("files: {} MB", bytes / 1_000_000);
    Ok(())
}
