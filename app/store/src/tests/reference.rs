//! The same state by other means.
use std::collections::BTreeMap;

use jmt::{KeyHash, Sha256Jmt, mock::MockTreeStore};

use crate::{keys, simple, value};

/// A whole state: state keys and values.
pub(super) type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// One store in the reference tree.
pub(super) struct Reference(MockTreeStore);

impl Reference {
    /// The store `name` of the model; none if it holds no key.
    pub(super) fn of(model: &Model, name: &str) -> Option<Self> {
        let mock = MockTreeStore::default();
        let (from, to) = keys::store_span(name);
        let mut leaves = Vec::new();
        for (key, held) in model.range(from..to) {
            let inner = keys::split(key).unwrap().1;
            let hash = KeyHash::with::<sha2::Sha256>(inner);
            mock.put_key_preimage(hash, &inner.to_vec());
            leaves.push((hash, Some(value::committed(held).into_owned())));
        }
        if leaves.is_empty() {
            return None;
        }
        let (_, batch) = Sha256Jmt::new(&mock).put_value_set(leaves, 0).unwrap();
        mock.write_tree_update_batch(batch).unwrap();
        Some(Self(mock))
    }

    pub(super) fn root(&self) -> [u8; 32] {
        Sha256Jmt::new(&self.0).get_root_hash(0).unwrap().0
    }

    pub(super) fn prove(&self, inner: &[u8]) -> ics23::CommitmentProof {
        Sha256Jmt::new(&self.0).get_with_ics23_proof(inner.to_vec(), 0).unwrap().1
    }
}

/// The store roots of a model.
pub(super) fn roots(model: &Model) -> Vec<(String, [u8; 32])> {
    let names: std::collections::BTreeSet<&str> = model.keys().map(|key| keys::split(key).unwrap().0).collect();
    names.into_iter().map(|name| (name.to_owned(), Reference::of(model, name).unwrap().root())).collect()
}

/// The app hash of a model.
pub(super) fn app_hash(model: &Model) -> [u8; 32] {
    let roots = roots(model);
    let leaves: Vec<(&str, [u8; 32])> = roots.iter().map(|(name, root)| (name.as_str(), *root)).collect();
    simple::root(&leaves)
}
