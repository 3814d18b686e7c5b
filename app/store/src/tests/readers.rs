//! Readers beside a writer.
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use cairn_kernel::Store;

use super::chain::{Chain, writes};
use crate::{Pruning, verify};

#[test]
fn a_view_never_sees_half_a_block() {
    let chain = Chain::new(61, 1, Pruning::Everything);
    let store = &chain.store;
    let split = |n: u64| [(b"bank/a".as_slice(), n), (b"zz/b", 1000 - n)].map(|(key, n)| (key, n.to_be_bytes()));
    let commit = |height: u64| {
        let pair = split(height % 1000);
        let block = writes(&[(pair[0].0, Some(&pair[0].1)), (pair[1].0, Some(&pair[1].1))]);
        store.commit(store.stage(height, block).unwrap()).unwrap();
    };
    commit(1);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let view = store.view().unwrap();
                    let [a, b] = ["bank/a", "zz/b"].map(|key| u64::from_be_bytes(view.get(key.as_bytes()).unwrap().try_into().unwrap()));
                    assert_eq!((a + b, view.version().unwrap().unwrap().height % 1000), (1000, a));
                    let proof = view.prove(b"bank/a").unwrap();
                    let ops: Vec<_> = proof.ops.iter().map(|op| op.proof.clone()).collect();
                    assert!(verify(&proof.app_hash, b"bank/a", proof.value.as_deref(), &ops));
                    if let Ok(past) = store.view_at(view.version().unwrap().unwrap().height) {
                        assert_eq!(past.get(b"bank/a").unwrap(), a.to_be_bytes());
                    }
                }
            });
        }
        (2..400).for_each(commit);
        done.store(true, Ordering::Relaxed);
    });
}
