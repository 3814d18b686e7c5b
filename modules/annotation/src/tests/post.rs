//! Jobs as tests post them.
use std::collections::BTreeMap;

use cairn_kernel::Coin;
use cairn_proto::cairn::annotation::v1::{ItemKind, JobType, Label, MsgOpenGold, MsgPostJob, Publication, Visibility};

use super::world::{noise, user};
use crate::{
    formats::{self, GoldTree},
    rules,
};

/// What a requester keeps of its gold.
#[derive(Clone)]
pub(crate) struct GoldSecret {
    pub(crate) seed: [u8; 32],
    pub(crate) truths: BTreeMap<u32, u16>,
    pub(crate) tree: GoldTree,
}

impl GoldSecret {
    pub(crate) fn opening(&self, job: u64, chunk: u32, tasks: u32) -> MsgOpenGold {
        let truths = self.truths.range(formats::chunk_tasks(tasks, chunk));
        MsgOpenGold {
            sender: user(1).to_string(),
            job,
            seed: self.seed.to_vec(),
            chunk,
            truths: truths.map(|(task, class)| Label { task: *task, class: (*class).into(), ..Label::default() }).collect(),
            path: self.tree.path(chunk).unwrap().into_iter().map(|hash| hash.to_vec()).collect(),
        }
    }
}

/// A posted job.
pub(crate) struct Posted {
    pub(crate) id: u64,
    pub(crate) gold: GoldSecret,
    pub(crate) truth: fn(u32) -> u16,
}

/// What a test posts.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) tasks: u32,
    pub(crate) overlap: u32,
    /// Above `overlap` with a posterior bound.
    pub(crate) overlap_more: u32,
    pub(crate) bound_bps: u32,
    pub(crate) bucket_size: u32,
    pub(crate) gold_per_bucket: u32,
    pub(crate) classes: u16,
    pub(crate) price: Coin,
    pub(crate) duration: u64,
    pub(crate) gate_bits: i32,
    pub(crate) requester_bps: u32,
    /// The class of a task.
    pub(crate) truth: fn(u32) -> u16,
    /// What the requester commits to as the class of a gold task.
    pub(crate) gold_truth: fn(u32) -> u16,
    /// What else is different in the message.
    pub(crate) change: fn(&mut MsgPostJob),
}

impl Default for Post {
    fn default() -> Self {
        let truth = |task| u16::try_from(noise(1, task) % 4).unwrap();
        Self {
            tasks: 100,
            overlap: 3,
            overlap_more: 0,
            bound_bps: 0,
            bucket_size: 10,
            gold_per_bucket: 1,
            classes: 4,
            price: Coin::base(10_000),
            duration: 2_000,
            gate_bits: -2,
            requester_bps: 7_000,
            truth,
            gold_truth: truth,
            change: |_| {},
        }
    }
}

impl Post {
    pub(crate) fn buckets(&self) -> formats::Buckets {
        formats::Buckets::new(self.tasks, self.bucket_size).unwrap()
    }
    /// Gold at drawn places of each bucket. `salt` makes the seed differ.
    pub(crate) fn gold(&self, chain_id: &str, salt: u64) -> GoldSecret {
        let mut seed = [5; 32];
        seed[..8].copy_from_slice(&salt.to_be_bytes());
        let mut truths = BTreeMap::new();
        for bucket in 0..self.buckets().count() {
            let mut tasks: Vec<u32> = self.buckets().tasks(bucket).collect();
            tasks.sort_by_key(|task| noise(salt, *task));
            truths.extend(tasks.iter().take(self.gold_per_bucket as usize).map(|task| (*task, (self.gold_truth)(*task))));
        }
        let tree = GoldTree::new(chain_id, &[3; 32], &seed, self.tasks, &truths);
        GoldSecret { seed, truths, tree }
    }
    pub(crate) fn msg(&self, gold: &GoldSecret) -> MsgPostJob {
        let mut msg = MsgPostJob {
            requester: user(1).to_string(),
            title: "Digits".into(),
            description: "Which digit is it?".into(),
            r#type: JobType::Classify.into(),
            item_kind: ItemKind::Image.into(),
            visibility: Visibility::Private.into(),
            classes: (0..self.classes).map(|class| format!("class {class}")).collect(),
            manifest_root: vec![3; 32],
            tasks: self.tasks,
            bytes: 1_000,
            media_type: "image/png".into(),
            content_addresses: vec!["https://gateway.example/".into()],
            price: Some(self.price.clone().into()),
            overlap_min: self.overlap,
            overlap_max: self.overlap + self.overlap_more,
            bucket_size: self.bucket_size,
            gold_per_bucket: self.gold_per_bucket,
            gold_root: gold.tree.root().to_vec(),
            kappa_target_bps: 6_000,
            gate_bits: self.gate_bits,
            publication: Some(Publication { publish: true, requester_bps: self.requester_bps }),
            duration: self.duration,
            posterior_bound_bps: self.bound_bps,
            ..MsgPostJob::default()
        };
        (self.change)(&mut msg);
        msg
    }
    /// Escrow of the job, without the posting fee.
    pub(crate) fn quote(&self) -> formats::Quote {
        let rules = rules::TEST_RULES;
        formats::Quote::new(self.tasks, self.overlap + self.overlap_more, self.price.amount, rules.fee_bps, rules.gold_bond_bps).unwrap()
    }
}
