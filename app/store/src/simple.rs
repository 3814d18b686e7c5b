//! The commitment over store roots: Tendermint's simple Merkle tree (RFC 6962 with a key-value leaf), as the Cosmos SDK's multi-store has it.
use ics23::{CommitmentProof, ExistenceProof, HashOp, InnerOp, NonExistenceProof, commitment_proof::Proof};
use sha2::{Digest, Sha256};

use crate::node::{Hash, sha256};

const LEAF: u8 = 0;
const INNER: u8 = 1;

/// Store roots by name, sorted.
pub(crate) type Leaves<'a> = &'a [(&'a str, Hash)];

/// The root: SHA-256 of nothing where there is no store.
pub(crate) fn root(leaves: Leaves) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [(name, value)] => leaf_hash(name, value),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            inner_hash(&root(left), &root(right))
        }
    }
}

/// Proves the root of the store called `name`, or that there is no such store. None where there is no store at all: the commitment itself
/// says so.
pub(crate) fn prove(leaves: Leaves, name: &str) -> Option<CommitmentProof> {
    let proof = match leaves.binary_search_by_key(&name, |(n, _)| n) {
        Ok(at) => Proof::Exist(existence(leaves, at)?),
        Err(at) => {
            let left = at.checked_sub(1).and_then(|at| existence(leaves, at));
            let right = existence(leaves, at);
            if left.is_none() && right.is_none() {
                return None;
            }
            Proof::Nonexist(NonExistenceProof { key: name.as_bytes().to_vec(), left, right })
        }
    };
    Some(CommitmentProof { proof: Some(proof) })
}

fn existence(leaves: Leaves, at: usize) -> Option<ExistenceProof> {
    let (name, root) = leaves.get(at)?;
    let mut path = Vec::new();
    walk(leaves, at, &mut path);
    Some(ExistenceProof { key: name.as_bytes().to_vec(), value: root.to_vec(), leaf: ics23::tendermint_spec().leaf_spec, path })
}

/// Adds the steps from leaf `at` to the root, the lowest first.
fn walk(leaves: Leaves, at: usize, path: &mut Vec<InnerOp>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (prefix, suffix) = match at.checked_sub(left.len()) {
        None => {
            walk(left, at, path);
            (vec![INNER], root(right).to_vec())
        }
        Some(at) => {
            walk(right, at, path);
            ([&[INNER], root(left).as_slice()].concat(), Vec::new())
        }
    };
    path.push(InnerOp { hash: HashOp::Sha256.into(), prefix, suffix });
}

/// The largest power of two below `len`, which is at least 2.
fn split(len: usize) -> usize {
    len.saturating_sub(1).checked_ilog2().map_or(0, |log| 1 << log)
}

/// The leaf spec of `ics23::tendermint_spec`: both parts with their length, the value hashed before.
fn leaf_hash(name: &str, root: &Hash) -> Hash {
    let len = |n: usize| u8::try_from(n).unwrap_or(u8::MAX); // a varint of one byte: names are at most 64 bytes
    let value = sha256(root);
    let head = [LEAF, len(name.len())];
    Sha256::new().chain_update(head).chain_update(name).chain_update([len(value.len())]).chain_update(value).finalize().into()
}

fn inner_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([INNER]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ics23::{HostFunctionsManager, tendermint_spec, verify_membership, verify_non_membership};

    #[test]
    fn every_store_and_every_gap_verifies_for_all_sizes() {
        for size in 1..=40usize {
            let names: Vec<String> = (0..size).map(|n| format!("s{:03}", 2 * n + 1)).collect();
            let leaves: Vec<(&str, Hash)> = names.iter().map(|n| (n.as_str(), sha256(n.as_bytes()))).collect();
            let root = root(&leaves).to_vec();
            for (name, value) in &leaves {
                let proof = prove(&leaves, name).unwrap();
                assert!(verify_membership::<HostFunctionsManager>(&proof, &tendermint_spec(), &root, name.as_bytes(), value), "{size}");
            }
            for gap in (0..=2 * size).step_by(2) {
                let name = format!("s{gap:03}");
                let proof = prove(&leaves, &name).unwrap();
                assert!(verify_non_membership::<HostFunctionsManager>(&proof, &tendermint_spec(), &root, name.as_bytes()), "{size} {gap}");
            }
        }
    }

    #[test]
    fn no_store_at_all_commits_to_the_hash_of_nothing() {
        assert_eq!(root(&[]), sha256(b""));
        assert!(prove(&[], "bank").is_none());
    }
}
