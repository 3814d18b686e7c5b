//! People who make drafts and people who judge them.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Coin, Result};
use cairn_proto::cairn::annotation::v1::{
    DraftResult, ItemKind, JobState, JobType, Label, Lease, LeaseState, MsgCommitLabels, MsgCommitVerdictGold, MsgPostJob, MsgRevealLabels,
    MsgServer, QueryDraftsRequest, QueryServer, Verification,
};

use crate::{
    Annotation,
    formats::{self, Buckets, GoldTree, Side},
    tests::world::{GoldSecret, Person, Post, Posted, World, noise, salt, user},
};

/// A TEXT job of three drafts a task at 10,000, three verdicts a draft at 2,000.
pub(super) fn post() -> Post {
    Post { classes: 0, change: text, ..Post::default() }
}

pub(super) fn text(msg: &mut MsgPostJob) {
    msg.set_type(JobType::Text);
    msg.set_item_kind(ItemKind::Audio);
    msg.media_type = "audio/wav".into();
    msg.gold_root = vec![];
    msg.verification = Some(Verification {
        price: Some(Coin::base(2_000).into()),
        overlap: 3,
        duration: 2_000,
        accept_bps: 7_500,
        iou_bps: 0,
        ..Verification::default()
    });
}

/// Somebody who makes drafts, some of them good.
pub(super) struct Producer {
    pub(super) address: Address,
    pub(super) percent: u64,
}

impl Producer {
    pub(super) fn new(n: u8, percent: u64) -> Self {
        Self { address: user(n), percent }
    }
    pub(super) fn is_good(&self, task: u32) -> bool {
        noise(u64::from(self.address.as_bytes()[0]), task) % 100 < self.percent
    }
    /// The hash of what it uploads for a task.
    pub(super) fn payload(&self, task: u32) -> Vec<u8> {
        let content = format!("task {task}: {}", if self.is_good(task) { "what was said" } else { "noise" });
        let draft = formats::draft(&self.address, &Side { media_type: "text/plain", content: content.as_bytes() }).unwrap();
        <sha2::Sha256 as sha2::Digest>::digest(draft).to_vec()
    }
    pub(super) fn labels(&self, tasks: &[u32]) -> Vec<Label> {
        tasks.iter().map(|task| Label { task: *task, class: 0, draft: self.payload(*task), ..Label::default() }).collect()
    }
}

pub(super) fn commit(world: &mut World, lease: &Lease, labels: &[Label]) -> Result<()> {
    let payload = |label: &Label| match (label.set.is_empty(), label.draft.len()) {
        (false, _) => label.set.clone(),
        (true, 0 | 32) => label.draft.clone(),
        (true, _) => formats::shapes_payload(&label.draft).to_vec(),
    };
    let payloads: Vec<_> = labels.iter().map(|label| (label.task, payload(label))).collect();
    let annotator = Address::parse(&lease.annotator).unwrap();
    let chain_id = world.chain.block.chain_id.clone();
    let commitment = formats::label_commitment(&chain_id, lease.job, lease.id, &annotator, &salt(lease.id), &payloads).unwrap();
    let msg =
        MsgCommitLabels { annotator: lease.annotator.clone(), lease: lease.id, commitment: commitment.to_vec(), revealer: String::new() };
    world.tx(|ctx| Annotation.commit_labels(ctx, msg)).map(drop)
}

pub(super) fn reveal(world: &mut World, lease: &Lease, labels: Vec<Label>) -> Result<u32> {
    let msg = MsgRevealLabels { sender: lease.annotator.clone(), lease: lease.id, salt: salt(lease.id).to_vec(), labels };
    world.tx(|ctx| Annotation.reveal_labels(ctx, msg)).map(|answer| answer.accepted)
}

/// Lets producers work until the drafts are in.
pub(super) fn produce(world: &mut World, job: u64, producers: &[Producer]) {
    produce_as(world, job, producers, |producer, tasks| producer.labels(tasks));
}

