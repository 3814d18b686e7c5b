//! Snapshots: the same on every node, restored to the same state, and nothing hostile taken for one.
use std::io::Write;

use cairn_kernel::{Store, Writes};
use flate2::{Compression, write::DeflateEncoder};
use rand::Rng;
use tempfile::TempDir;

use super::{
    chain::{Chain, applied, options, writes},
    reference,
};
use crate::{
    Error, FORMAT, MAX_CHUNK, MAX_CHUNKS, MAX_METADATA, Pruning, Result, Snapshot, Snapshots, StateStore, Version, dump, load,
    node::sha256, verify,
};

const CHAIN: &str = "test-1";

struct Taken {
    _folder: TempDir,
    snapshots: Snapshots,
    snapshot: Snapshot,
    chunks: Vec<Vec<u8>>,
}

fn take(chain: &Chain) -> Taken {
    let folder = TempDir::new().unwrap();
    let snapshots = Snapshots::new(folder.path().join("snapshots"));
    let snapshot = snapshots.create(&chain.store.view().unwrap(), CHAIN).unwrap();
    let chunks = (0..snapshot.chunks()).map(|i| snapshots.chunk(snapshot.height, FORMAT, i).unwrap().unwrap()).collect();
    Taken { _folder: folder, snapshots, snapshot, chunks }
}

fn fresh() -> (TempDir, StateStore) {
    let folder = TempDir::new().unwrap();
    let store = StateStore::open(folder.path(), options(Pruning::Nothing)).unwrap();
    (folder, store)
}

/// Restores all chunks; the version that the last gave.
fn restore(store: &StateStore, snapshot: &Snapshot, chunks: &[Vec<u8>]) -> Result<Version> {
    let mut restore = store.begin_restore(snapshot.clone())?;
    let mut last = None;
    for (index, chunk) in (0..).zip(chunks) {
        assert!(last.is_none() && store.base().is_none());
        last = store.restore_chunk(&mut restore, index, chunk)?;
    }
    Ok(last.unwrap())
}

/// A snapshot with these payloads, its hashes right.
fn forge(of: &Snapshot, payloads: &[Vec<u8>]) -> (Snapshot, Vec<Vec<u8>>) {
    let pack = |payload: &Vec<u8>| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(payload).unwrap();
        encoder.finish().unwrap()
    };
    let chunks: Vec<Vec<u8>> = payloads.iter().map(pack).collect();
    (Snapshot { chunk_hashes: chunks.iter().map(|chunk| sha256(chunk)).collect(), ..of.clone() }, chunks)
}

fn entry(key: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap().to_be_bytes();
    [&length(key), &length(value), key, value].concat()
}

#[test]
fn a_restored_store_is_the_one_that_was_taken() {
    for seed in [71, 72] {
        let mut chain = Chain::new(seed, 1, Pruning::Custom { keep_recent: 4, interval: 1 });
        chain.random_blocks(40);
        let taken = take(&chain);
        assert!(taken.chunks.len() > 5, "{} chunks", taken.chunks.len());
        let (folder, store) = fresh();
        assert_eq!(Some(restore(&store, &taken.snapshot, &taken.chunks).unwrap()), chain.store.latest());
        assert_eq!(
            (store.latest(), store.oldest(), store.chain_id().as_deref()),
            (chain.store.latest(), Some(chain.height()), Some(CHAIN))
        );
        store.audit().unwrap();
        assert!(matches!(store.rollback_one(), Err(Error::NoRollback(_))));
        drop(store);
        let store = StateStore::open(folder.path(), options(Pruning::Nothing)).unwrap();
        let app_hash = store.latest().unwrap().app_hash;
        for _ in 0..200 {
            let key = chain.random_key();
            let proof = store.view().unwrap().prove(&key).unwrap();
            let ops: Vec<_> = proof.ops.into_iter().map(|op| op.proof).collect();
            assert!(verify(&app_hash, &key, chain.newest().get(&key).map(Vec::as_slice), &ops));
        }
        // Both go on alike, also back and forth.
        for _ in 0..10 {
            let model = chain.newest().clone();
            let block = chain.random_writes(&model, 20);
            let version = chain.commit(block.clone());
            let before = store.base().unwrap();
            assert_eq!(store.commit(store.stage(version.height, block.clone()).unwrap()).unwrap(), version);
            assert_eq!(store.rollback_one().unwrap(), before);
            assert_eq!(store.commit(store.stage(version.height, block).unwrap()).unwrap(), version);
        }
        store.audit().unwrap();
        assert!(matches!(store.view_at(taken.snapshot.height - 1), Err(Error::Pruned { .. })));
        assert!(store.view_at(taken.snapshot.height).is_ok());
    }
}

