//! One height back.
use super::chain::{Chain, writes};
use crate::{Error, Pruning, disk::Column};

#[test]
fn a_height_back_and_forth_gives_the_same_rows() {
    for (seed, pruning) in [(41, Pruning::Nothing), (42, Pruning::Custom { keep_recent: 3, interval: 1 })] {
        let mut chain = Chain::new(seed, 1, pruning);
        for _ in 0..40 {
            let dump = |chain: &Chain| -> Vec<_> {
                let columns = [Column::Flat, Column::Nodes, Column::Journal, Column::History, Column::Preimages];
                columns.map(|c| chain.store.disk.scan(c, &[], &[0xff; 16]).unwrap().map(Result::unwrap).collect::<Vec<_>>()).to_vec()
            };
            let (before, rows) = (chain.store.base().unwrap(), dump(&chain));
            let after = chain.random_block();
            assert_eq!(chain.store.rollback_one().unwrap(), before);
            assert_eq!(chain.store.base(), Some(before));
            if pruning == Pruning::Nothing {
                assert_eq!(dump(&chain), rows, "height {}", after.height);
            }
            chain.store.audit().unwrap();
            let model = chain.models.pop().unwrap();
            let mut block: cairn_kernel::Writes = chain.newest().keys().map(|key| (key.clone(), None)).collect();
            block.extend(model.into_iter().map(|(k, v)| (k, Some(v))));
            assert_eq!(chain.commit(block), after);
        }
    }
}

#[test]
fn nothing_goes_back_beyond_what_is_kept() {
    let chain = Chain::new(43, 7, Pruning::Everything);
    assert!(matches!(chain.store.rollback_one(), Err(Error::NoRollback(6))));
    let mut chain = chain;
    let genesis = chain.store.base();
    chain.commit(writes(&[(b"bank/x", Some(b"1"))]));
    assert_eq!(Some(chain.store.rollback_one().unwrap()), genesis);
    assert_eq!(chain.store.latest(), None);
    chain.models.pop();
    chain.random_blocks(5);
    chain.store.rollback_one().unwrap();
    assert!(matches!(chain.store.rollback_one(), Err(Error::NoRollback(10))));
}
