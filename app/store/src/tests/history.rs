//! Blocks, views and app hashes against the model.
use cairn_kernel::{Overlay, Store, Writes};
use rand::Rng;

use super::{
    chain::{Chain, writes},
    reference::{self, Model},
};
use crate::{Error, Pruning, View};

/// Everything a view holds, by going forward and by going back, and what single keys hold.
fn assert_shows(view: &View, model: &Model, absent: &[Vec<u8>]) {
    let (mut forward, mut from) = (Vec::new(), Vec::new());
    while let Some((key, value)) = view.next(&from, &[0xff; 4]) {
        from = [key.as_slice(), &[0]].concat();
        forward.push((key, value));
    }
    let (mut back, mut to) = (Vec::new(), vec![0xff; 4]);
    while let Some((key, value)) = view.prev(&[], &to) {
        to.clone_from(&key);
        back.push((key, value));
    }
    back.reverse();
    let expected: Vec<_> = model.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(forward, expected);
    assert_eq!(back, expected);
    for key in absent.iter().chain(model.keys()) {
        assert_eq!(view.get(key).as_ref(), model.get(key), "{}", key.escape_ascii());
    }
}

#[test]
fn every_kept_height_shows_what_the_model_shows() {
    for (seed, initial, kept) in [(1, 1, 7), (2, 1000, 3)] {
        let mut chain = Chain::new(seed, initial, Pruning::Custom { keep_recent: kept, interval: 1 });
        for block in 0..60 {
            let version = chain.random_block();
            assert_eq!(version.height, chain.height());
            assert_eq!(version.app_hash, reference::app_hash(chain.newest()), "block {block}");
            assert_eq!(chain.store.latest(), Some(version));
            let oldest = chain.height().saturating_sub(kept - 1).max(chain.start);
            assert_eq!(chain.store.oldest(), Some(oldest));
            let absent: Vec<_> = (0..20).map(|_| chain.random_key()).collect();
            for height in (oldest..=chain.height()).filter(|h| block % 5 == 0 || *h == oldest || *h == chain.height()) {
                let view = chain.store.view_at(height).unwrap();
                assert_shows(&view, chain.at(height), &absent);
                assert_eq!(view.roots().unwrap(), reference::roots(chain.at(height)));
                assert_eq!(view.version().unwrap().unwrap().app_hash, reference::app_hash(chain.at(height)));
            }
            assert_shows(&chain.store.view().unwrap(), chain.newest(), &absent);
        }
        chain.store.audit().unwrap();
        let height = chain.height();
        assert!(matches!(chain.store.view_at(height + 1), Err(Error::Future { latest, .. }) if latest == height));
        assert!(matches!(chain.store.view_at(height - kept), Err(Error::Pruned { oldest, .. }) if oldest == height - kept + 1));
    }
}

#[test]
fn keys_are_counted_by_their_prefix_until_enough() {
    let mut chain = Chain::new(5, 1, Pruning::Nothing);
    for _ in 0..20 {
        chain.random_block();
    }
    let view = chain.store.view().unwrap();
    let keys = |prefix: &[u8], most: usize| {
        let mut found = Vec::new();
        let each = |key: &[u8]| {
            found.push(key.to_vec());
            found.len() < most
        };
        view.keys(prefix, each).unwrap();
        found
    };
    for length in [1, 3] {
        let prefix = chain.newest().keys().nth(2).unwrap()[..length].to_vec();
        let expected: Vec<_> = chain.newest().keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(keys(&prefix, usize::MAX), expected);
        assert_eq!(keys(&prefix, 1), expected[..1]);
    }
    assert!(keys(&[0xff; 4], usize::MAX).is_empty());
}

#[test]
fn ranges_are_bounded_on_both_sides() {
    let mut chain = Chain::new(3, 1, Pruning::Nothing);
    chain.random_blocks(30);
    for _ in 0..2000 {
        let (from, to) = (chain.random_key(), chain.random_key());
        let height = chain.random.gen_range(0..=chain.height());
        let view = chain.store.view_at(height).unwrap();
        let model = chain.at(height);
        let mut span = model.iter().filter(|(key, _)| from <= **key && **key < to).map(|(k, v)| (k.clone(), v.clone()));
        let (first, last) = (span.next(), span.next_back());
        assert_eq!(view.next(&from, &to), first);
        assert_eq!(view.prev(&from, &to), last.or(first));
    }
}

#[test]
fn an_old_view_outlives_blocks_and_pruning() {
    let mut chain = Chain::new(4, 1, Pruning::Everything);
    chain.random_blocks(10);
    let models = chain.models.clone();
    let (start, height) = (chain.start, chain.height());
    let store = &chain.store;
    let (newest, past) = (store.view().unwrap(), store.view_at(height - 1).unwrap());
    let keys: Vec<_> = chain.newest().keys().cloned().collect();
    for n in 1..=20u8 {
        let block: Writes = keys.iter().cloned().map(|key| (key, (n % 2 == 0).then(|| vec![n]))).collect();
        store.commit(store.stage(height + u64::from(n), block).unwrap()).unwrap();
    }
    assert!(store.oldest().unwrap() > height);
    assert_shows(&newest, &models[(height - start) as usize], &[]);
    assert_shows(&past, &models[(height - 1 - start) as usize], &[]);
    let key = keys[0].clone();
    assert!(past.prove(&key).is_ok());
}

