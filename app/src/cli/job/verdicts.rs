//! The gold of a TEXT or AUDIO job: what its requester, who has the drafts before anybody verifies them, holds to be the right verdict on
//! some of them. It is kept in the home before it is committed, so that a crash loses nothing.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use cairn_annotation::{
    formats::{Buckets, GoldTree},
    types::VERDICTS,
};
use cairn_proto::{
    cairn::annotation::v1::{
        DraftResult, DraftState, Job, JobStatus, MsgCommitVerdictGold, MsgCommitVerdictGoldResponse, QueryDraftsRequest,
        QueryDraftsResponse,
    },
    pack,
};
use prost::Message;
use rand::{Rng, seq::SliceRandom};
use serde::{Deserialize, Serialize};

use super::{gold::Gold, record::Record, watch};
use crate::cli::{
    home::{Home, random, read_secret_json, write_secret_json},
    keyring::AccountKey,
    reply::Reply,
    rpc::{Refused, Rpc},
    sign::{Signer, TxOptions, answers},
};

/// Drafts asked for at once.
const PAGE: u32 = 500;

/// The drafts of a job that are to be verified, by their task in the verification stage.
pub(crate) fn drafts(rpc: &Rpc, job: u64) -> Result<BTreeMap<u32, DraftResult>> {
    let (mut found, mut from) = (BTreeMap::new(), 0);
    loop {
        let request = QueryDraftsRequest { job, from, limit: PAGE };
        let page: QueryDraftsResponse = rpc.ask("/cairn.annotation.v1.Query/Drafts", &request)?;
        let is_copy = |draft: &DraftResult| draft.draft.as_ref().is_some_and(|draft| draft.state() == DraftState::Copied);
        found.extend(page.drafts.into_iter().filter(|draft| !is_copy(draft)).map(|draft| (draft.stage_task, draft)));
        from = page.next;
        if from == 0 {
            return Ok(found);
        }
    }
}

/// Where the drafts of a job lie in its verification stage, and how much of them is gold.
pub(crate) struct Layout {
    /// The stage's buckets.
    pub(crate) buckets: Buckets,
    /// Tasks of the stage.
    pub(crate) tasks: u32,
    /// Gold in each of its buckets.
    pub(crate) gold: usize,
}

impl Layout {
    /// Of a job whose drafts are in.
    pub(crate) fn new(job: &Job, status: &JobStatus) -> Result<Self> {
        let buckets = Buckets::new(job.tasks, job.bucket_size).and_then(|b| b.times(status.draft_slots));
        Ok(Self {
            buckets: buckets.context("the job has no drafts")?,
            tasks: job.tasks.checked_mul(status.draft_slots).context("too many drafts")?,
            gold: usize::try_from(job.gold_per_bucket)?,
        })
    }
    /// As many drafts of each bucket as become gold, drawn; all of them with `all`.
    pub(crate) fn sample(&self, drafts: &BTreeSet<u32>, all: bool, rng: &mut impl Rng) -> BTreeSet<u32> {
        let mut sample = BTreeSet::new();
        for bucket in 0..self.buckets.count() {
            let mut inside: Vec<u32> = drafts.range(self.buckets.tasks(bucket)).copied().collect();
            if !all {
                inside.shuffle(rng);
                inside.truncate(self.gold);
            }
            sample.extend(inside);
        }
        sample
    }
    /// Exactly the gold of each bucket, drawn from what was judged; where a bucket has fewer drafts, tasks without one make up for them,
    /// about which nobody is asked.
    pub(crate) fn choose(&self, drafts: &BTreeSet<u32>, judged: &BTreeMap<u32, u16>, rng: &mut impl Rng) -> Result<BTreeMap<u32, u16>> {
        let mut chosen = BTreeMap::new();
        for bucket in 0..self.buckets.count() {
            let range = self.buckets.tasks(bucket);
            let mut known: Vec<(u32, u16)> = judged.range(range.clone()).map(|(task, class)| (*task, *class)).collect();
            let holes: Vec<u32> = range.filter(|task| !drafts.contains(task)).collect();
            let missing = self.gold.saturating_sub(known.len());
            if missing > holes.len() {
                let more = missing.saturating_sub(holes.len());
                bail!("bucket {bucket} has {} judged drafts and needs {more} more; nothing was committed", known.len());
            }
            known.shuffle(rng);
            known.truncate(self.gold);
            chosen.extend(known);
            chosen.extend(holes.into_iter().take(missing).map(|task| (task, 0)));
        }
        Ok(chosen)
    }
}

/// What opens the gold of a verification stage; `verdicts/<chain>-<job>.json` below the home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VerdictRecord {
    chain_id: String,
    job: u64,
    manifest_root: String,
    seed: String,
    tasks: u32,
    truths: BTreeMap<u32, u16>,
}

