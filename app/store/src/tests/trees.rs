//! The tree alone, with key hashes that no preimage search would find: long shared paths.
use std::{collections::BTreeMap, sync::Arc};

use rand::{Rng, SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};

use crate::{
    Result,
    error::corrupt,
    node::{Hash, INNER_PREFIX, Node, PLACEHOLDER, Slot},
    tree::{LeafChange, Nodes, Tree},
};

#[derive(Default)]
struct Memory(BTreeMap<(u64, Vec<u8>), Arc<Node>>);

impl Nodes for Memory {
    fn node(&self, _store: &str, version: u64, path: &[u8]) -> Result<Arc<Node>> {
        self.0.get(&(version, path.to_vec())).cloned().ok_or_else(|| corrupt("node"))
    }
}

fn bit(key: &Hash, depth: usize) -> bool {
    key[depth / 8] >> (7 - depth % 8) & 1 == 1
}

/// The hash by definition, bit by bit.
fn defined(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
    match leaves {
        [] => PLACEHOLDER,
        [(_, hash)] => *hash,
        _ => {
            let (left, right) = leaves.split_at(leaves.partition_point(|(key, _)| !bit(key, depth)));
            let (left, right) = (defined(left, depth + 1), defined(right, depth + 1));
            Sha256::new().chain_update(INNER_PREFIX).chain_update(left).chain_update(right).finalize().into()
        }
    }
}

/// A key that shares a long prefix with one of `held`.
fn near(random: &mut StdRng, held: &BTreeMap<Hash, Hash>) -> Hash {
    let mut key: Hash = random.r#gen();
    if let Some(other) = held.keys().nth(random.gen_range(0..held.len().max(1))) {
        key = *other;
        let flip = random.gen_range(0..256);
        key[flip / 8] ^= 0x80 >> (flip % 8);
        if random.gen_bool(0.5) {
            random.fill(&mut key[flip / 8 + 1..]);
        }
    }
    key
}

#[test]
fn any_shape_of_tree_hashes_by_definition_and_leaves_no_node_behind() {
    for seed in 0..30 {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut memory, mut leaves, mut root) = (Memory::default(), BTreeMap::<Hash, Hash>::new(), Slot::Empty);
        for version in 1..40 {
            let mut changes = BTreeMap::new();
            for _ in 0..random.gen_range(0..12) {
                changes.insert(near(&mut random, &leaves), random.gen_bool(0.7).then(|| random.r#gen()));
            }
            for key in leaves.keys() {
                if random.gen_bool(0.15) {
                    changes.insert(*key, random.gen_bool(0.2).then(|| random.r#gen()));
                }
            }
            let list: Vec<_> = changes.iter().map(|(key, hash)| LeafChange { key: *key, hash: *hash }).collect();
            let (next, delta) = Tree::new(&memory, "s").apply(root, &list, version, 1).unwrap();
            root = next;
            for (version, path) in delta.stale {
                assert!(memory.0.remove(&(version, path)).is_some(), "stale twice or never there");
            }
            for (path, node) in delta.fresh {
                assert!(memory.0.insert((version, path), node).is_none(), "written twice");
            }
            for (key, hash) in changes {
                match hash {
                    Some(hash) => drop(leaves.insert(key, hash)),
                    None => drop(leaves.remove(&key)),
                }
            }
            let sorted: Vec<_> = leaves.iter().map(|(k, h)| (*k, *h)).collect();
            assert_eq!(root.hash(), defined(&sorted, 0), "seed {seed} version {version}");
            let reached = reach(&memory, root, &mut Vec::new());
            assert_eq!(memory.0.len(), reached, "nodes that no root reaches");
            assert_walks(&memory, root, &leaves, &mut random);
        }
    }
}

fn reach(memory: &Memory, slot: Slot, path: &mut Vec<u8>) -> usize {
    let Slot::Inner { version, .. } = slot else { return 0 };
    let node = memory.node("s", version, path).unwrap();
    let mut count = 1;
    for n in 0..16 {
        path.push(n);
        count += reach(memory, node.slot(n), path);
        path.pop();
    }
    count
}

fn assert_walks(memory: &Memory, root: Slot, leaves: &BTreeMap<Hash, Hash>, random: &mut StdRng) {
    let tree = Tree::new(memory, "s");
    for (key, hash) in leaves {
        let (end, siblings) = tree.path(root, key).unwrap();
        assert_eq!(end, Slot::Leaf { key: *key, hash: *hash });
        let up = siblings.iter().enumerate().rev().fold(*hash, |on, (depth, off)| {
            let (left, right) = if bit(key, depth) { (off, &on) } else { (&on, off) };
            Sha256::new().chain_update(INNER_PREFIX).chain_update(left).chain_update(right).finalize().into()
        });
        assert_eq!(up, root.hash());
    }
    for _ in 0..10 {
        let key = near(random, leaves);
        if !leaves.contains_key(&key) {
            let before = leaves.range(..key).next_back().map(|(k, _)| *k);
            let after = leaves.range(key..).next().map(|(k, _)| *k);
            assert_eq!(tree.neighbours(root, &key).unwrap(), (before, after));
        }
    }
}

#[test]
fn two_keys_that_differ_in_the_last_bit_lie_256_deep() {
    let (low, mut high) = ([0x5a; 32], [0x5a; 32]);
    high[31] ^= 1;
    let changes = [low, high].map(|key| LeafChange { key, hash: Some(key) });
    let mut memory = Memory::default();
    let (root, delta) = Tree::new(&memory, "s").apply(Slot::Empty, &changes, 1, 1).unwrap();
    memory.0.extend(delta.fresh.into_iter().map(|(path, node)| ((1, path), node)));
    assert_eq!(Tree::new(&memory, "s").path(root, &high).unwrap().1.len(), 256);
    let (root, delta) = Tree::new(&memory, "s").apply(root, &[LeafChange { key: low, hash: None }], 2, 1).unwrap();
    assert_eq!(root, Slot::Leaf { key: high, hash: high });
    assert_eq!((delta.fresh.len(), delta.stale.len()), (0, 64));
}