#[test]
fn nodes_with_other_histories_take_the_same_snapshot() {
    let mut chain = Chain::new(73, 1, Pruning::Nothing);
    chain.random_blocks(20);
    let taken = take(&chain);
    let mut other = Chain::new(74, chain.height(), Pruning::Everything);
    let mut block: Writes = other.newest().keys().map(|key| (key.clone(), None)).collect();
    block.extend(chain.newest().iter().map(|(k, v)| (k.clone(), Some(v.clone()))));
    other.commit(block);
    assert_eq!(other.height(), chain.height());
    let again = take(&other);
    assert_eq!((again.snapshot.hash(), again.chunks), (taken.snapshot.hash(), taken.chunks.clone()));
    // So does one that was restored, and one that takes it later.
    let (_folder, store) = fresh();
    restore(&store, &taken.snapshot, &taken.chunks).unwrap();
    taken.snapshots.delete(taken.snapshot.height, FORMAT).unwrap();
    assert_eq!(taken.snapshots.create(&store.view().unwrap(), CHAIN).unwrap(), taken.snapshot);
    taken.snapshots.delete(taken.snapshot.height, FORMAT).unwrap();
    chain.random_blocks(5);
    assert_eq!(taken.snapshots.create(&chain.store.view_at(taken.snapshot.height).unwrap(), CHAIN).unwrap(), taken.snapshot);
}

#[test]
fn blocks_and_pruning_do_not_reach_a_snapshot_that_is_being_taken() {
    let mut chain = Chain::new(75, 1, Pruning::Everything);
    chain.random_blocks(10);
    let expected = take(&chain).snapshot;
    let Chain { store, mut models, mut random, folder, start } = chain;
    let view = store.view().unwrap();
    for _ in 0..8 {
        let key = format!("bank/{}", random.gen_range(0..9)).into_bytes();
        let block = writes(&[(&key, Some(b"later"))]);
        models.push(applied(models.last().unwrap(), &block));
        store.commit(store.stage(start + models.len() as u64 - 1, block).unwrap()).unwrap();
    }
    let snapshots = Snapshots::new(folder.path().join("snapshots"));
    assert_eq!(snapshots.create(&view, CHAIN).unwrap(), expected);
}

#[test]
fn a_chunk_that_is_not_the_announced_one_is_its_senders_fault_and_another_is_taken() {
    let mut chain = Chain::new(76, 1, Pruning::Nothing);
    chain.random_blocks(30);
    let Taken { snapshot, chunks, .. } = take(&chain);
    let (_folder, store) = fresh();
    let mut restore = store.begin_restore(snapshot.clone()).unwrap();
    let last = snapshot.chunks() - 1;
    for (index, chunk) in (0..).zip(&chunks) {
        let mut flipped = chunk.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let other = &chunks[(index as usize + 1) % chunks.len()];
        for bad in [&flipped, &Vec::new(), &chunk[1..].to_vec(), &[chunk.as_slice(), &[0]].concat(), other, &vec![0; MAX_CHUNK + 1]] {
            assert!(matches!(store.restore_chunk(&mut restore, index, bad), Err(Error::Chunk { index: i, .. }) if i == index));
        }
        assert!(matches!(store.restore_chunk(&mut restore, last + 1, chunk), Err(Error::Chunk { .. })));
        if index < last {
            let later = &chunks[index as usize + 1];
            assert!(matches!(store.restore_chunk(&mut restore, index + 1, later), Err(Error::Order { expected, .. }) if expected == index));
        }
        assert_eq!(store.restore_chunk(&mut restore, index, chunk).unwrap().is_some(), index == last);
        if index < last {
            assert_eq!(store.restore_chunk(&mut restore, index, chunk).unwrap(), None, "a second time");
        }
    }
    assert_eq!(store.latest(), chain.store.latest());
    assert!(matches!(store.restore_chunk(&mut restore, last, &chunks[last as usize]), Err(Error::HasBlocks(_))));
}