/// The same with what each of them says of its tasks.
pub(super) fn produce_as(world: &mut World, job: u64, producers: &[Producer], labels: impl Fn(&Producer, &[u32]) -> Vec<Label>) {
    for _ in 0..20_000 {
        if !matches!(world.status(job).state(), JobState::Open | JobState::Revealing) {
            return;
        }
        for producer in producers {
            let _refused = world.claim(job, &producer.address);
            for (lease, tasks) in world.leases(job, &producer.address, LeaseState::Live) {
                commit(world, &lease, &labels(producer, &tasks)).unwrap();
            }
            for (lease, tasks) in world.leases(job, &producer.address, LeaseState::Committed) {
                if lease.reveal_from > 0 && world.height() >= lease.reveal_from {
                    reveal(world, &lease, labels(producer, &tasks)).unwrap();
                }
            }
        }
        world.block();
    }
    panic!("job {job} never got its drafts");
}

pub(super) fn drafts(world: &mut World, job: u64) -> Vec<DraftResult> {
    let page = world.ask(|ctx| Annotation.drafts(ctx, QueryDraftsRequest { job, from: 0, limit: 1_024 }));
    assert_eq!(page.next, 0);
    page.drafts
}

/// The right verdict on each task of the stage.
pub(super) fn verdicts(world: &mut World, job: u64, producers: &[Producer]) -> BTreeMap<u32, u16> {
    let right = |found: &DraftResult| {
        let draft = found.draft.clone().unwrap();
        let producer = producers.iter().find(|producer| producer.address.to_string() == found.annotator).unwrap();
        (found.stage_task, u16::from(producer.is_good(draft.task)))
    };
    drafts(world, job).iter().filter(|found| crate::drafts::is_verified(found.draft.as_ref().unwrap())).map(right).collect()
}

/// One gold draft in each bucket of the stage; where it has none, a task without a draft.
pub(super) fn verdict_gold(world: &mut World, job: u64, right: &BTreeMap<u32, u16>) -> GoldSecret {
    let (posted, status) = world.job(job);
    let tasks = posted.tasks * status.draft_slots;
    let buckets = Buckets::new(posted.tasks, posted.bucket_size).unwrap().times(status.draft_slots).unwrap();
    let mut truths = BTreeMap::new();
    for bucket in 0..buckets.count() {
        let of_bucket = buckets.tasks(bucket);
        let known = of_bucket.clone().find(|task| right.contains_key(task) && noise(9, *task).is_multiple_of(3));
        let task = known.or_else(|| of_bucket.clone().find(|task| right.contains_key(task))).unwrap_or(of_bucket.start);
        truths.insert(task, right.get(&task).copied().unwrap_or(0));
    }
    let seed = [u8::try_from(job).unwrap(); 32];
    let tree = GoldTree::new(&world.chain.block.chain_id, &[3; 32], &seed, tasks, &truths);
    GoldSecret { seed, truths, tree }
}

/// Commits to verdict gold and opens the stage.
pub(super) fn open_stage(world: &mut World, job: u64, right: &BTreeMap<u32, u16>) -> Posted {
    world.until_step(job, cairn_proto::cairn::annotation::v1::SettleStep::AwaitVerdictGold);
    let gold = verdict_gold(world, job, right);
    let msg = MsgCommitVerdictGold { requester: user(1).to_string(), job, gold_root: gold.tree.root().to_vec() };
    let id = world.tx(|ctx| Annotation.commit_verdict_gold(ctx, msg)).unwrap().stage;
    Posted { id, gold, truth: |_| 0 }
}

/// Somebody who judges rightly in `percent` of the drafts.
pub(super) fn verifier(n: u8, percent: u64, right: &BTreeMap<u32, u16>) -> Person {
    let right = right.clone();
    Person::new(user(n), move |task| {
        let truth = right.get(&task).copied().unwrap_or(0);
        if noise(u64::from(n) + 100, task) % 100 < percent { truth } else { 1 - truth }
    })
}

/// Lets verifiers work on a stage, opens its gold and waits for the end of both jobs.
pub(super) fn verify(world: &mut World, job: u64, stage: &Posted, verifiers: &[Person]) {
    world.work(stage.id, verifiers);
    if world.status(stage.id).state() == JobState::Gold {
        world.open_gold(stage);
    }
    world.until(stage.id, JobState::Closed);
    world.until(job, JobState::Closed);
}
