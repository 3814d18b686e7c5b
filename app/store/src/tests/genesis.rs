//! The state before the first block.
use cairn_kernel::{Store, Writes};
use tempfile::TempDir;

use super::{
    chain::{Chain, options, writes},
    reference,
};
use crate::{Error, Pruning, StateStore, Version, commit::write_rows, disk::Column, meta::Roots};

#[test]
fn genesis_is_written_again_until_a_block_is_committed() {
    let folder = TempDir::new().unwrap();
    let open = || StateStore::open(folder.path(), options(Pruning::Nothing)).unwrap();
    let store = open();
    assert_eq!((store.latest(), store.base(), store.oldest(), store.chain_id()), (None, None, None, None));
    assert!(matches!(store.stage(1, Writes::new()), Err(Error::Empty)));
    assert!(matches!(store.view_at(0), Err(Error::Empty)));
    assert!(matches!(store.view().unwrap().prove(b"bank/x"), Err(Error::Empty)));
    assert!(matches!(store.audit(), Err(Error::Empty)));
    assert_eq!(store.view().unwrap().next(&[], &[0xff]), None);

    let first = store.reset_genesis("one-1", 10, writes(&[(b"bank/old", Some(b"1")), (b"bank/x", Some(b"1"))])).unwrap();
    assert_eq!((store.latest(), store.base(), first.height), (None, Some(first), 9));
    drop(store);

    let store = open();
    assert_eq!((store.latest(), store.base(), store.chain_id().as_deref()), (None, Some(first), Some("one-1")));
    let block = writes(&[(b"bank/x", Some(b"2"))]);
    let again = store.reset_genesis("two-1", 10, block.clone()).unwrap();
    assert_ne!(again.app_hash, first.app_hash);
    assert_eq!(store.view().unwrap().get(b"bank/old"), None);
    assert_eq!(store.chain_id().as_deref(), Some("two-1"));
    store.audit().unwrap();
    let fresh = Chain::new(0, 10, Pruning::Nothing);
    assert_eq!(fresh.store.reset_genesis("two-1", 10, block).unwrap(), again);

    let version = store.commit(store.stage(10, writes(&[(b"bank/y", Some(b"1"))])).unwrap()).unwrap();
    assert!(matches!(store.reset_genesis("two-1", 10, Writes::new()), Err(Error::HasBlocks(10))));
    assert_eq!(store.latest(), Some(version));
    assert_eq!(store.view_at(9).unwrap().get(b"bank/y"), None);
}

#[test]
fn genesis_may_be_empty_but_not_below_height_one() {
    let chain = Chain::new(1, 1, Pruning::Nothing);
    assert!(matches!(chain.store.reset_genesis("a-1", 0, Writes::new()), Err(Error::InitialHeight)));
    let version = chain.store.reset_genesis("a-1", 1, Writes::new()).unwrap();
    assert_eq!(version, Version { height: 0, app_hash: reference::app_hash(&reference::Model::new()) });
    assert!(matches!(chain.store.reset_genesis("a-1", 1, writes(&[(b"x", Some(b"1"))])), Err(Error::Key(_))));
    assert_eq!(chain.store.base(), Some(version), "a refused genesis leaves the old one");
}

#[test]
fn a_genesis_cut_short_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    {
        let store = StateStore::open(folder.path(), options(Pruning::Nothing)).unwrap();
        let staged = store.build(None, &Roots::new(), 0, writes(&[(b"bank/x", Some(b"1")), (b"bank/y", Some(b"1"))])).unwrap();
        let mut rows = store.disk.stream();
        write_rows(&mut rows, &staged).unwrap();
        rows.commit().unwrap();
    }
    let store = StateStore::open(folder.path(), options(Pruning::Nothing)).unwrap();
    let view = store.view().unwrap();
    assert_eq!((store.base(), view.get(b"bank/x"), view.next(b"", b"~"), view.prev(b"", b"~")), (None, None, None, None));
    store.reset_genesis("test-1", 1, writes(&[(b"bank/z", Some(b"1"))])).unwrap();
    store.audit().unwrap();
    for (column, count) in [(Column::Flat, 1), (Column::Nodes, 0), (Column::Preimages, 1)] {
        assert_eq!(store.disk.scan(column, &[], &[0xff; 16]).unwrap().count(), count);
    }
}

#[test]
fn a_large_genesis_is_streamed() {
    let chain = Chain::new(2, 1, Pruning::Nothing);
    let block: Writes = (0..3000u32).map(|n| (format!("bank/{n}").into_bytes(), Some(vec![1; 10_000]))).collect();
    let version = chain.store.reset_genesis("a-1", 1, block).unwrap();
    chain.store.audit().unwrap();
    assert_eq!(chain.reopen(Pruning::Nothing).store.base(), Some(version));
}