#[test]
fn what_is_no_state_with_the_trusted_hash_is_refused_and_leaves_nothing() {
    let mut chain = Chain::new(77, 1, Pruning::Nothing);
    chain.random_blocks(10);
    let taken = take(&chain);
    let good: Vec<Vec<u8>> = chain.newest().iter().map(|(k, v)| entry(k, v)).collect();
    let (without, mut doubled, mut swapped) = (good[1..].to_vec(), good.clone(), good.clone());
    doubled.insert(3, good[3].clone());
    swapped.swap(2, 3);
    let cut = [good.concat(), good[0][..7].to_vec()].concat();
    let forged = [
        vec![without.concat()],
        vec![doubled.concat()],
        vec![swapped.concat()],
        vec![cut],
        vec![[good.concat(), entry(b"zz/\xff\xff\xff", b"more")].concat()],
        vec![[good.concat(), entry(b"zzz", b"no store")].concat()],
        vec![[good.concat(), u32::MAX.to_be_bytes().repeat(2)].concat()],
        vec![Vec::new()],
        vec![vec![0; 9 << 20]],
        vec![good.concat(), vec![0; 200 << 20]],
    ];
    let (_folder, store) = fresh();
    for payloads in forged {
        let (snapshot, chunks) = forge(&taken.snapshot, &payloads);
        assert!(chunks.iter().all(|chunk| chunk.len() < MAX_CHUNK));
        assert!(matches!(restore(&store, &snapshot, &chunks), Err(Error::Forged(_))));
        assert_eq!((store.base(), store.latest(), store.oldest()), (None, None, None));
        assert_eq!(store.view().unwrap().get(b"bank/x"), None);
    }
    let garbage = vec![vec![0xff; 100]];
    let snapshot = Snapshot { chunk_hashes: vec![sha256(&garbage[0])], ..taken.snapshot.clone() };
    assert!(matches!(restore(&store, &snapshot, &garbage), Err(Error::Forged(_))));
    let (snapshot, chunks) = forge(&taken.snapshot, &[good.concat()]);
    assert_eq!(restore(&store, &snapshot, &chunks).unwrap().app_hash, reference::app_hash(chain.newest()), "cuts are free");
}

#[test]
fn a_state_that_blocks_made_is_not_given_up() {
    let mut chain = Chain::new(78, 1, Pruning::Everything);
    chain.random_blocks(5);
    let taken = take(&chain);
    let before = chain.store.latest();
    assert!(matches!(chain.store.begin_restore(taken.snapshot.clone()), Err(Error::HasBlocks(5))));
    assert_eq!(chain.store.latest(), before);
    // Genesis, a restoration that ended early, and a restored state without a block may be.
    let (_folder, store) = fresh();
    store.reset_genesis("other-1", 1, writes(&[(b"bank/y", Some(b"1"))])).unwrap();
    let mut early = store.begin_restore(taken.snapshot.clone()).unwrap();
    store.restore_chunk(&mut early, 0, &taken.chunks[0]).unwrap();
    assert_eq!((store.base(), store.view().unwrap().get(b"bank/y")), (None, None));
    for _ in 0..2 {
        restore(&store, &taken.snapshot, &taken.chunks).unwrap();
        store.audit().unwrap();
    }
    assert!(matches!(store.reset_genesis("other-1", 1, Writes::new()), Err(Error::HasBlocks(5))));
    // Genesis after a restoration that ended early is genesis alone.
    let (_folder, store) = fresh();
    let mut early = store.begin_restore(taken.snapshot.clone()).unwrap();
    store.restore_chunk(&mut early, 0, &taken.chunks[0]).unwrap();
    store.reset_genesis("other-1", 1, writes(&[(b"bank/y", Some(b"1"))])).unwrap();
    store.audit().unwrap();
    assert!(matches!(store.restore_chunk(&mut early, 1, &taken.chunks[1]), Err(Error::HasBlocks(0))));
}

