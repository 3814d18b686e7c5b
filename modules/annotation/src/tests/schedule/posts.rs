//! Jobs of every type, each with what opens its gold.
use std::collections::BTreeMap;

use cairn_kernel::Coin;
use cairn_proto::cairn::annotation::v1::{ItemKind, JobState, JobType, Label, MsgPostJob, Verification};

use super::{
    super::world::{FOREIGN, Person, Post, noise, user},
    Schedule, answers,
};
use crate::{
    formats::{self, GoldTree, PairsTree},
    state::{CLAIMS, LEASE_IDS},
};

pub(super) const TASKS: u32 = 100;
pub(super) const CHAIN: &str = "cairn-test-1";
pub(super) const ROOT: [u8; 32] = [3; 32];
const CONTESTANTS: u32 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Classify,
    Sets,
    Pairs,
    Verify,
    Text,
    Spans,
    /// The verification stage of TEXT or SPAN.
    Stage,
}

/// A job and what its requester keeps.
pub(super) struct Work {
    pub(super) id: u64,
    pub(super) kind: Kind,
    pub(super) tasks: u32,
    pub(super) seed: [u8; 32],
    pub(super) truths: BTreeMap<u32, Label>,
    /// Absent where there is no gold.
    pub(super) tree: Option<GoldTree>,
    pub(super) pairs: Option<PairsTree>,
    /// Of a stage.
    pub(super) parent: Option<u64>,
}

/// Who is compared in a task.
pub(super) fn compared() -> Vec<(u32, u32)> {
    (0..TASKS).map(|task| (task % CONTESTANTS, (task + 1 + u32::try_from(noise(4, task) % 7).unwrap()) % CONTESTANTS)).collect()
}

fn typed(kind: Kind, msg: &mut MsgPostJob) {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let (job_type, item) = match kind {
        Kind::Classify | Kind::Stage => (JobType::Classify, ItemKind::Image),
        Kind::Sets => (JobType::MultiLabel, ItemKind::Image),
        Kind::Pairs => (JobType::Pairwise, ItemKind::Pair),
        Kind::Verify => (JobType::Verify, ItemKind::Image),
        Kind::Text => (JobType::Text, ItemKind::Audio),
        Kind::Spans => (JobType::Span, ItemKind::Text),
    };
    msg.set_type(job_type);
    msg.set_item_kind(item);
    match kind {
        Kind::Pairs => (msg.media_type, msg.classes) = (formats::PAIR_MEDIA_TYPE.into(), names(&["left", "right"])),
        Kind::Verify => msg.classes = names(&["reject", "accept"]),
        Kind::Sets => msg.classes = (0..answers::LABELS).map(|label| format!("label {label}")).collect(),
        Kind::Text => msg.classes = vec![],
        Kind::Spans => msg.classes = names(&["name", "place"]),
        Kind::Classify | Kind::Stage => {}
    }
    if matches!(kind, Kind::Text | Kind::Spans) {
        let (price, iou_bps) = (Some(Coin::base(2_000).into()), if kind == Kind::Spans { 6_000 } else { 0 });
        let terms = Verification { price, overlap: 3, duration: 300, accept_bps: 7_500, iou_bps, ..Verification::default() };
        msg.verification = Some(Verification { overlap_max: 5, posterior_bound_bps: 9_500, ..terms });
    }
}

