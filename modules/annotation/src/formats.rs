//! Commitments, leaves and shapes to the byte: pure functions that the chain, gateways, drivers and clients share.
//!
//! Integers are big-endian, `|` joins bytes, a tag is ASCII padded with zeros to 16 bytes, and `chain32` is SHA-256 of the chain id.
use std::{collections::BTreeMap, ops::Range};

use cairn_kernel::{
    Address, bps,
    merkle::{self, Hash},
    tag,
};
use sha2::{Digest, Sha256};

mod drafts;
mod pairs;
pub use drafts::{draft, read_draft, shapes_payload};
pub use pairs::{PAIR_MEDIA_TYPE, PairsTree, Side, pair, pairs_leaf, read_pair};

/// Tasks of a chunk: what one opening of gold covers.
pub const CHUNK: u32 = cairn_truth::CHUNK;
/// The class that stands for a skipped task.
pub const SKIPPED: u16 = u16::MAX;

pub use cairn_kernel::chain32;

/// What a class is committed and hashed as.
#[must_use]
pub fn class_payload(class: u16) -> [u8; 2] {
    class.to_be_bytes()
}

/// The commitment to the labels of a lease, given as (task, payload) in ascending order of tasks:
/// SHA-256(tag | chain32 | u64 job | u64 lease | u8 address length | address | salt | u16 n | n * (u32 task | u16 length | payload)).
///
/// `None` where there are more labels, or longer payloads, than the format can count.
#[must_use]
pub fn label_commitment<P: AsRef<[u8]>>(
    chain_id: &str,
    job: u64,
    lease: u64,
    annotator: &Address,
    salt: &Hash,
    labels: &[(u32, P)],
) -> Option<Hash> {
    let mut hash = Sha256::new();
    hash.update(tag("cairn.labels.v1"));
    hash.update(chain32(chain_id));
    hash.update(job.to_be_bytes());
    hash.update(lease.to_be_bytes());
    hash.update(address(annotator)?);
    hash.update(salt);
    hash.update(u16::try_from(labels.len()).ok()?.to_be_bytes());
    for (task, payload) in labels {
        let payload = payload.as_ref();
        hash.update(task.to_be_bytes());
        hash.update(u16::try_from(payload.len()).ok()?.to_be_bytes());
        hash.update(payload);
    }
    Some(hash.finalize().into())
}

/// The salt of a gold leaf: SHA-256(tag | seed | u32 task).
#[must_use]
pub fn gold_salt(seed: &Hash, task: u32) -> Hash {
    seeded("cairn.gsalt.v1", seed, task)
}

/// The hash of a task's leaf in the gold tree:
/// SHA-256(0x00 | tag | chain32 | manifest root | u32 task | u8 is gold | u16 length | truth | salt), the length 0 where it is not gold.
#[must_use]
pub fn gold_leaf(chain: &Hash, manifest_root: &Hash, task: u32, truth: Option<u16>, seed: &Hash) -> Hash {
    gold_payload_leaf(chain, manifest_root, task, truth.map(class_payload).as_ref().map(<[u8; 2]>::as_slice), seed)
}

/// The same for a truth of any type, by its payload, of at most 65,535 bytes.
#[must_use]
pub fn gold_payload_leaf(chain: &Hash, manifest_root: &Hash, task: u32, truth: Option<&[u8]>, seed: &Hash) -> Hash {
    let mut leaf = Vec::with_capacity(128);
    leaf.extend(tag("cairn.gold.v1"));
    leaf.extend(chain);
    leaf.extend(manifest_root);
    leaf.extend(task.to_be_bytes());
    match truth {
        Some(payload) => {
            leaf.push(1);
            leaf.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
            leaf.extend(payload);
        }
        None => leaf.extend([0, 0, 0]),
    }
    leaf.extend(gold_salt(seed, task));
    merkle::leaf_hash(&leaf)
}

/// The hash of an account's leaf in the tree of an allow-list: SHA-256(0x00 | tag | u8 address length | address).
#[must_use]
pub fn allow_leaf(account: &Address) -> Hash {
    let mut leaf = Vec::with_capacity(64);
    leaf.extend(tag("cairn.allow.v1"));
    leaf.extend(address(account).unwrap_or_default()); // an address has at most 32 bytes
    merkle::leaf_hash(&leaf)
}

/// The salt of a batch of an exam: SHA-256(tag | seed | u32 batch). The seed must be random, kept until the last batch and used once.
#[must_use]
pub fn exam_salt(seed: &Hash, batch: u32) -> Hash {
    seeded("cairn.esalt.v1", seed, batch)
}

