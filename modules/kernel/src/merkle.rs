//! The Merkle tree of RFC 6962 over SHA-256: manifests, gold, contributors and claims all use it.
//!
//! A tree is over *leaf hashes* ([`leaf_hash`] of the leaf's bytes), so that large leaves need not be kept. Hashing costs no gas here:
//! a handler that hashes what a user sent charges it with [`Gas::hash`](crate::Gas::hash).
use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The longest path: a tree has at most 2^64 leaves.
const MAX_PATH: usize = 64;

/// SHA-256(0x00 | leaf): the prefix keeps a leaf from posing as a node.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(leaf);
    hash.finalize().into()
}

/// SHA-256(0x01 | left | right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// The root over leaf hashes in order; SHA-256 of nothing where there are none (RFC 6962, section 2.1).
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

/// The hashes beside the way from leaf `index` up to the root, lowest first; `None` where there is no such leaf.
#[must_use]
pub fn path(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    leaves.get(index)?;
    let (mut part, mut index, mut above) = (leaves, index, Vec::new());
    while part.len() > 1 {
        let (left, right) = part.split_at_checked(split(part.len()))?;
        if let Some(rest) = index.checked_sub(left.len()) {
            above.push(root(left));
            (part, index) = (right, rest);
        } else {
            above.push(root(right));
            part = left;
        }
    }
    above.reverse();
    Some(above)
}

/// The largest power of two below `n`, for n >= 2.
fn split(n: usize) -> usize {
    let half = n.next_power_of_two() >> 1;
    half.max(1)
}

/// Whether `path` leads from `leaf` (its hash) at `index` to the root of a tree of `size` leaves (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn verify(root: &Hash, leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> bool {
    let Some(mut last) = size.checked_sub(1).filter(|last| index <= *last && path.len() <= MAX_PATH) else { return false };
    let (mut at, mut hash) = (index, *leaf);
    for beside in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(beside, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// A path as a message carries it: at most 64 parts of 32 bytes; `None` for anything else.
#[must_use]
pub fn read_path(parts: &[Vec<u8>]) -> Option<Vec<Hash>> {
    if parts.len() > MAX_PATH {
        return None;
    }
    parts.iter().map(|part| Hash::try_from(part.as_slice()).ok()).collect()
}

/// A tree that grows leaf by leaf and keeps only the roots of its full subtrees, so that a root can be made over many blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One for each one-bit of `size`, highest first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let (mut hash, mut n) = (leaf, self.size);
        while n & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            n >>= 1;
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1); // 2^64 pushes do not happen
    }
    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
    /// The root over the leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(lowest) = peaks.next() else { return Sha256::digest([]).into() };
        peaks.fold(*lowest, |right, left| node_hash(left, &right))
    }
    /// For state: u64 size, then the peaks.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.size.to_be_bytes().to_vec();
        self.peaks.iter().for_each(|peak| out.extend(peak));
        out
    }
    /// The inverse of [`Frontier::to_bytes`]; `None` for bytes that it does not write.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk()?;
        let size = u64::from_be_bytes(*size);
        let (peaks, tail) = rest.as_chunks::<32>();
        let expected = usize::try_from(size.count_ones()).ok()?;
        (tail.is_empty() && peaks.len() == expected).then(|| Self { size, peaks: peaks.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: usize) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    /// The recursive definition of RFC 6962, section 2.1.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            many => {
                let k = (0..).map(|bit| 1_usize << bit).take_while(|k| *k < many.len()).last().unwrap();
                node_hash(&by_definition(&many[..k]), &by_definition(&many[k..]))
            }
        }
    }

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The eight leaves and roots that implementations of Certificate Transparency test against.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves: [&[u8]; 8] = [
            &[],
            &[0],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let hashes: Vec<Hash> = leaves.iter().map(|l| leaf_hash(l)).collect();
        assert_eq!(hex(&root(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(&root(&hashes[..1])), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hex(&root(&hashes[..2])), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        assert_eq!(hex(&root(&hashes[..3])), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
        assert_eq!(hex(&root(&hashes)), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn every_path_verifies_and_nothing_else_does() {
        for n in 1..=40 {
            let leaves = leaves(n);
            let top = root(&leaves);
            assert_eq!(top, by_definition(&leaves), "{n}");
            for index in 0..n {
                let path = path(&leaves, index).unwrap();
                let (i, size) = (index as u64, n as u64);
                assert!(verify(&top, &leaves[index], i, size, &path), "{index} of {n}");
                assert!(!verify(&leaf_hash(b"other"), &leaves[index], i, size, &path));
                assert!(!verify(&top, &leaf_hash(b"other"), i, size, &path));
                let mut longer = path.clone();
                longer.push([0; 32]);
                assert!(!verify(&top, &leaves[index], i, size, &longer));
                if let Some((_, shorter)) = path.split_last() {
                    assert!(!verify(&top, &leaves[index], i, size, shorter));
                }
                for other in (0..n).filter(|other| *other != index) {
                    assert!(!verify(&top, &leaves[index], other as u64, size, &path), "{index} posing as {other} of {n}");
                }
            }
            assert!(!verify(&top, &leaves[0], n as u64, n as u64, &[]));
            assert!(path(&leaves, n).is_none());
        }
        assert!(!verify(&root(&[]), &[0; 32], 0, 0, &[]));
        assert!(!verify(&[0; 32], &[0; 32], 0, u64::MAX, &[[0; 32]; 65]));
    }

    #[test]
    fn a_frontier_grows_to_the_same_root_and_survives_storage() {
        let all = leaves(70);
        let mut frontier = Frontier::default();
        for (i, leaf) in all.iter().enumerate() {
            frontier.push(*leaf);
            assert_eq!(frontier.root(), by_definition(&all[..=i]));
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()).unwrap(), frontier);
        }
        assert_eq!(frontier.size(), 70);
        let mut bytes = frontier.to_bytes();
        bytes.pop();
        assert!(Frontier::from_bytes(&bytes).is_none());
        assert!(Frontier::from_bytes(&[]).is_none());
    }

    #[test]
    fn a_path_of_wrong_parts_is_not_read() {
        assert_eq!(read_path(&[vec![7; 32]]).unwrap(), [[7; 32]]);
        assert!(read_path(&[vec![7; 31]]).is_none());
        assert!(read_path(&vec![vec![7; 32]; 65]).is_none());
    }
}