#[test]
fn metadata_is_bounded_and_says_one_thing() {
    let mut chain = Chain::new(79, 1, Pruning::Nothing);
    chain.random_blocks(5);
    let snapshot = take(&chain).snapshot;
    let (height, good) = (snapshot.height, snapshot.metadata());
    assert_eq!(Snapshot::parse(height, FORMAT, &good).unwrap(), snapshot);
    assert!(matches!(Snapshot::parse(height, FORMAT + 1, &good), Err(Error::Format { found: 2, expected: 1 })));
    let many = Snapshot { chunk_hashes: vec![[1; 32]; MAX_CHUNKS], ..snapshot.clone() };
    assert!(many.metadata().len() < MAX_METADATA && Snapshot::parse(height, FORMAT, &many.metadata()).is_ok());
    let bad = [
        Snapshot { chunk_hashes: vec![], ..snapshot.clone() },
        Snapshot { chunk_hashes: vec![[1; 32]; MAX_CHUNKS + 1], ..snapshot.clone() },
        Snapshot { height: height + 1, ..snapshot.clone() },
        Snapshot { chain_id: "x".repeat(51), ..snapshot.clone() },
    ];
    for metadata in
        bad.iter().map(Snapshot::metadata).chain([vec![], vec![0xff; 50], vec![0; MAX_METADATA + 1], good[..good.len() - 1].to_vec()])
    {
        assert!(matches!(Snapshot::parse(height, FORMAT, &metadata), Err(Error::Metadata(_))));
    }
    assert!(matches!(Snapshot::parse(0, FORMAT, &Snapshot { height: 0, ..snapshot }.metadata()), Err(Error::Metadata(_))));
    for _ in 0..2_000 {
        let mut mangled = good.clone();
        let place = chain.random.gen_range(0..mangled.len());
        mangled[place] = chain.random.r#gen();
        drop(Snapshot::parse(height, FORMAT, &mangled));
    }
}