/// The hash of a batch's leaf in the tree of an exam:
/// SHA-256(0x00 | tag | chain32 | manifest root of the job | u32 batch | u16 n | n * u16 truth | salt).
///
/// `None` where there are more truths than the format can count.
#[must_use]
pub fn exam_leaf(chain: &Hash, manifest_root: &Hash, batch: u32, truths: &[u16], salt: &Hash) -> Option<Hash> {
    let payloads: Vec<_> = truths.iter().map(|truth| class_payload(*truth)).collect();
    exam_payload_leaf(chain, manifest_root, batch, &payloads, salt)
}

/// The same with truths as payloads of labels: of sets their bytes, of drafts in the clear their hashes. All of a job are equally long.
#[must_use]
pub fn exam_payload_leaf<P: AsRef<[u8]>>(chain: &Hash, manifest_root: &Hash, batch: u32, truths: &[P], salt: &Hash) -> Option<Hash> {
    let mut leaf = Vec::with_capacity(192);
    leaf.extend(tag("cairn.exam.v1"));
    leaf.extend(chain);
    leaf.extend(manifest_root);
    leaf.extend(batch.to_be_bytes());
    leaf.extend(u16::try_from(truths.len()).ok()?.to_be_bytes());
    truths.iter().for_each(|truth| leaf.extend(truth.as_ref()));
    leaf.extend(salt);
    Some(merkle::leaf_hash(&leaf))
}

/// The commitment to the answers of a batch of an exam:
/// SHA-256(tag | chain32 | u64 job | u32 batch | u8 address length | address | salt | u16 n | n * u16 class).
///
/// `None` where there are more answers than the format can count.
#[must_use]
pub fn exam_commitment(chain_id: &str, job: u64, batch: u32, annotator: &Address, salt: &Hash, answers: &[u16]) -> Option<Hash> {
    let payloads: Vec<_> = answers.iter().map(|answer| class_payload(*answer)).collect();
    exam_payload_commitment(chain_id, job, batch, annotator, salt, &payloads)
}

/// The same with answers as payloads of labels, see [`exam_payload_leaf`].
#[must_use]
pub fn exam_payload_commitment<P: AsRef<[u8]>>(
    chain_id: &str,
    job: u64,
    batch: u32,
    annotator: &Address,
    salt: &Hash,
    answers: &[P],
) -> Option<Hash> {
    let mut hash = Sha256::new();
    hash.update(tag("cairn.answer.v1"));
    hash.update(chain32(chain_id));
    hash.update(job.to_be_bytes());
    hash.update(batch.to_be_bytes());
    hash.update(address(annotator)?);
    hash.update(salt);
    hash.update(u16::try_from(answers.len()).ok()?.to_be_bytes());
    answers.iter().for_each(|answer| hash.update(answer.as_ref()));
    Some(hash.finalize().into())
}

/// What a requester commits its gold with.
#[derive(Debug, Clone)]
pub struct GoldTree {
    /// The roots of the chunks' subtrees, in order.
    chunks: Vec<Hash>,
}

impl GoldTree {
    /// The tree of a job's tasks, `truths` being its gold by task. The seed must be random, kept until the gold window and used once.
    #[must_use]
    pub fn new(chain_id: &str, manifest_root: &Hash, seed: &Hash, tasks: u32, truths: &BTreeMap<u32, u16>) -> Self {
        let payloads = truths.iter().map(|(task, class)| (*task, class_payload(*class).to_vec())).collect();
        Self::of_payloads(chain_id, manifest_root, seed, tasks, &payloads)
    }
    /// The same of a job of any type, by the payloads of its truths.
    #[must_use]
    pub fn of_payloads(chain_id: &str, manifest_root: &Hash, seed: &Hash, tasks: u32, truths: &BTreeMap<u32, Vec<u8>>) -> Self {
        let chain = chain32(chain_id);
        let chunk =
            |chunk| gold_payload_chunk(&chain, manifest_root, seed, chunk_tasks(tasks, chunk), |task| truths.get(&task).map(Vec::as_slice));
        Self { chunks: (0..chunks(tasks)).map(chunk).collect() }
    }
    /// The root that `MsgPostJob` carries. A tree of aligned chunks of 2^10 leaves has the root of the tree of its leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        merkle::root(&self.chunks)
    }
    /// The path that `MsgOpenGold` carries for a chunk; `None` where there is no such chunk.
    #[must_use]
    pub fn path(&self, chunk: u32) -> Option<Vec<Hash>> {
        merkle::path(&self.chunks, usize::try_from(chunk).ok()?)
    }
}