#[test]
fn the_app_hash_says_what_the_state_is_and_not_how_it_came_about() {
    let mut one = Chain::new(5, 1, Pruning::Nothing);
    one.random_blocks(40);
    let entries: Writes = one.newest().iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect();

    // The same entries at once, from another start, and on another height.
    let mut other = Chain::new(6, 500, Pruning::Nothing);
    let mut block: Writes = other.newest().keys().map(|key| (key.clone(), None)).collect();
    block.extend(entries);
    assert_eq!(other.commit(block).app_hash, reference::app_hash(one.newest()));
    assert_eq!(other.store.view().unwrap().roots().unwrap(), one.store.view().unwrap().roots().unwrap());
}

#[test]
fn large_blocks_on_several_threads_hash_as_small_ones() {
    let mut chain = Chain::new(7, 1, Pruning::Nothing);
    for round in 0..4u32 {
        let block = (0..3000u32).map(|n| {
            let key = format!("bank/{}", n.wrapping_mul(2_654_435_761).wrapping_add(round / 2) % 5000).into_bytes();
            (key, (n % 7 != round).then(|| (n + round).to_be_bytes().to_vec()))
        });
        let version = chain.commit(block.collect());
        assert_eq!(version.app_hash, reference::app_hash(chain.newest()));
    }
    let none = chain.newest().keys().map(|key| (key.clone(), None)).collect();
    assert_eq!(chain.commit(none).app_hash, reference::app_hash(&Model::new()));
    chain.store.audit().unwrap();
}

#[test]
fn a_block_without_change_keeps_the_hash_and_writes_no_node() {
    let mut chain = Chain::new(8, 1, Pruning::Nothing);
    let before = chain.store.base().unwrap();
    assert_eq!(chain.commit(Writes::new()).app_hash, before.app_hash);
    let mut same: Writes = chain.newest().iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect();
    same.insert(b"none/x".to_vec(), None);
    same.insert(b"bank/never there".to_vec(), None);
    let staged = chain.store.stage(chain.height() + 1, same).unwrap();
    assert!(staged.changes.is_empty() && staged.deltas.is_empty());
    assert_eq!(staged.app_hash(), before.app_hash);
    assert_eq!(staged.height(), chain.height() + 1);
}

#[test]
fn the_last_key_of_a_store_takes_the_store_with_it() {
    let mut chain = Chain::new(9, 1, Pruning::Nothing);
    let before = chain.store.base().unwrap();
    let with = chain.commit(writes(&[(b"zzz/only", Some(b""))]));
    assert_ne!(with.app_hash, before.app_hash);
    assert!(chain.store.view().unwrap().roots().unwrap().iter().any(|(name, _)| name == "zzz"));
    assert_eq!(chain.commit(writes(&[(b"zzz/only", None)])).app_hash, before.app_hash);
    assert!(chain.store.view().unwrap().roots().unwrap().iter().all(|(name, _)| name != "zzz"));
}

#[test]
fn an_overlay_over_a_view_gives_the_writes_of_a_block() {
    let mut chain = Chain::new(10, 1, Pruning::Nothing);
    let block = {
        let view = chain.store.view().unwrap();
        let mut overlay = Overlay::new(&view);
        let (key, _) = overlay.next(b"", b"~").unwrap();
        overlay.put(&key, None);
        overlay.put(b"bank/new", Some(vec![1]));
        assert_eq!(overlay.get(b"bank/new"), Some(vec![1]));
        overlay.into_writes()
    };
    assert_eq!(chain.commit(block).app_hash, reference::app_hash(chain.newest()));
}

#[test]
fn staging_refuses_other_heights_and_keys_without_a_store() {
    let chain = Chain::new(11, 5, Pruning::Nothing);
    for found in [0, 4, 6, u64::MAX] {
        assert!(matches!(chain.store.stage(found, Writes::new()), Err(Error::Height { expected: 5, found: f }) if f == found));
    }
    for key in [b"".as_slice(), b"bank", b"bank/", b"/x", b"b\xffd/x"] {
        assert!(matches!(chain.store.stage(5, writes(&[(key, Some(b"v"))])), Err(Error::Key(_))));
    }
}

#[test]
fn a_height_is_committed_once() {
    let mut chain = Chain::new(12, 1, Pruning::Nothing);
    let block = writes(&[(b"bank/x", Some(b"1"))]);
    let (again, other) = (chain.store.stage(1, block.clone()).unwrap(), chain.store.stage(1, Writes::new()).unwrap());
    chain.commit(block);
    assert!(matches!(chain.store.commit(again), Err(Error::AlreadyCommitted(1))));
    assert!(matches!(chain.store.commit(other), Err(Error::Stale { height: 1, committed: 1 })));
    let late = chain.store.stage(2, Writes::new()).unwrap();
    chain.commit(Writes::new());
    chain.commit(Writes::new());
    assert!(matches!(chain.store.commit(late), Err(Error::Stale { height: 2, committed: 3 })));
    assert_eq!(chain.store.latest().unwrap().height, 3);
}
