//! Shapes of trees, their openings, and the hashes, which are fixed.
use super::done;
use crate::{
    Claim, Hash, Program, Record, Tree, TreeKind, chunk_bytes, chunk_hash, depth, hash, inner, last_leaf, open_chunk, record, record_bytes,
    testing,
};

fn leaves(count: u32) -> Vec<Hash> {
    (0..count).map(|n| hash(&n.to_be_bytes())).collect()
}

#[test]
fn depths_and_paths_are_fixed_by_the_number_of_leaves() {
    for (count, levels) in [(1, 0), (2, 1), (16, 1), (17, 2), (256, 2), (257, 3), (4_096, 3), (4_097, 4)] {
        assert_eq!(depth(count), levels);
        let tree = Tree::new(TreeKind::Nodes, leaves(count));
        let path = tree.path(count as usize - 1);
        assert_eq!(path.len(), usize::from(levels));
        assert_eq!(last_leaf(&tree.root(), count, &path), leaves(count).pop());
        if count > 1 {
            assert_ne!(last_leaf(&tree.root(), count - 1, &path), leaves(count - 1).pop(), "another shape");
            assert_eq!(last_leaf(&tree.root(), count, &path[1..]), None);
        }
    }
    assert_eq!(last_leaf(&[0; 32], 0, &[]), None);
    assert_eq!(Tree::new(TreeKind::Weights, vec![]).root(), [0; 32]);
}

#[test]
fn a_node_is_opened_only_as_what_it_is() {
    let tree = Tree::new(TreeKind::Runs, leaves(20));
    let root = tree.root();
    let preimage = tree.preimage(2, 0).unwrap();
    assert_eq!(inner(TreeKind::Runs, 2, 2, &preimage, &root).unwrap().len(), 64);
    assert_eq!(inner(TreeKind::Nodes, 2, 2, &preimage, &root), None);
    assert_eq!(inner(TreeKind::Runs, 1, 2, &preimage, &root), None);
    assert_eq!(inner(TreeKind::Runs, 2, 3, &preimage, &root), None);
    assert_eq!(inner(TreeKind::Runs, 2, 2, &preimage, &[0; 32]), None);
    let one = Record { nodes_root: [1; 32], output_root: [2; 32] };
    let bytes = record_bytes(&one);
    assert_eq!(record(&bytes, &hash(&bytes)), Some(one));
    assert_eq!(record(&bytes[..79], &hash(&bytes[..79])), None);
    assert_eq!(record(&bytes, &[0; 32]), None);
    assert_eq!(open_chunk(&chunk_bytes(&[1, 2])), Some([1, 2].as_slice()));
    assert_eq!(open_chunk(&preimage), None, "a tree's node is no chunk");
}

/// These hashes are consensus: a change of them is another protocol.
#[test]
fn roots_are_golden() {
    let hex = |hash: Hash| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let record = hash(&record_bytes(&Record { nodes_root: [1; 32], output_root: [2; 32] }));
    let tensor = Tree::new(TreeKind::Tensor, leaves(300)).root();
    let mut all = vec![];
    for (seed, (_, graph)) in (1..).zip(testing::every_operator()) {
        let done = done(Program::check(graph).unwrap(), 3, seed);
        assert_eq!(done.trace.claim().trace_root(&done.program), Some(done.trace.root()));
        all.extend([done.program.id(&done.weights.root()), done.inputs.root(), done.trace.root()].concat());
    }
    let found = [chunk_hash(&[1, 2, 3]), tensor, record, hash(&all)].map(hex);
    assert_eq!(found, GOLDEN, "a chunk, a tree, a record, and programs, inputs and traces of every operator");
}

const GOLDEN: [&str; 4] = [
    "696041dab41b1c5ec6f916ba360e6a2d866cfaff5c9115a24c8e69da4a98b043",
    "a17612fcf7b21b0051b08b16639b4fa9a789c6a44dd84bda08222e44a91ff9ce",
    "dc116112a4052c44853c4e97a22632b25633b261ead5fe14093db7b9faeb32a6",
    "43d5e26774a956afb4c8f42c067f468946ee3e9617089aec6406a5775f539127",
];

#[test]
fn a_claim_of_no_trace_has_no_root() {
    let done = done(Program::check(testing::every_operator().remove(0).1).unwrap(), 2, 1);
    let claim = done.trace.claim();
    let spoilt: [fn(&mut Claim); 4] = [
        |c| c.outputs.clear(),
        |c| c.outputs[1].truncate(1),
        |c| c.nodes_roots.truncate(1),
        |c| (c.nodes_roots, c.outputs) = (vec![], vec![]),
    ];
    for spoil in spoilt {
        let mut claim = claim.clone();
        spoil(&mut claim);
        assert_eq!(claim.trace_root(&done.program), None);
    }
    let mut other = claim.clone();
    other.outputs[0][0] ^= 1;
    assert_ne!(other.trace_root(&done.program), claim.trace_root(&done.program));
}
