//! What requesters open, and what they forget to.
use std::collections::BTreeMap;

use cairn_proto::cairn::annotation::v1::{JobState, Label, MsgCommitVerdictGold, MsgOpenGold, MsgOpenPairs, MsgServer, Pair};

use super::{
    super::world::noise,
    Schedule, answers,
    posts::{Kind, TASKS, Work, compared},
};
use crate::{
    Annotation,
    formats::{self, Buckets, GoldTree},
};

fn hashes(path: Vec<[u8; 32]>) -> Vec<Vec<u8>> {
    path.into_iter().map(|hash| hash.to_vec()).collect()
}

/// The opening of a job's only chunk, or of the first one of a stage.
fn opening(work: &Work, chunk: u32) -> Option<MsgOpenGold> {
    let tree = work.tree.as_ref()?;
    let range = formats::chunk_tasks(work.tasks, chunk);
    let truths = work.truths.range(range).map(|(_, label)| label.clone()).collect();
    let (sender, seed, path) = (Schedule::requester(), work.seed.to_vec(), hashes(tree.path(chunk)?));
    Some(MsgOpenGold { sender, job: work.id, seed, chunk, truths, path })
}

impl Schedule {
    /// Opens gold or pairs of some job in its gold window, or commits to the gold of some stage.
    pub(super) fn open(&mut self) {
        let ids: Vec<(u64, Kind)> = self.jobs.iter().map(|work| (work.id, work.kind)).collect();
        let states: Vec<JobState> = ids.iter().map(|(id, _)| self.state(*id)).collect();
        let waits = |state: &JobState| matches!(state, JobState::Gold | JobState::Verifying);
        let place = states.iter().position(waits).unwrap_or(ids.len() - 1);
        match (ids[place].1, states[place]) {
            (Kind::Text, JobState::Verifying) => self.commit_verdict_gold(ids[place].0),
            (Kind::Pairs, JobState::Gold) if self.dice.one_in(2) => self.open_pairs(place),
            _ => self.open_gold(place),
        }
    }
    /// All gold of a job that waits for it.
    pub(super) fn open_all(&mut self, job: u64) {
        let place = self.jobs.iter().position(|work| work.id == job).unwrap();
        self.open_gold(place);
    }
    fn open_gold(&mut self, place: usize) {
        let parents = self.jobs[place].parent.is_some_and(|parent| self.work(parent).kind == Kind::Spans);
        // The gold of drafts in the clear is the parent's, in its chunks.
        let chunks = if parents { 1 } else { formats::chunks(self.jobs[place].tasks) };
        let chunk = self.dice.number(chunks);
        let work = &self.jobs[place];
        let msg = if parents {
            opening(&Work { tree: work.tree.clone(), truths: work.truths.clone(), tasks: TASKS, pairs: None, ..*work }, 0)
        } else {
            opening(work, chunk)
        };
        let Some(msg) = msg else { return };
        if self.world.tx(|ctx| Annotation.open_gold(ctx, msg)).is_ok() {
            self.count("gold opened");
        }
    }
    fn open_pairs(&mut self, place: usize) {
        let work = &self.jobs[place];
        let pairs = compared().into_iter().map(|(left, right)| Pair { left, right }).collect();
        let path = hashes(work.pairs.as_ref().unwrap().path(0).unwrap());
        let msg = MsgOpenPairs { sender: Self::requester(), job: work.id, seed: work.seed.to_vec(), chunk: 0, pairs, path };
        if self.world.tx(|ctx| Annotation.open_pairs(ctx, msg)).is_ok() {
            self.count("pairs opened");
        }
    }
    /// One gold draft in each bucket of the stage to come.
    fn commit_verdict_gold(&mut self, job: u64) {
        let status = self.world.status(job);
        if status.draft_slots == 0 || status.stage > 0 {
            return;
        }
        let buckets = Buckets::new(TASKS, 10).unwrap().times(status.draft_slots).unwrap();
        let tasks = TASKS * status.draft_slots;
        let gold = |bucket| {
            let range = buckets.tasks(bucket);
            range.start + u32::try_from(noise(job, bucket) % range.len() as u64).unwrap()
        };
        let truths: BTreeMap<u32, Label> = (0..buckets.count()).map(gold).map(|task| (task, answers::truth(Kind::Stage, task))).collect();
        let payloads = truths.iter().map(|(task, label)| (*task, answers::payload(Kind::Stage, label))).collect();
        let mut seed = [6; 32];
        seed[..8].copy_from_slice(&job.to_be_bytes());
        let tree = GoldTree::of_payloads("cairn-test-1", &[3; 32], &seed, tasks, &payloads);
        let msg = MsgCommitVerdictGold { requester: Self::requester(), job, gold_root: tree.root().to_vec() };
        if let Ok(answer) = self.world.tx(|ctx| Annotation.commit_verdict_gold(ctx, msg)) {
            let (id, kind) = (answer.stage, Kind::Stage);
            self.jobs.push(Work { id, kind, tasks, seed, truths, tree: Some(tree), pairs: None, parent: Some(job) });
            self.count("stages");
            self.count("verdict gold committed");
        }
    }
}