#[test]
fn only_whole_snapshots_are_listed_and_old_ones_go() {
    let mut chain = Chain::new(80, 1, Pruning::Nothing);
    let folder = TempDir::new().unwrap();
    let snapshots = Snapshots::new(folder.path().join("snapshots"));
    assert!(snapshots.list().unwrap().is_empty());
    snapshots.clean().unwrap();
    snapshots.keep(1).unwrap();
    for _ in 0..4 {
        chain.random_block();
        snapshots.create(&chain.store.view().unwrap(), CHAIN).unwrap();
    }
    let mut part = snapshots.receive(&Snapshot { height: 9, ..snapshots.list().unwrap()[0].clone() }).unwrap();
    part.push(b"half").unwrap();
    std::fs::create_dir(folder.path().join("snapshots/7-1.99.part")).unwrap();
    std::fs::create_dir(folder.path().join("snapshots/8-1")).unwrap();
    std::fs::write(folder.path().join("snapshots/note"), "").unwrap();
    let heights = |s: &Snapshots| s.list().unwrap().iter().map(|s| s.height).collect::<Vec<_>>();
    assert_eq!(heights(&snapshots), [4, 3, 2, 1]);
    assert!(part.finish(&Snapshot { height: 9, chunk_hashes: vec![[0; 32]; 2], ..snapshots.list().unwrap()[0].clone() }).is_err());
    snapshots.clean().unwrap();
    let left: Vec<_> = std::fs::read_dir(folder.path().join("snapshots")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
    snapshots.keep(0).unwrap();
    snapshots.keep(2).unwrap();
    assert_eq!(heights(&snapshots), [4, 3]);
    snapshots.delete(3, FORMAT).unwrap();
    assert!(matches!(snapshots.delete(3, FORMAT), Err(Error::NoSnapshot { height: 3, .. })));
    assert!(matches!(snapshots.get(3, FORMAT), Err(Error::NoSnapshot { .. })));
    assert_eq!(snapshots.chunk(3, FORMAT, 0).unwrap(), None);
    assert_eq!(snapshots.chunk(4, FORMAT, 99).unwrap(), None);
    assert_eq!(heights(&snapshots), [4]);
}

#[test]
fn a_file_carries_a_snapshot_or_is_refused() {
    let mut chain = Chain::new(81, 1, Pruning::Nothing);
    chain.random_blocks(20);
    let taken = take(&chain);
    let mut file = Vec::new();
    dump(&taken.snapshots, taken.snapshot.height, FORMAT, &mut file).unwrap();
    let folder = TempDir::new().unwrap();
    let other = Snapshots::new(folder.path());
    let mut damaged: Vec<Vec<u8>> = (0..file.len()).step_by(97).map(|at| file[..at].to_vec()).collect();
    for at in (0..file.len()).step_by(53) {
        let mut flipped = file.clone();
        flipped[at] ^= 0x20;
        damaged.push(flipped);
    }
    for (number, damaged) in damaged.iter().enumerate() {
        assert!(load(&other, &mut damaged.as_slice()).is_err(), "{number}");
        assert!(other.list().unwrap().is_empty());
    }
    assert_eq!(load(&other, &mut file.as_slice()).unwrap(), taken.snapshot);
    assert_eq!(load(&other, &mut file.as_slice()).unwrap(), taken.snapshot, "again");
    let mut again = Vec::new();
    dump(&other, taken.snapshot.height, FORMAT, &mut again).unwrap();
    assert_eq!(again, file);
    // One that was damaged on the disk is not handed on.
    std::fs::write(folder.path().join(format!("{}-1/0", taken.snapshot.height)), b"damaged").unwrap();
    assert!(matches!(dump(&other, taken.snapshot.height, FORMAT, &mut Vec::new()), Err(Error::Chunk { index: 0, .. })));
    assert!(matches!(dump(&other, 1, FORMAT, &mut Vec::new()), Err(Error::NoSnapshot { .. })));
}

#[test]
fn a_value_too_large_for_a_chunk_is_told() {
    let mut chain = Chain::new(82, 1, Pruning::Nothing);
    chain.commit(writes(&[(b"bank/large", Some(&[1; 7 << 20]))]));
    let taken = take(&chain);
    let (_folder, store) = fresh();
    restore(&store, &taken.snapshot, &taken.chunks).unwrap();
    chain.commit(writes(&[(b"bank/large", Some(&vec![1; 9 << 20]))]));
    let folder = TempDir::new().unwrap();
    let snapshots = Snapshots::new(folder.path());
    assert!(matches!(snapshots.create(&chain.store.view().unwrap(), CHAIN), Err(Error::Corrupt(_))));
    assert!(matches!(snapshots.create_while(&chain.store.view().unwrap(), CHAIN, || false), Err(Error::GivenUp)));
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn a_snapshot_tells_its_size_and_when_it_was_taken() {
    let mut chain = Chain::new(6, 1, Pruning::Nothing);
    for _ in 0..5 {
        chain.random_block();
    }
    let taken = take(&chain);
    let height = taken.snapshot.height;
    let (bytes, when) = taken.snapshots.size(height, FORMAT).unwrap();
    assert!(bytes > taken.chunks.iter().map(|chunk| u64::try_from(chunk.len()).unwrap()).sum::<u64>(), "the metadata counts too");
    assert!(when.elapsed().unwrap() < std::time::Duration::from_secs(600));
    assert!(taken.snapshots.size(height + 1, FORMAT).is_err());
}
