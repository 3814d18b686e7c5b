//! Formats to the byte. The expected hashes were made by a separate program from the written formats, not by this code.
use std::collections::BTreeMap;

use cairn_kernel::{Address, merkle};

use crate::{
    formats::{
        Buckets, GoldTree, Quote, chain32, chunk_tasks, chunks, class_payload, gold_chunk, gold_leaf, gold_salt, item_blind, item_leaf,
        label_commitment, lease_bond, paid_leaf,
    },
    gold::hex,
};

const CHAIN: &str = "cairn-test-1";
const MANIFEST: [u8; 32] = [0x33; 32];
const SEED: [u8; 32] = [0x44; 32];

fn somebody() -> Address {
    Address::new(&[0x11; 20]).unwrap()
}

#[test]
fn a_label_commitment_is_as_written() {
    let labels = [(5, class_payload(3)), (6, class_payload(0xffff))];
    let commit = |chain, job, lease, who: &Address, salt| label_commitment(chain, job, lease, who, &salt, &labels).unwrap();
    let golden = commit(CHAIN, 7, 9, &somebody(), [0x22; 32]);
    assert_eq!(hex(&golden), "1012943be65bc151ddf72ff6c2c6b8ac062f983955cfbd83ad4711a87cfbf4c8");
    let other = Address::new(&[0x12; 20]).unwrap();
    let differs = [
        commit("cairn-test-2", 7, 9, &somebody(), [0x22; 32]),
        commit(CHAIN, 8, 9, &somebody(), [0x22; 32]),
        commit(CHAIN, 7, 10, &somebody(), [0x22; 32]),
        commit(CHAIN, 7, 9, &other, [0x22; 32]),
        commit(CHAIN, 7, 9, &somebody(), [0x23; 32]),
    ];
    assert!(differs.iter().all(|found| *found != golden));
    let too_many = vec![(0_u32, [0_u8; 2]); 65_536];
    assert_eq!(label_commitment(CHAIN, 7, 9, &somebody(), &[0; 32], &too_many), None);
}

#[test]
fn gold_leaves_and_roots_are_as_written() {
    let chain = chain32(CHAIN);
    assert_eq!(hex(&gold_salt(&SEED, 5)), "aca56c6ca0a60312b4a47cee08031a645ab75cb15bac64af8c1d7ac15d7f928d");
    let leaf = |task, truth| hex(&gold_leaf(&chain, &MANIFEST, task, truth, &SEED));
    assert_eq!(leaf(5, Some(3)), "0760e04c577b3851ca61e1e36c8008dc56b45626417dab0487e894473aa8759e");
    assert_eq!(leaf(6, None), "ab84d66d814f346b0e243518aef85c45aaeb650be6606804605fbd91f2742741");
    let truths: BTreeMap<u32, u16> = (0..2_500).step_by(20).map(|task| (task, u16::try_from(task % 4).unwrap())).collect();
    let tree = GoldTree::new(CHAIN, &MANIFEST, &SEED, 2_500, &truths);
    assert_eq!(hex(&tree.root()), "8a6f249c3e69830b5d7e882c060ab670b3441f3971f3e9f7f1482589180268d5", "the tree of 2,500 leaves");
    for chunk in 0..3 {
        let root = gold_chunk(&chain, &MANIFEST, &SEED, chunk_tasks(2_500, chunk), |task| truths.get(&task).copied());
        assert!(merkle::verify(&tree.root(), &root, chunk.into(), 3, &tree.path(chunk).unwrap()));
    }
    assert_eq!(tree.path(3), None);
}

#[test]
fn item_and_paid_leaves_are_as_written() {
    let content = <[u8; 32]>::try_from(hex_bytes("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824").as_slice()).unwrap();
    let public = item_leaf(5, &content, 5, &[0; 32]);
    assert_eq!(hex(&public), "646b9db112384ca160d05549593f0d347ee1f9c059038b41f7291ad058b1ea37");
    let blind = item_blind(&[0x55; 32], 5);
    assert_eq!(hex(&blind), "80d83c42cf15e87650a0676cc5b42c60e4fedb44547c24089ef992f1dcadadd9");
    assert_eq!(hex(&item_leaf(5, &content, 5, &blind)), "6771a4e55b7f644a09c5922bf6e6a95b3d926ae8810342c37e162840392ed89d");
    let paid = paid_leaf(&chain32(CHAIN), 7, 5, &somebody(), 3);
    assert_eq!(hex(&paid), "4c8aa32eed4d92d7f5fc1af8d397b1225c431a861f11d20c84081b9018361d1a");
}

fn hex_bytes(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn buckets_divide_the_tasks_evenly() {
    for tasks in (1..300).chain([1_797, 4_194_304, 4_194_303]) {
        for size in [10, 13, 20, 50] {
            let buckets = Buckets::new(tasks, size).unwrap();
            assert_eq!(buckets.count(), tasks.div_ceil(size));
            assert!(buckets.largest() <= size && buckets.largest() - buckets.smallest() <= 1);
            if tasks > 2_000 {
                continue;
            }
            let mut next = 0;
            for bucket in 0..buckets.count() {
                let part = buckets.tasks(bucket);
                assert_eq!(part.start, next);
                assert!((buckets.smallest()..=buckets.largest()).contains(&(part.len() as u32)));
                for task in part.clone() {
                    assert_eq!(buckets.of(task), Some(bucket), "task {task} of {tasks} in buckets of {size}");
                }
                next = part.end;
            }
            assert_eq!((next, buckets.of(tasks), buckets.tasks(buckets.count()).len()), (tasks, None, 0));
        }
    }
    assert_eq!((Buckets::new(0, 10), Buckets::new(10, 0)), (None, None));
    assert_eq!((chunks(1_024), chunks(1_025), chunk_tasks(1_025, 1), chunk_tasks(1_025, 2)), (1, 2, 1_024..1_025, 1_025..1_025));
}

#[test]
fn prices_are_rounded_up_and_never_wrap() {
    let quote = Quote::new(3, 3, 1_001, 200, 1_000).unwrap();
    assert_eq!((quote.labels, quote.fee, quote.gold_bond, quote.total()), (9_009, 181, 901, Some(10_091)));
    assert_eq!(Quote::new(u32::MAX, u32::MAX, u128::MAX, 1, 1), None);
    assert_eq!(lease_bond(20, 1_001, 1_000), Some(2_002));
    assert_eq!(lease_bond(1, 1_001, 1_000), Some(101));
    assert_eq!(lease_bond(2, u128::MAX, 1), None);
    for amount in [11_200_u128, 11_201, 1_000_001, u128::MAX] {
        let part = Quote::of_amount(amount, 200, 1_000).unwrap();
        assert_eq!(part.total(), Some(amount), "nothing of it is lost");
        let enough = |part: u128, rate| part >= cairn_kernel::bps(amount, rate).unwrap() * 10_000 / 11_200;
        assert!(amount == u128::MAX || (enough(part.fee, 200) && enough(part.gold_bond, 1_000)));
    }
}
