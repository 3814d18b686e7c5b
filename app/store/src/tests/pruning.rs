//! What pruning forgets, and that it forgets all of it.
use std::collections::BTreeMap;

use cairn_kernel::Writes;

use super::chain::{Chain, writes};
use crate::{Error, Options, Pruning, StateStore, disk::Column, keys, options::Kept, value};

/// The keys of a column.
fn rows(store: &StateStore, column: Column) -> Vec<Vec<u8>> {
    store.disk.scan(column, &[], &[0xff; 16]).unwrap().map(|row| row.unwrap().0.into_vec()).collect()
}

/// The rows by column that the kept heights need, found by building a store that never had others.
fn needed(chain: &Chain, kept: u64) -> BTreeMap<&'static str, usize> {
    let oldest = chain.height() + 1 - kept;
    let mut fresh = Chain::new(0, oldest + 1, Pruning::Nothing);
    let genesis = chain.at(oldest).iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect();
    fresh.store.reset_genesis("test-1", oldest + 1, genesis).unwrap();
    fresh.models = vec![chain.at(oldest).clone()];
    for height in oldest + 1..=chain.height() {
        let mut block: Writes = fresh.newest().keys().map(|key| (key.clone(), None)).collect();
        block.extend(chain.at(height).iter().map(|(k, v)| (k.clone(), Some(v.clone()))));
        fresh.commit(block);
    }
    assert_eq!(fresh.store.base(), chain.store.base());
    Column::ALL.into_iter().map(|c| (c.name(), rows(&fresh.store, c).len())).collect()
}

#[test]
fn nothing_that_no_kept_height_needs_stays() {
    for (seed, kept) in [(31, 2), (32, 5)] {
        let mut chain = Chain::new(seed, 1, Pruning::Custom { keep_recent: kept, interval: 1 });
        for block in 0..60 {
            chain.random_block();
            if block < 10 || block % 10 != 0 {
                continue;
            }
            let expected = needed(&chain, kept);
            for column in [Column::Flat, Column::History, Column::Nodes, Column::Preimages] {
                assert_eq!(rows(&chain.store, column).len(), expected[column.name()], "{} after block {block}", column.name());
            }
            let oldest = chain.store.oldest().unwrap();
            assert!(rows(&chain.store, Column::Journal).iter().all(|row| keys::parse_journal(row).unwrap() > oldest));
            assert_eq!(rows(&chain.store, Column::Meta).len(), 2 + kept as usize);
        }
    }
}

#[test]
fn an_archive_that_is_told_to_prune_catches_up_step_by_step() {
    let mut chain = Chain::new(33, 1, Pruning::Nothing);
    chain.random_blocks(300);
    assert_eq!(chain.store.oldest(), Some(0));
    let mut chain = chain.reopen(Pruning::Everything);
    chain.commit(Writes::new());
    let first = chain.store.oldest().unwrap();
    assert!(first > 0 && first < chain.height() - 1, "bounded: {first}");
    assert!(chain.store.view_at(first).is_ok());
    assert!(matches!(chain.store.view_at(first - 1), Err(Error::Pruned { oldest, .. }) if oldest == first));
    for _ in 0..5 {
        chain.commit(Writes::new());
    }
    assert_eq!(chain.store.oldest(), Some(chain.height() - 1));
    chain.store.audit().unwrap();
    let chain = chain.reopen(Pruning::Nothing);
    assert_eq!(chain.store.oldest(), Some(chain.height() - 1), "what is pruned does not come back");
}

#[test]
fn a_height_that_is_forgotten_in_part_does_not_answer() {
    let mut chain = Chain::new(34, 1, Pruning::Nothing);
    let many = |value: u8| (0..12_000u32).map(|n| (format!("bank/{n}").into_bytes(), Some(vec![value]))).collect::<Writes>();
    chain.commit(many(1));
    chain.commit(many(2));
    chain.commit(Writes::new());
    let mut chain = chain.reopen(Pruning::Everything);
    let mut seen = Vec::new();
    for _ in 0..12 {
        chain.commit(Writes::new());
        let oldest = chain.store.oldest().unwrap();
        seen.push(oldest);
        let view = chain.store.view_at(oldest).unwrap();
        for n in [0, 5, 11_999] {
            let key = format!("bank/{n}").into_bytes();
            assert_eq!(view.read(&key).unwrap().as_ref(), chain.at(oldest).get(&key));
            assert!(view.prove(&key).is_ok());
        }
    }
    assert!(seen.iter().filter(|oldest| **oldest == 2).count() > 1, "height 2 takes several steps: {seen:?}");
    assert_eq!(seen.last(), Some(&(chain.height() - 1)));
}