/// The root of the leaves of some tasks: of a chunk, what the path of `MsgOpenGold` starts from.
#[must_use]
pub fn gold_chunk(chain: &Hash, manifest_root: &Hash, seed: &Hash, tasks: Range<u32>, truth: impl Fn(u32) -> Option<u16>) -> Hash {
    let leaves: Vec<Hash> = tasks.map(|task| gold_leaf(chain, manifest_root, task, truth(task), seed)).collect();
    merkle::root(&leaves)
}

/// The same for truths of any type, by their payloads.
#[must_use]
pub fn gold_payload_chunk<'t>(
    chain: &Hash,
    manifest_root: &Hash,
    seed: &Hash,
    tasks: Range<u32>,
    truth: impl Fn(u32) -> Option<&'t [u8]>,
) -> Hash {
    let leaves: Vec<Hash> = tasks.map(|task| gold_payload_leaf(chain, manifest_root, task, truth(task), seed)).collect();
    merkle::root(&leaves)
}

/// The blind of an item of private content: SHA-256(tag | seed | u32 item). Its seed is the owner's and never the gold seed, since the
/// blind goes to everybody who gets the item. Public content has blinds of zeros.
#[must_use]
pub fn item_blind(seed: &Hash, item: u32) -> Hash {
    seeded("cairn.blind.v1", seed, item)
}

/// The hash of an item's leaf in the manifest: SHA-256(0x00 | tag | u32 item | SHA-256(content) | u64 bytes | blind).
#[must_use]
pub fn item_leaf(item: u32, content_sha256: &Hash, bytes: u64, blind: &Hash) -> Hash {
    let mut leaf = Vec::with_capacity(96);
    leaf.extend(tag("cairn.item.v1"));
    leaf.extend(item.to_be_bytes());
    leaf.extend(content_sha256);
    leaf.extend(bytes.to_be_bytes());
    leaf.extend(blind);
    merkle::leaf_hash(&leaf)
}

/// The hash of a paid label's leaf in the tree of contributors, whose leaves are ordered by task, then by the annotators' numbers:
/// SHA-256(0x00 | tag | chain32 | u64 job | u32 task | u8 address length | address | u16 length | payload).
#[must_use]
pub fn paid_leaf(chain: &Hash, job: u64, task: u32, annotator: &Address, class: u16) -> Hash {
    paid_payload_leaf(chain, job, task, annotator, &class_payload(class)).unwrap_or_default() // two bytes are never too many
}

/// The same for a label with any payload; `None` where it has more bytes than the format can count.
#[must_use]
pub fn paid_payload_leaf(chain: &Hash, job: u64, task: u32, annotator: &Address, payload: &[u8]) -> Option<Hash> {
    let mut leaf = Vec::with_capacity(160);
    leaf.extend(tag("cairn.paid.v1"));
    leaf.extend(chain);
    leaf.extend(job.to_be_bytes());
    leaf.extend(task.to_be_bytes());
    leaf.extend(address(annotator)?);
    leaf.extend(u16::try_from(payload.len()).ok()?.to_be_bytes());
    leaf.extend(payload);
    Some(merkle::leaf_hash(&leaf))
}

/// Chunks of a job.
#[must_use]
pub fn chunks(tasks: u32) -> u32 {
    tasks.div_ceil(CHUNK)
}

/// The tasks of a chunk; none where there is no such chunk.
#[must_use]
pub fn chunk_tasks(tasks: u32, chunk: u32) -> Range<u32> {
    let first = chunk.saturating_mul(CHUNK).min(tasks);
    first..first.saturating_add(CHUNK).min(tasks)
}

/// How a job's tasks fall into buckets: B = ceil(tasks / bucket size) of them, bucket b from floor(b * tasks / B) on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    tasks: u32,
    count: u32,
}

