//! How much each account, and all together, may store that belongs to nothing on the chain.
//!
//! The store's listing is the truth; this counts along between two listings, so that a burst of uploads cannot pass a limit.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cairn_kernel::Address;
use futures::TryStreamExt;

use crate::{
    config::Limits,
    refusal::Refusal,
    store::{ManifestKey, PartKind, Store},
};

/// Any object takes at least so much of a disk.
const LEAST: u64 = 4_096;

/// What an object of so many bytes counts as.
fn weight(bytes: u64) -> u64 {
    bytes.max(LEAST)
}

/// Weights by account.
#[derive(Debug, Default)]
struct Uses {
    stored: HashMap<Address, u64>,
    /// Of uploads that are under way.
    pending: HashMap<Address, u64>,
    /// Of both.
    total: u64,
}

/// The uses of all accounts.
#[derive(Debug)]
pub(crate) struct Quotas {
    account: u64,
    all: u64,
    uses: Mutex<Uses>,
}

/// A place for an upload that is under way; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    quotas: Arc<Quotas>,
    account: Address,
    weight: u64,
}

impl Quotas {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { account: limits.account_bytes, all: limits.unreferenced_bytes, uses: Mutex::default() }
    }
    /// Takes the uses of finished uploads from the store. What finishes during the listing may be counted twice or not at all until the next.
    pub(crate) async fn load(&self, store: &Store) -> object_store::Result<()> {
        let mut stored = HashMap::new();
        let mut uploads = store.uploads(None);
        while let Some(upload) = uploads.try_next().await? {
            add(&mut stored, upload.account, weight(upload.bytes));
        }
        let mut manifests: HashMap<ManifestKey, (u64, bool)> = HashMap::new();
        let mut parts = store.parts(None);
        while let Some(part) = parts.try_next().await? {
            let (bytes, anchored) = manifests.entry(part.key).or_default();
            *bytes = bytes.saturating_add(part.bytes);
            *anchored |= part.kind == PartKind::Anchor;
        }
        for (key, (bytes, _)) in manifests.into_iter().filter(|(_, (_, anchored))| !anchored) {
            add(&mut stored, key.account, weight(bytes));
        }
        let mut uses = self.uses();
        uses.stored = stored;
        let total = uses.stored.values().chain(uses.pending.values()).fold(0_u64, |sum, one| sum.saturating_add(*one));
        uses.total = total;
        Ok(())
    }
    /// What all accounts use, uploads under way included.
    pub(crate) fn total(&self) -> u64 {
        self.uses().total
    }
    /// A place for one upload of at least `bytes`.
    pub(crate) fn place(self: &Arc<Self>, account: &Address, bytes: u64) -> Result<Place, Refusal> {
        let weight = weight(bytes);
        self.take(account, weight)?;
        Ok(Place { quotas: Arc::clone(self), account: *account, weight })
    }
    fn take(&self, account: &Address, weight: u64) -> Result<(), Refusal> {
        let mut uses = self.uses();
        let of = |map: &HashMap<Address, u64>| map.get(account).copied().unwrap_or_default();
        let used = of(&uses.stored).saturating_add(of(&uses.pending));
        if used.saturating_add(weight) > self.account {
            return Err(Refusal::QuotaExceeded { used, limit: self.account });
        }
        let total = uses.total.saturating_add(weight);
        if total > self.all {
            return Err(Refusal::StoreFull { used: uses.total, limit: self.all });
        }
        uses.total = total;
        add(&mut uses.pending, *account, weight);
        Ok(())
    }
    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(uses: &mut HashMap<Address, u64>, account: Address, weight: u64) {
    let used = uses.entry(account).or_default();
    *used = used.saturating_add(weight);
}

impl Place {
    /// Makes sure that the place holds `bytes`.
    pub(crate) fn hold(&mut self, bytes: u64) -> Result<(), Refusal> {
        let more = bytes.saturating_sub(self.weight);
        if more > 0 {
            self.quotas.take(&self.account, more)?;
            self.weight = bytes;
        }
        Ok(())
    }
    /// The upload is finished and stays, with so many bytes.
    pub(crate) fn keep(self, bytes: u64) {
        let mut uses = self.quotas.uses();
        uses.total = uses.total.saturating_add(weight(bytes));
        add(&mut uses.stored, self.account, weight(bytes));
        // Dropping takes the place itself back.
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut uses = self.quotas.uses();
        uses.total = uses.total.saturating_sub(self.weight);
        if let Some(pending) = uses.pending.get_mut(&self.account) {
            *pending = pending.saturating_sub(self.weight);
            if *pending == 0 {
                uses.pending.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;

    const K: u64 = 1_000;

    fn quotas() -> Arc<Quotas> {
        let limits = Limits { account_bytes: 100 * K, unreferenced_bytes: 150 * K, ..Limits::default() };
        Arc::new(Quotas::new(&limits))
    }

    #[test]
    fn an_account_has_its_limit_and_all_have_theirs() {
        let quotas = quotas();
        let (a, b) = (Address::module("a"), Address::module("b"));
        let mut first = quotas.place(&a, 60 * K).unwrap();
        first.hold(100 * K).unwrap();
        assert_eq!(first.hold(100 * K + 1).unwrap_err(), Refusal::QuotaExceeded { used: 100 * K, limit: 100 * K });
        assert_eq!(quotas.place(&b, 51 * K).unwrap_err(), Refusal::StoreFull { used: 100 * K, limit: 150 * K });
        first.keep(90 * K);
        assert_eq!(quotas.total(), 90 * K);
        let second = quotas.place(&a, 10 * K).unwrap();
        assert_eq!(quotas.place(&a, 0).unwrap_err().code(), "quota_exceeded");
        drop(second);
        assert_eq!(quotas.total(), 90 * K);
        quotas.place(&b, 60 * K).unwrap().keep(60 * K);
        assert_eq!(quotas.total(), 150 * K);
    }

    #[test]
    fn even_nothing_takes_a_place() {
        let quotas = quotas();
        let a = Address::module("a");
        let empty: Vec<Place> = (0..24).map(|_| quotas.place(&a, 0).unwrap()).collect();
        assert_eq!(quotas.total(), 24 * LEAST);
        assert_eq!(quotas.place(&a, 0).unwrap_err().code(), "quota_exceeded");
        empty.into_iter().for_each(|place| place.keep(1));
        assert_eq!(quotas.total(), 24 * LEAST);
    }

    #[tokio::test]
    async fn a_restart_knows_what_is_stored() {
        let (quotas, store) = (quotas(), Store::in_memory());
        let (a, b) = (Address::module("a"), Address::module("b"));
        store.mark(&a, &Hash([1; 32]), 40 * K).await.unwrap();
        for (account, bytes) in [(a, 7_000), (b, 9_000)] {
            let key = ManifestKey { root: Hash([2; 32]), account };
            let mut index = store.write_part(&key, PartKind::Index);
            index.push(&vec![0; bytes]).await.unwrap();
            index.finish().await.unwrap();
        }
        store.anchor(&ManifestKey { root: Hash([2; 32]), account: b }, "job 1").await.unwrap();
        quotas.load(&store).await.unwrap();
        assert_eq!(quotas.total(), 47 * K, "a manifest that the chain names counts no more");
        assert_eq!(quotas.place(&a, 54 * K).unwrap_err(), Refusal::QuotaExceeded { used: 47 * K, limit: 100 * K });
        quotas.place(&a, 53 * K).unwrap();
    }
}
