//! A chain of random blocks beside its model.
use cairn_kernel::Writes;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tempfile::TempDir;

use super::reference::Model;
use crate::{Options, Pruning, StateStore, Version};

/// Store names that are prefixes and near neighbours of each other.
pub(super) const STORES: [&str; 5] = ["a", "a-b", "ab", "bank", "zz"];

/// A store, and the model of every height since genesis.
pub(super) struct Chain {
    pub(super) folder: TempDir,
    pub(super) store: StateStore,
    pub(super) random: StdRng,
    /// The height of `models[0]`: genesis.
    pub(super) start: u64,
    pub(super) models: Vec<Model>,
}

pub(super) fn options(pruning: Pruning) -> Options {
    Options { pruning, sync: false, block_cache: 1 << 20, write_buffer: 1 << 20, node_cache: 64 }
}

/// Writes for pairs of key and value.
pub(super) fn writes(pairs: &[(&[u8], Option<&[u8]>)]) -> Writes {
    pairs.iter().map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))).collect()
}

/// What `writes` make of a model.
pub(super) fn applied(model: &Model, writes: &Writes) -> Model {
    let mut model = model.clone();
    for (key, value) in writes {
        match value {
            Some(value) => drop(model.insert(key.clone(), value.clone())),
            None => drop(model.remove(key)),
        }
    }
    model
}

impl Chain {
    /// A chain whose first block is `initial`, with a random genesis.
    pub(super) fn new(seed: u64, initial: u64, pruning: Pruning) -> Self {
        let folder = TempDir::new().unwrap();
        let store = StateStore::open(folder.path(), options(pruning)).unwrap();
        let mut chain = Self { folder, store, random: StdRng::seed_from_u64(seed), start: initial - 1, models: Vec::new() };
        let genesis = chain.random_writes(&Model::new(), 40);
        chain.store.reset_genesis("test-1", initial, genesis.clone()).unwrap();
        chain.models.push(applied(&Model::new(), &genesis));
        chain
    }

    pub(super) fn height(&self) -> u64 {
        self.start + self.models.len() as u64 - 1
    }

    pub(super) fn newest(&self) -> &Model {
        self.models.last().unwrap()
    }

    pub(super) fn at(&self, height: u64) -> &Model {
        &self.models[(height - self.start) as usize]
    }

    /// A key that may or may not be there, made of few bytes so that prefixes, zero bytes and slashes meet.
    pub(super) fn random_key(&mut self) -> Vec<u8> {
        let store = STORES.choose(&mut self.random).unwrap();
        let mut key = [store.as_bytes(), b"/"].concat();
        for _ in 0..self.random.gen_range(1..5) {
            key.push(*[0, 1, b'/', b'x', 0xfe, 0xff].choose(&mut self.random).unwrap());
        }
        key
    }

    /// Some writes over `model`: new keys, new values, equal values, deletions of what is there and of what is not.
    pub(super) fn random_writes(&mut self, model: &Model, count: usize) -> Writes {
        let held: Vec<&Vec<u8>> = model.keys().collect();
        let mut writes = Writes::new();
        for _ in 0..count {
            let key = match held.choose(&mut self.random) {
                Some(key) if self.random.gen_bool(0.5) => (*key).clone(),
                _ => self.random_key(),
            };
            let value = match self.random.gen_range(0..10) {
                0..4 => None,
                4 => Some(Vec::new()),
                5 => model.get(&key).cloned(),
                6 => Some(vec![7; self.random.gen_range(1000..5000)]),
                _ => Some(self.random.gen_range(0..1_000_000u32).to_be_bytes().to_vec()),
            };
            writes.insert(key, value);
        }
        if self.random.gen_bool(0.05) {
            let (from, to) = crate::keys::store_span(STORES.choose(&mut self.random).unwrap());
            writes.extend(model.range(from..to).map(|(key, _)| (key.clone(), None)));
        }
        writes
    }

    pub(super) fn commit(&mut self, writes: Writes) -> Version {
        let model = applied(self.newest(), &writes);
        let staged = self.store.stage(self.height() + 1, writes).unwrap();
        self.models.push(model);
        self.store.commit(staged).unwrap()
    }

    pub(super) fn random_block(&mut self) -> Version {
        let count = self.random.gen_range(0..25);
        let model = self.newest().clone();
        let writes = self.random_writes(&model, count);
        self.commit(writes)
    }

    pub(super) fn random_blocks(&mut self, count: usize) {
        for _ in 0..count {
            self.random_block();
        }
    }

    pub(super) fn reopen(self, pruning: Pruning) -> Self {
        drop(self.store);
        Self { store: StateStore::open(self.folder.path(), options(pruning)).unwrap(), ..self }
    }
}