#[test]
fn a_key_that_comes_back_keeps_its_preimage() {
    let mut chain = Chain::new(35, 1, Pruning::Everything);
    let key = b"bank/back".as_slice();
    let preimage = keys::preimage("bank", &crate::node::sha256(b"back"));
    let known = |chain: &Chain| rows(&chain.store, Column::Preimages).contains(&preimage);
    // Deleted, and created anew by the very block that forgets the deletion.
    chain.commit(writes(&[(key, Some(b"1"))]));
    chain.commit(writes(&[(key, None)]));
    assert!(known(&chain), "the height before the deletion still proves it");
    chain.commit(writes(&[(key, Some(b"2"))]));
    chain.commit(Writes::new());
    assert!(known(&chain));
    chain.commit(writes(&[(key, None)]));
    chain.commit(Writes::new());
    chain.commit(Writes::new());
    assert!(!known(&chain));
}

#[test]
fn settings_that_keep_too_little_are_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    for keep_recent in [0, 1] {
        let options = Options { pruning: Pruning::Custom { keep_recent, interval: 1 }, ..Options::default() };
        assert!(matches!(StateStore::open(folder.path(), options), Err(Error::KeepRecent { least: 2, found }) if found == keep_recent));
    }
    assert_eq!(Pruning::default().kept().unwrap(), Some(Kept { recent: 362_880, interval: 1 }));
    let never = Options { pruning: Pruning::Custom { keep_recent: 2, interval: 0 }, ..Options::default() };
    assert!(matches!(StateStore::open(folder.path(), never), Err(Error::Interval)));
    assert_eq!(Pruning::Nothing.kept().unwrap(), None);
}

#[test]
fn newest_values_carry_the_height_that_wrote_them() {
    let mut chain = Chain::new(36, 1, Pruning::Nothing);
    chain.commit(writes(&[(b"bank/x", Some(b"1"))]));
    chain.commit(writes(&[(b"bank/x", Some(b"1"))]));
    let row = chain.store.disk.get(Column::Flat, b"bank/x").unwrap().unwrap().to_vec();
    assert_eq!(value::parse(&row).unwrap(), (1, b"1".as_slice()));
}

#[test]
fn with_an_interval_at_most_so_many_more_heights_answer() {
    for (seed, keep_recent, interval) in [(37, 2, 1), (38, 3, 10), (39, 20, 7), (40, 4, 100)] {
        let mut chain = Chain::new(seed, 1, Pruning::Custom { keep_recent, interval });
        for _ in 0..70 {
            chain.random_block();
            let (height, oldest) = (chain.height(), chain.store.oldest().unwrap());
            let pruned = height - height % interval;
            assert_eq!(oldest, (pruned + 1).saturating_sub(keep_recent), "height {height}");
            let view = chain.store.view_at(oldest).unwrap();
            assert_eq!(view.version().unwrap().unwrap().app_hash, super::reference::app_hash(chain.at(oldest)));
        }
    }
}

#[test]
fn pruning_at_once_forgets_what_pruning_by_blocks_forgets() {
    let mut archive = Chain::new(31, 1, Pruning::Nothing);
    let mut pruned = Chain::new(31, 1, Pruning::Custom { keep_recent: 5, interval: 1 });
    for _ in 0..300 {
        archive.random_block();
        pruned.random_block();
    }
    assert_eq!(archive.store.prune_all().unwrap(), 0, "an archive keeps everything");
    let mut archive = archive.reopen(Pruning::Custom { keep_recent: 5, interval: 1 });
    assert_eq!(archive.store.prune_all().unwrap(), archive.height() - 4);
    for column in Column::ALL {
        assert_eq!(rows(&archive.store, column), rows(&pruned.store, column), "{}", column.name());
    }
    archive.store.audit().unwrap();
    assert_eq!(archive.random_block(), pruned.random_block());
    let empty = tempfile::TempDir::new().unwrap();
    assert!(matches!(StateStore::open(empty.path(), Options::default()).unwrap().prune_all(), Err(Error::Empty)));
}
