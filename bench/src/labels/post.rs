//! The requester: posts the job, opens its gold, sees it close.
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use cairn_annotation::formats::{self, GoldTree};
use cairn_proto::{
    cairn::annotation::v1::{ItemKind, JobType, Label, MsgOpenGold, MsgPostJob, Publication, Visibility},
    cosmos::base::v1beta1::Coin,
    pack,
};
use sha2::{Digest, Sha256};

use super::{Draft, LabelsPlan};
use crate::{account::Account, rpc::Done, send::Format};

/// Tasks of a bucket, and so of a lease.
pub(super) const BUCKET: u32 = 20;
/// What a label earns, in base units: the least.
const PRICE: &str = "1000";
/// More than a job of this size takes to be labelled.
const DURATION: u64 = 50_000;
/// Gas for the job's first buckets, and for the gold of a chunk.
const GAS: u64 = 200_000_000;

/// The right class of a task.
pub(super) fn truth(task: u32, classes: u16) -> u16 {
    let hash = Sha256::digest(task.to_be_bytes());
    let draw = hash.iter().take(2).fold(0_u16, |n, byte| n << 8 | u16::from(*byte));
    draw % classes
}

/// The job, and what only its requester knows.
pub(super) struct Posted {
    plan: LabelsPlan,
    format: Format,
    requester: String,
    gold: BTreeMap<u32, u16>,
    tree: GoldTree,
    root: [u8; 32],
    seed: [u8; 32],
    /// Its number, when it is posted.
    pub(super) job: u64,
}

impl Posted {
    pub(super) fn new(plan: &LabelsPlan, format: &Format) -> Result<Self> {
        let (root, seed): ([u8; 32], [u8; 32]) = (Sha256::digest("cairn-bench/items").into(), Sha256::digest("cairn-bench/gold").into());
        let buckets = plan.buckets()?;
        // One a bucket; where it lies does not matter here, since no annotator of this crew looks for it.
        let gold = (0..buckets.count()).map(|b| buckets.tasks(b).start).map(|task| (task, truth(task, plan.label_classes))).collect();
        let tree = GoldTree::new(&format.chain_id, &root, &seed, plan.label_tasks, &gold);
        Ok(Self { plan: plan.clone(), format: format.clone(), requester: String::new(), gold, tree, root, seed, job: 0 })
    }

    /// The message of account `account`.
    pub(super) fn post(&mut self, account: usize, accounts: &[Account]) -> Result<Draft> {
        self.requester = accounts.get(account).context("there is no requester")?.text(self.format.prefix)?;
        let message = MsgPostJob {
            requester: self.requester.clone(),
            title: "bench".into(),
            description: "Labels a second.".into(),
            r#type: JobType::Classify.into(),
            item_kind: ItemKind::Image.into(),
            visibility: Visibility::Public.into(),
            classes: (0..self.plan.label_classes).map(|c| format!("class {c}")).collect(),
            manifest_root: self.root.to_vec(),
            tasks: self.plan.label_tasks,
            bytes: u64::from(self.plan.label_tasks),
            media_type: "image/png".into(),
            price: Some(Coin { denom: self.format.denom.clone(), amount: PRICE.into() }),
            overlap_min: self.plan.label_overlap,
            overlap_max: self.plan.label_overlap,
            bucket_size: BUCKET,
            gold_per_bucket: 1,
            gold_root: self.tree.root().to_vec(),
            kappa_target_bps: 6_000,
            gate_bits: -2,
            publication: Some(Publication { publish: true, requester_bps: 7_000 }),
            duration: DURATION,
            ..MsgPostJob::default()
        };
        Ok(Draft { account, message: pack(&message), gas: GAS })
    }

    /// Whether the job was posted in this block; then its number is known.
    pub(super) fn find(&mut self, done: &Done) -> Result<bool> {
        if let Some((code, log)) = done.failed.first() {
            anyhow::bail!("the job was refused with code {code}: {log}");
        }
        let Some(event) = done.events.iter().find(|e| e.kind.ends_with(".EventJobPosted")) else { return Ok(false) };
        self.job = event.number("job")?;
        Ok(true)
    }

    /// The gold of every chunk.
    pub(super) fn open(&self) -> Result<Vec<Draft>> {
        let chunk = |chunk| {
            let range = formats::chunk_tasks(self.plan.label_tasks, chunk);
            let truths =
                self.gold.range(range).map(|(task, class)| Label { task: *task, class: u32::from(*class), ..Label::default() }).collect();
            let path = self.tree.path(chunk).context("there is no such chunk")?.iter().map(|hash| hash.to_vec()).collect();
            let message = MsgOpenGold { sender: self.requester.clone(), job: self.job, seed: self.seed.to_vec(), chunk, truths, path };
            Ok(Draft { account: 0, message: pack(&message), gas: GAS })
        };
        (0..formats::chunks(self.plan.label_tasks)).map(chunk).collect()
    }

    /// Whether all reveals were closed in this block.
    pub(super) fn is_gold(&self, done: &Done) -> Result<bool> {
        Ok(became(done)?.iter().any(|state| state == "JOB_STATE_GOLD"))
    }

    /// Whether the job closed in this block.
    pub(super) fn is_closed(&self, done: &Done) -> Result<bool> {
        let states = became(done)?;
        anyhow::ensure!(!states.iter().any(|s| s == "JOB_STATE_QUARANTINE"), "a step of the settlement failed; the job is in quarantine");
        Ok(states.iter().any(|state| state == "JOB_STATE_CLOSED"))
    }
}

fn became(done: &Done) -> Result<Vec<String>> {
    done.events.iter().filter(|e| e.kind.ends_with(".EventJobStateChanged")).map(|e| e.get("to")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_all_used_and_the_same_each_time() {
        let mut counts = [0; 10];
        (0..1_000).for_each(|task| counts[usize::from(truth(task, 10))] += 1);
        assert!(counts.iter().all(|n| (50..150).contains(n)), "{counts:?}");
        assert_eq!(truth(7, 10), truth(7, 10));
    }
}
