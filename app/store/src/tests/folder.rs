//! Folders: in use, of another layout, damaged, copied.
use std::fs;

use tempfile::TempDir;

use super::chain::{Chain, options};
use crate::{Error, Pruning, StateStore, disk::Column, keys};

fn failure(path: &std::path::Path) -> Error {
    StateStore::open(path, options(Pruning::Nothing)).err().unwrap()
}

#[test]
fn a_folder_in_use_is_refused_by_name() {
    let chain = Chain::new(51, 1, Pruning::Nothing);
    let error = failure(chain.folder.path());
    assert!(matches!(&error, Error::Locked(path) if path == chain.folder.path()));
    assert!(error.to_string().contains("in use by another process"));
}

#[test]
fn another_layout_is_refused() {
    for (row, expected) in [
        (Some(7u32.to_be_bytes().to_vec()), "the store has layout 7, this binary reads layout 1"),
        (Some(vec![1]), "the store is damaged: the layout version"),
        (None, "the store is damaged: no layout version"),
    ] {
        let chain = Chain::new(52, 1, Pruning::Nothing);
        let mut batch = chain.store.disk.batch();
        match row {
            Some(row) => batch.put(Column::Meta, keys::SCHEMA, &row).unwrap(),
            None => batch.delete(Column::Meta, keys::SCHEMA).unwrap(),
        }
        batch.commit().unwrap();
        let Chain { folder, store, .. } = chain;
        drop(store);
        assert_eq!(failure(folder.path()).to_string(), expected);
    }
}

#[test]
fn damaged_rows_are_refused_and_not_taken_for_another_state() {
    let mut chain = Chain::new(53, 1, Pruning::Nothing);
    chain.random_block();
    let height = chain.height();
    let wrong_roots = crate::meta::encode_roots(&crate::meta::Roots::new()).unwrap();
    for (key, row) in [(keys::HEAD.to_vec(), vec![1]), (keys::roots(height), vec![9]), (keys::roots(height), wrong_roots)] {
        let good = chain.store.disk.get(Column::Meta, &key).unwrap().unwrap().to_vec();
        let mut batch = chain.store.disk.batch();
        batch.put(Column::Meta, &key, &row).unwrap();
        batch.commit().unwrap();
        let copy = TempDir::new().unwrap();
        chain.store.checkpoint(copy.path().join("copy")).unwrap();
        assert!(matches!(failure(&copy.path().join("copy")), Error::Corrupt(_)));
        let mut batch = chain.store.disk.batch();
        batch.put(Column::Meta, &key, &good).unwrap();
        batch.commit().unwrap();
    }
    // A changed value is found by an audit.
    let (key, _) = chain.newest().iter().next().unwrap();
    let mut batch = chain.store.disk.batch();
    batch.put(Column::Flat, key, &crate::value::row(1, b"forged")).unwrap();
    batch.commit().unwrap();
    assert!(matches!(chain.store.audit(), Err(Error::Audit { .. })));
}

#[test]
fn a_damaged_file_is_an_error_and_never_an_absent_key() {
    let mut chain = Chain::new(54, 1, Pruning::Nothing);
    chain.random_blocks(5);
    chain
        .store
        .disk
        .db()
        .flush_cfs_opt(&Column::ALL.map(|c| chain.store.disk.column(c).unwrap()), &rocksdb::FlushOptions::default())
        .unwrap();
    let Chain { folder, store, models, .. } = chain;
    drop(store);
    for file in
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "sst"))
    {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 3;
        bytes[..middle].iter_mut().for_each(|b| *b ^= 0x55);
        fs::write(&file, bytes).unwrap();
    }
    let Ok(store) = StateStore::open(folder.path(), options(Pruning::Nothing)) else { return };
    let view = store.view();
    for key in models.last().unwrap().keys() {
        assert!(view.as_ref().map_or(true, |view| view.read(key).is_err()));
    }
}

#[test]
fn a_checkpoint_opens_by_itself_while_the_chain_goes_on() {
    let mut chain = Chain::new(55, 1, Pruning::Nothing);
    chain.random_blocks(5);
    let copies = TempDir::new().unwrap();
    let path = copies.path().join("copy");
    chain.store.checkpoint(&path).unwrap();
    assert!(matches!(chain.store.checkpoint(&path), Err(Error::Database(_))));
    let copy = StateStore::open(&path, options(Pruning::Nothing)).unwrap();
    assert_eq!(copy.base(), chain.store.base());
    copy.audit().unwrap();
    chain.random_block();
    assert_eq!(copy.latest().unwrap().height + 1, chain.store.latest().unwrap().height);
}

#[test]
fn metrics_tell_sizes_by_column() {
    let mut chain = Chain::new(56, 1, Pruning::Nothing);
    chain.random_blocks(5);
    let metrics = chain.store.metrics().unwrap();
    let of = |name, column| metrics.iter().find(|m| m.name == name && m.column == column).unwrap().value;
    assert!(of("keys_estimate", "flat") > 0 && of("memtable_bytes", "nodes") > 0);
    assert_eq!((of("writes_stopped", "all"), of("background_errors", "all")), (0, 0));
}