impl VerdictRecord {
    fn path(home: &Home, chain_id: &str, job: u64) -> PathBuf {
        home.path().join("verdicts").join(format!("{chain_id}-{job}.json"))
    }
    /// Under a fresh seed, written readable by its owner only.
    pub(crate) fn make(home: &Home, chain_id: &str, job: &Job, layout: &Layout, truths: BTreeMap<u32, u16>) -> Result<Self> {
        let record = Self {
            chain_id: chain_id.to_owned(),
            job: job.id,
            manifest_root: hex::encode(&job.manifest_root),
            seed: hex::encode(random()),
            tasks: layout.tasks,
            truths,
        };
        write_secret_json(&Self::path(home, chain_id, job.id), &record)?;
        Ok(record)
    }
    /// The record of a job, if this home judged its drafts. One of another chain under the same name is another's.
    pub(crate) fn find(home: &Home, chain_id: &str, job: &Job) -> Result<Option<Self>> {
        let path = Self::path(home, chain_id, job.id);
        if !path.exists() {
            return Ok(None);
        }
        let record: Self = read_secret_json(&path)?;
        if record.manifest_root != hex::encode(&job.manifest_root) {
            bail!("{} is of another chain of that name; move it away", path.display());
        }
        Ok(Some(record))
    }
    /// As it is opened.
    pub(crate) fn gold(&self) -> Result<Gold> {
        Ok(Gold {
            chain_id: self.chain_id.clone(),
            manifest_root: Record::seed(&self.manifest_root)?,
            seed: Record::seed(&self.seed)?,
            tasks: self.tasks,
            classes: VERDICTS.len(),
            truths: self.truths.iter().map(|(task, class)| (*task, Reply::Class(*class))).collect(),
        })
    }
    /// Commits to it and opens the stage, whose number it gives. Who judges and who watches the job may both send it: the second is refused,
    /// and has done no less. The record of a commitment that was refused and does not stand is forgotten.
    pub(crate) fn commit(&self, rpc: &Rpc, home: &Home, key: &AccountKey, options: &TxOptions) -> Result<u64> {
        let tree: GoldTree = self.gold()?.tree()?;
        let message = MsgCommitVerdictGold { requester: key.address().to_string(), job: self.job, gold_root: tree.root().to_vec() };
        let sent = Signer::new(rpc, key)?.send(vec![pack(&message)], options);
        if sent.as_ref().is_err_and(|error| error.is::<Refused>()) {
            let (_, status) = watch::job(rpc, self.job)?;
            if status.stage > 0 && watch::job(rpc, status.stage)?.0.gold_root == tree.root() {
                return Ok(status.stage);
            }
            std::fs::remove_file(Self::path(home, &self.chain_id, self.job))?;
        }
        let answer = answers(&sent?)?;
        let answer = answer.first().context("the transaction answers nothing")?;
        Ok(MsgCommitVerdictGoldResponse::decode(&*answer.value)?.stage)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    /// 20 tasks in two buckets, two slots, two gold drafts in each bucket of the stage.
    fn layout() -> Layout {
        let job = Job { tasks: 20, bucket_size: 10, gold_per_bucket: 2, ..Job::default() };
        Layout::new(&job, &JobStatus { draft_slots: 2, ..JobStatus::default() }).unwrap()
    }

    #[test]
    fn gold_is_drawn_from_what_was_judged_in_each_bucket() {
        let (layout, mut rng) = (layout(), StdRng::seed_from_u64(1));
        assert_eq!((layout.tasks, layout.buckets.count()), (40, 4));
        // The last bucket of the stage has one draft only.
        let drafts: BTreeSet<u32> = (0..31).collect();
        let sample = layout.sample(&drafts, false, &mut rng);
        let inside = |set: &BTreeSet<u32>, b: u32| set.range(layout.buckets.tasks(b)).count();
        assert_eq!((0..4).map(|b| inside(&sample, b)).collect::<Vec<_>>(), [2, 2, 2, 1]);
        assert_eq!(layout.sample(&drafts, true, &mut rng), drafts);
        let mut judged: BTreeMap<u32, u16> = sample.iter().map(|task| (*task, 1)).collect();
        let chosen = layout.choose(&drafts, &judged, &mut rng).unwrap();
        assert_eq!((0..4).map(|b| chosen.range(layout.buckets.tasks(b)).count()).collect::<Vec<_>>(), [2, 2, 2, 2]);
        assert!(chosen.iter().filter(|(task, _)| drafts.contains(task)).all(|(task, class)| judged.get(task) == Some(class)));
        judged.remove(sample.first().unwrap());
        let error = layout.choose(&drafts, &judged, &mut rng).unwrap_err().to_string();
        assert!(error.contains("bucket 0 has 1 judged drafts and needs 1 more"), "{error}");
    }

    #[test]
    fn a_record_is_kept_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let job = Job { id: 7, tasks: 20, manifest_root: vec![3; 32], ..Job::default() };
        let truths = BTreeMap::from([(3, 1), (5, 0)]);
        assert!(VerdictRecord::find(&home, "cairn-test-1", &job).unwrap().is_none());
        let record = VerdictRecord::make(&home, "cairn-test-1", &job, &layout(), truths.clone()).unwrap();
        assert_eq!(VerdictRecord::find(&home, "cairn-test-1", &job).unwrap(), Some(record.clone()));
        assert!(VerdictRecord::make(&home, "cairn-test-1", &job, &layout(), truths.clone()).is_err());
        let other = Job { manifest_root: vec![4; 32], ..job };
        assert!(VerdictRecord::find(&home, "cairn-test-1", &other).is_err());
        let gold = record.gold().unwrap();
        let seed = Record::seed(&record.seed).unwrap();
        assert_eq!(gold.tree().unwrap().root(), GoldTree::new("cairn-test-1", &[3; 32], &seed, 40, &truths).root());
    }
}