impl Schedule {
    /// A new job of any type.
    pub(super) fn post(&mut self) {
        let kind = self.dice.of(&[Kind::Classify, Kind::Classify, Kind::Sets, Kind::Pairs, Kind::Verify, Kind::Text, Kind::Spans]);
        // Half of the jobs of classes and sets have a late round.
        let late = matches!(kind, Kind::Classify | Kind::Sets) && self.dice.one_in(2);
        let post = Post {
            overlap: 3 + self.dice.number(3),
            overlap_more: if late { self.dice.number(3) } else { 0 },
            bound_bps: if late { 9_500 } else { 0 },
            duration: 150 + self.dice.below(400),
            ..Post::default()
        };
        self.add(kind, &post, |_| {});
    }
    /// Posts a job, with a partner reward or lent bonds by chance.
    pub(super) fn add(&mut self, kind: Kind, post: &Post, change: impl FnOnce(&mut MsgPostJob)) -> u64 {
        let salt = self.world.ask(|ctx| crate::state::JOB_IDS.last(ctx)) + 1;
        let gold = post.gold(CHAIN, salt);
        let truths: BTreeMap<u32, Label> = gold.truths.keys().map(|task| (*task, answers::truth(kind, *task))).collect();
        let payloads = truths.iter().map(|(task, label)| (*task, answers::payload(kind, label))).collect();
        let tree = (kind != Kind::Text).then(|| GoldTree::of_payloads(CHAIN, &ROOT, &gold.seed, TASKS, &payloads));
        let pairs = (kind == Kind::Pairs).then(|| PairsTree::new(CHAIN, &ROOT, &gold.seed, &compared()));
        let (reward, lent) = (self.dice.one_in(4), self.dice.number(12));
        let root = tree.as_ref().map_or_else(Vec::new, |tree| tree.root().to_vec());
        let pairs_root = pairs.as_ref().map_or_else(Vec::new, |tree| tree.root().to_vec());
        let posted = self.world.post_with(post, |msg| {
            typed(kind, msg);
            (msg.gold_root, msg.lent_bonds) = (root, lent);
            (msg.contestants, msg.pairs_root) = (if pairs_root.is_empty() { 0 } else { CONTESTANTS }, pairs_root);
            msg.partner_reward = reward.then(|| Coin::new(FOREIGN, 500).into());
            change(msg);
        });
        let id = posted.unwrap().id;
        self.jobs.push(Work { id, kind, tasks: TASKS, seed: gold.seed, truths, tree, pairs, parent: None });
        id
    }
    /// Lets everybody work honestly through a blind round, so that chance begins with the late one.
    pub(super) fn ripen(&mut self) {
        let post = Post { bound_bps: 9_900, overlap_more: 2, duration: 1_000, ..Post::default() };
        let id = self.add(Kind::Classify, &post, |_| {});
        let people: Vec<Person> = self.people.iter().map(|who| Person::skilled(*who, 85, post.truth, post.classes)).collect();
        self.world.work(id, &people);
        self.open_all(id);
        self.world.settle_to(id, JobState::Late);
        self.catch_up();
    }
    /// Learns of what was done without it.
    pub(super) fn catch_up(&mut self) {
        for id in self.seen + 1..=self.world.ask(|ctx| LEASE_IDS.last(ctx)) {
            let lease = self.world.lease(id);
            let account = cairn_kernel::Address::parse(&lease.annotator).unwrap();
            self.note(&lease, account);
        }
        for entry in self.world.ask(|ctx| CLAIMS.range(ctx, &[]).collect::<cairn_kernel::Result<Vec<_>>>()) {
            self.claims.insert(entry.0, entry.1.height);
        }
    }
    /// Verification stages that were opened since.
    pub(super) fn find_stages(&mut self) {
        let parents: Vec<u64> = self.jobs.iter().filter(|work| matches!(work.kind, Kind::Text | Kind::Spans)).map(|work| work.id).collect();
        for parent in parents {
            let status = self.world.ask(|ctx| crate::state::STATUS.get(ctx, &parent)).unwrap();
            if status.stage == 0 || self.jobs.iter().any(|work| work.id == status.stage) {
                continue;
            }
            let work = self.work(parent);
            let (seed, truths, tree) = (work.seed, work.truths.clone(), work.tree.clone());
            let (id, kind, tasks) = (status.stage, Kind::Stage, TASKS * status.draft_slots);
            self.jobs.push(Work { id, kind, tasks, seed, truths, tree, pairs: None, parent: Some(parent) });
            self.count("stages");
        }
    }
    /// A key for a requester of all these jobs.
    pub(super) fn requester() -> String {
        user(1).to_string()
    }
}
