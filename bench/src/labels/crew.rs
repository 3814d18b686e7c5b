//! The crew: hundreds of annotators who do what blocks tell them to.
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use cairn_annotation::formats::{Buckets, class_payload, label_commitment};
use cairn_kernel::Address;
use cairn_proto::{
    cairn::annotation::v1::{Label, MsgClaimTasks, MsgCommitLabels, MsgRevealLabels},
    pack,
};
use sha2::{Digest, Sha256};

use super::{Draft, LabelsPlan, post::truth};
use crate::{
    account::Account,
    rpc::{Done, Event},
    send::Format,
};

/// Gas limit of each step, more than it uses.
const GAS: u64 = 300_000;
/// In hundredths, how often an annotator is right: from this, by number, up to the other.
const SKILL: (u64, u64) = (60, 98);

struct Annotator {
    account: usize,
    address: Address,
    text: String,
    nonce: u64,
}

/// All annotators of a job, and the openings of their commitments.
pub(super) struct Crew {
    plan: LabelsPlan,
    buckets: Buckets,
    chain_id: String,
    annotators: BTreeMap<String, Annotator>,
    openings: BTreeMap<u64, Vec<u32>>,
    /// The job they work at.
    pub(super) job: u64,
    /// Labels accepted so far.
    pub(super) labels: u64,
}

impl Crew {
    /// Of all `accounts` but the first, who is the requester.
    pub(super) fn new(plan: &LabelsPlan, accounts: &[Account], format: &Format) -> Result<Self> {
        let annotator = |(account, a): (usize, &Account)| {
            let text = a.text(format.prefix)?;
            Ok((text.clone(), Annotator { account, address: Address::parse(&text)?, text, nonce: 0 }))
        };
        let annotators = accounts.iter().enumerate().skip(1).map(annotator).collect::<Result<_>>()?;
        let (chain_id, openings) = (format.chain_id.clone(), BTreeMap::new());
        Ok(Self { plan: plan.clone(), buckets: plan.buckets()?, chain_id, annotators, openings, job: 0, labels: 0 })
    }

    /// Everybody's first claim.
    pub(super) fn begin(&mut self) -> Result<Vec<Draft>> {
        let job = self.job;
        Ok(self.annotators.values_mut().map(|a| a.claim(job)).collect())
    }

    /// What the crew does after a block. Whoever gets a lease commits and claims the next one at once: a lease that waits for its reveal
    /// keeps nobody from working.
    pub(super) fn follow(&mut self, done: &Done) -> Result<Vec<Draft>> {
        let mut drafts = vec![];
        for event in &done.events {
            match event.kind.rsplit('.').next() {
                Some("EventLeaseGranted") => drafts.extend(self.granted(event)?),
                Some("EventLeaseRevealing") => drafts.push(self.revealing(event)?),
                Some("EventLabelsRevealed") => self.labels += event.get::<u64>("accepted")?,
                _ => {}
            }
        }
        Ok(drafts)
    }

    fn granted(&mut self, event: &Event) -> Result<[Draft; 2]> {
        let lease = event.number("lease")?;
        let tasks: Vec<u32> = event.get::<Vec<u32>>("buckets")?.into_iter().flat_map(|b| self.buckets.tasks(b)).collect();
        let (job, classes) = (self.job, self.plan.label_classes);
        let annotator = self.annotators.get_mut(&event.get::<String>("annotator")?).context("a stranger has a lease")?;
        let labels: Vec<(u32, [u8; 2])> = tasks.iter().map(|task| (*task, class_payload(annotator.label(*task, classes)))).collect();
        let commitment =
            label_commitment(&self.chain_id, job, lease, &annotator.address, &salt(lease), &labels).context("too many labels")?;
        self.openings.insert(lease, tasks);
        let commit =
            MsgCommitLabels { annotator: annotator.text.clone(), lease, commitment: commitment.to_vec(), ..MsgCommitLabels::default() };
        Ok([Draft { account: annotator.account, message: pack(&commit), gas: GAS }, annotator.claim(job)])
    }

    fn revealing(&mut self, event: &Event) -> Result<Draft> {
        let lease = event.number("lease")?;
        let annotator = self.annotators.get(&event.get::<String>("annotator")?).context("a stranger has a lease")?;
        let tasks = self.openings.remove(&lease).context("a lease was never committed")?;
        let label = |task: u32| Label { task, class: annotator.label(task, self.plan.label_classes).into(), ..Label::default() };
        let labels = tasks.into_iter().map(label).collect();
        let reveal = MsgRevealLabels { sender: annotator.text.clone(), lease, salt: salt(lease).to_vec(), labels };
        Ok(Draft { account: annotator.account, message: pack(&reveal), gas: GAS })
    }
}

impl Annotator {
    fn claim(&mut self, job: u64) -> Draft {
        self.nonce += 1;
        let message = MsgClaimTasks { annotator: self.text.clone(), job, buckets: 1, nonce: self.nonce, lent_bond: false };
        Draft { account: self.account, message: pack(&message), gas: GAS }
    }

    /// The answer: right as often as the skill says, else another class.
    fn label(&self, task: u32, classes: u16) -> u16 {
        let mut hash = Sha256::new();
        hash.update(self.text.as_bytes());
        hash.update(task.to_be_bytes());
        let draw = hash.finalize().iter().take(6).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        let number = u64::try_from(self.account).unwrap_or_default();
        let skill = SKILL.0 + number % (SKILL.1 - SKILL.0);
        let right = truth(task, classes);
        if draw % 100 < skill {
            return right;
        }
        let other = u16::try_from((draw / 100) % u64::from(classes.saturating_sub(1).max(1))).unwrap_or_default();
        (right + 1 + other) % classes
    }
}

/// No secret is kept in a benchmark: the salt follows from the lease.
fn salt(lease: u64) -> [u8; 32] {
    Sha256::digest(lease.to_be_bytes()).into()
}
