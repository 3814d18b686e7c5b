//! ICS-23 proofs of what a key holds, or that it holds nothing, against the app hash.
use ics23::{
    CommitmentProof, ExistenceProof, HashOp, HostFunctionsManager as Host, InnerOp, InnerSpec, LeafOp, LengthOp, NonExistenceProof,
    ProofSpec, commitment_proof, verify_membership, verify_non_membership,
};
use prost::Message;

use crate::{
    Result, View,
    error::corrupt,
    keys, meta,
    node::{Hash, INNER_PREFIX, LEAF_PREFIX, PLACEHOLDER, Slot, sha256},
    simple,
    tree::Tree,
    value,
};

/// ABCI's name of a proof inside a store's tree.
pub const STORE_OP: &str = "ics23:jmt";
/// ABCI's name of a proof of a store's root: the one that the Cosmos SDK uses.
pub const TOP_OP: &str = "ics23:simple";

/// A value and its proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// The height after which the state is proven.
    pub height: u64,
    /// What the header of the next block says about that height.
    pub app_hash: [u8; 32],
    /// What the key holds.
    pub value: Option<Vec<u8>>,
    /// The proof, innermost first: in the store's tree, then of the store's root. A store without any key has only the second, a proof that
    /// there is no such store; a state without any key has none, the app hash says it.
    pub ops: Vec<ProofOp>,
}

/// One step of a proof.
#[derive(Debug, Clone, PartialEq)]
pub struct ProofOp {
    /// [`STORE_OP`] or [`TOP_OP`].
    pub kind: &'static str,
    /// The key inside the store, or the store's name.
    pub key: Vec<u8>,
    /// The step itself.
    pub proof: CommitmentProof,
}

impl ProofOp {
    /// The bytes of `data` in ABCI's `ProofOp`: the protobuf form of [`proof`](Self::proof).
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        self.proof.encode_to_vec()
    }
}

/// The specs by which an ICS-23 verifier checks the two steps, innermost first: what a light client of this chain is configured with.
#[must_use]
pub fn specs() -> [ProofSpec; 2] {
    let inner = InnerSpec {
        hash: HashOp::Sha256.into(),
        child_order: vec![0, 1],
        min_prefix_length: 16,
        max_prefix_length: 16,
        child_size: 32,
        empty_child: PLACEHOLDER.to_vec(),
    };
    let tree = ProofSpec {
        leaf_spec: Some(leaf_op()),
        inner_spec: Some(inner),
        min_depth: 0,
        max_depth: 256,
        prehash_key_before_comparison: true,
    };
    [tree, ics23::tendermint_spec()]
}

/// Whether `proof` shows that the state with `app_hash` holds `value` at the state key `key` (nothing, for `None`).
#[must_use]
pub fn verify(app_hash: &[u8; 32], key: &[u8], value: Option<&[u8]>, ops: &[CommitmentProof]) -> bool {
    let Ok((store, inner)) = keys::split(key) else { return false };
    let [tree_spec, top_spec] = specs();
    let root = app_hash.to_vec();
    match (value, ops) {
        (None, []) => *app_hash == simple::root(&[]),
        (None, [top]) => verify_non_membership::<Host>(top, &top_spec, &root, store.as_bytes()),
        (value, [tree, top]) => {
            let Some(store_root) = claimed(top) else { return false };
            let in_store = match value {
                Some(value) => verify_membership::<Host>(tree, &tree_spec, store_root, inner, &value::committed(value)),
                None => verify_non_membership::<Host>(tree, &tree_spec, store_root, inner),
            };
            in_store && verify_membership::<Host>(top, &top_spec, &root, store.as_bytes(), store_root)
        }
        _ => false,
    }
}

/// The value that an existence proof claims.
fn claimed(proof: &CommitmentProof) -> Option<&Vec<u8>> {
    match &proof.proof {
        Some(commitment_proof::Proof::Exist(exist)) => Some(&exist.value),
        _ => None,
    }
}

impl View<'_> {
    /// Proves what the state key `key` holds at the view's height.
    ///
    /// # Errors
    /// [`crate::Error::Key`] for a key without a store name, [`crate::Error::Empty`] before genesis.
    pub fn prove(&self, key: &[u8]) -> Result<Proof> {
        let (store, inner) = keys::split(key)?;
        let version = self.version()?.ok_or(crate::Error::Empty)?;
        let roots = self.slots()?;
        let value = self.read(key)?;
        let mut ops = Vec::new();
        if let Some(root) = roots.get(store) {
            let tree = Tree::new(self, store);
            let proof = match &value {
                Some(value) => commitment_proof::Proof::Exist(self.existence(&tree, *root, inner, value)?),
                None => commitment_proof::Proof::Nonexist(self.absence(&tree, store, *root, inner)?),
            };
            ops.push(ProofOp { kind: STORE_OP, key: inner.to_vec(), proof: CommitmentProof { proof: Some(proof) } });
        }
        if let Some(proof) = simple::prove(&meta::leaves(&roots), store) {
            ops.push(ProofOp { kind: TOP_OP, key: store.as_bytes().to_vec(), proof });
        }
        Ok(Proof { height: version.height, app_hash: version.app_hash, value, ops })
    }

    fn existence(&self, tree: &Tree<'_, Self>, root: Slot, inner: &[u8], value: &[u8]) -> Result<ExistenceProof> {
        let hash = sha256(inner);
        let (end, siblings) = tree.path(root, &hash)?;
        if !matches!(end, Slot::Leaf { key, .. } if key == hash) {
            return Err(corrupt("a key that holds a value has no leaf"));
        }
        let path = siblings.iter().enumerate().rev().map(|(depth, sibling)| step(&hash, depth, sibling)).collect();
        Ok(ExistenceProof { key: inner.to_vec(), value: value::committed(value).into_owned(), leaf: Some(leaf_op()), path })
    }

    fn absence(&self, tree: &Tree<'_, Self>, store: &str, root: Slot, inner: &[u8]) -> Result<NonExistenceProof> {
        let (before, after) = tree.neighbours(root, &sha256(inner))?;
        let show = |neighbour: Option<Hash>| -> Result<Option<ExistenceProof>> {
            let Some(hash) = neighbour else { return Ok(None) };
            let inner = self.preimage(store, &hash)?;
            let value = self.read(&[store.as_bytes(), b"/", &inner].concat())?;
            let value = value.ok_or_else(|| corrupt("a leaf without a value"))?;
            self.existence(tree, root, &inner, &value).map(Some)
        };
        Ok(NonExistenceProof { key: inner.to_vec(), left: show(before)?, right: show(after)? })
    }
}

/// The step from a node `depth + 1` bits down to the one above it.
fn step(key: &Hash, depth: usize, sibling: &Hash) -> InnerOp {
    let byte = key.get(depth / 8).copied().unwrap_or_default();
    let right = byte & (0b1000_0000 >> (depth % 8)) != 0;
    let (prefix, suffix) = if right { ([INNER_PREFIX, sibling].concat(), Vec::new()) } else { (INNER_PREFIX.to_vec(), sibling.to_vec()) };
    InnerOp { hash: HashOp::Sha256.into(), prefix, suffix }
}

fn leaf_op() -> LeafOp {
    LeafOp {
        hash: HashOp::Sha256.into(),
        prehash_key: HashOp::Sha256.into(),
        prehash_value: HashOp::Sha256.into(),
        length: LengthOp::NoPrefix.into(),
        prefix: LEAF_PREFIX.to_vec(),
    }
}