impl Buckets {
    /// Of a job with so many tasks and at most `size` of them in a bucket; `None` where either is 0.
    #[must_use]
    pub fn new(tasks: u32, size: u32) -> Option<Self> {
        if tasks == 0 || size == 0 {
            return None;
        }
        Some(Self { tasks, count: tasks.div_ceil(size) })
    }
    /// The same buckets so many times over, one set of tasks after the other: bucket k * count + b holds the tasks of bucket b, each
    /// k * tasks further on. `None` where they cannot be numbered.
    #[must_use]
    pub fn times(self, times: u32) -> Option<Self> {
        Some(Self { tasks: self.tasks.checked_mul(times)?, count: self.count.checked_mul(times)? })
    }
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }
    /// Tasks of the smallest one.
    #[must_use]
    pub fn smallest(&self) -> u32 {
        self.tasks.checked_div(self.count).unwrap_or(0)
    }
    /// Tasks of the largest one.
    #[must_use]
    pub fn largest(&self) -> u32 {
        self.tasks.div_ceil(self.count.max(1))
    }
    /// The tasks of a bucket; none where there is no such bucket.
    #[must_use]
    pub fn tasks(&self, bucket: u32) -> Range<u32> {
        self.start(bucket)..self.start(bucket.saturating_add(1))
    }
    /// The bucket of a task; `None` where there is no such task.
    #[must_use]
    pub fn of(&self, task: u32) -> Option<u32> {
        if task >= self.tasks {
            return None;
        }
        // The largest b with floor(b * tasks / B) <= task.
        let next = u64::from(task).saturating_add(1).saturating_mul(u64::from(self.count)).saturating_sub(1);
        next.checked_div(u64::from(self.tasks)).and_then(|bucket| u32::try_from(bucket).ok())
    }
    fn start(&self, bucket: u32) -> u32 {
        let product = u64::from(bucket.min(self.count)).saturating_mul(u64::from(self.tasks));
        product.checked_div(u64::from(self.count)).and_then(|start| u32::try_from(start).ok()).unwrap_or(self.tasks)
    }
}

/// What posting a job costs beside the posting fee, in base units of the price's denomination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// All labels at full price.
    pub labels: u128,
    /// Put aside for the fee on pay.
    pub fee: u128,
    /// Stands for the gold.
    pub gold_bond: u128,
}

impl Quote {
    /// tasks * overlap * price, and the parts of it that fee and gold bond are, rounded up; `None` where that cannot be counted.
    #[must_use]
    pub fn new(tasks: u32, overlap: u32, price: u128, fee_bps: u32, gold_bond_bps: u32) -> Option<Self> {
        let labels = u128::from(u64::from(tasks).checked_mul(u64::from(overlap))?).checked_mul(price)?;
        Self::of_labels(labels, fee_bps, gold_bond_bps)
    }
    /// What is put aside for fee and gold bond when all labels together cost `labels`; `None` where that cannot be counted.
    #[must_use]
    pub fn of_labels(labels: u128, fee_bps: u32, gold_bond_bps: u32) -> Option<Self> {
        let quote = Self { labels, fee: ceil_bps(labels, fee_bps)?, gold_bond: ceil_bps(labels, gold_bond_bps)? };
        quote.total().map(|_| quote)
    }
    /// All of it; `None` where that cannot be counted.
    #[must_use]
    pub fn total(&self) -> Option<u128> {
        self.labels.checked_add(self.fee)?.checked_add(self.gold_bond)
    }
    /// Divides money that is added to a job as at posting: whatever is left when fee and bond are put aside pays labels.
    #[must_use]
    pub fn of_amount(amount: u128, fee_bps: u32, gold_bond_bps: u32) -> Option<Self> {
        let parts = u128::from(10_000_u32).checked_add(fee_bps.into())?.checked_add(gold_bond_bps.into())?;
        let (whole, rest) = (amount.checked_div(parts)?, amount.checked_rem(parts)?);
        let labels = whole.checked_mul(10_000)?.checked_add(rest.checked_mul(10_000)?.checked_div(parts)?)?;
        let (fee, gold_bond) = (ceil_bps(labels, fee_bps)?, ceil_bps(labels, gold_bond_bps)?);
        Some(Self { labels: amount.checked_sub(fee)?.checked_sub(gold_bond)?, fee, gold_bond })
    }
}

/// The bond of a lease with so many tasks: ceil(tasks * price * bps / 10^4).
#[must_use]
pub fn lease_bond(tasks: u32, price: u128, lease_bond_bps: u32) -> Option<u128> {
    ceil_bps(price.checked_mul(tasks.into())?, lease_bond_bps)
}

/// ceil(amount * rate / 10^4).
fn ceil_bps(amount: u128, rate: u32) -> Option<u128> {
    // amount - floor(amount * (10^4 - rate) / 10^4) is the ceiling for rates up to one whole.
    let rest = cairn_kernel::BPS.checked_sub(rate)?;
    amount.checked_sub(bps(amount, rest)?)
}

fn seeded(name: &str, seed: &Hash, index: u32) -> Hash {
    let mut hash = Sha256::new();
    hash.update(tag(name));
    hash.update(seed);
    hash.update(index.to_be_bytes());
    hash.finalize().into()
}

fn address(address: &Address) -> Option<Vec<u8>> {
    let bytes = address.as_bytes();
    let mut out = vec![u8::try_from(bytes.len()).ok()?];
    out.extend(bytes);
    Some(out)
}
