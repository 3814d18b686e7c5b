//! RECORD: the tree of paid labels, the histogram of posteriors, and what each worker made of the gold.
use std::collections::{BTreeMap, btree_map::Entry};

use cairn_kernel::{Address, Ctx, Result, merkle::Frontier};
use cairn_proto::cairn::annotation::v1::{GoldVerdict, PayReason, SettleStep, Settlement, Worker};
use cairn_truth::Model;

use crate::{
    Error, formats,
    given::{Beliefs, Class, Given, Set, Value},
    job::Running,
    lifecycle, standing,
    state::WORKERS,
    types,
};

/// Label visits of one answer (its leaf is hashed, its worker read once a chunk), and of a page of posteriors.
const LABEL_VISITS: u64 = 64;
const QUESTION_VISITS: u64 = 4_096;
/// Label visits of counting a worker's gold answers of a chunk in its standing.
const STANDING_VISITS: u64 = 800;
/// Bars of the histogram.
const BARS: usize = 10;

/// Records one chunk.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    if types::produces(run.job.r#type()) {
        super::go_on(run, SettleStep::Shares)?; // JUDGE has recorded the drafts
        return Ok(0);
    }
    if types::gives_sets(run.job.r#type()) { chunk::<Set>(ctx, run) } else { chunk::<Class>(ctx, run) }
}

/// Records one chunk of answers: those that were paid, late ones among them, how certain the results are, and what was made of the gold.
fn chunk<V: Value>(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let chunk = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a chunk's number is too large"))?;
    let blind = V::blind(ctx, run, chunk)?;
    let mut all = [blind.as_slice(), &V::late(ctx, run, chunk)?].concat();
    all.sort_unstable();
    let mut workers = Workers::default();
    grow(ctx, run, &mut workers, chunk, &all)?;
    histogram(ctx, run, chunk, all.chunk_by(|a, b| a.task == b.task).count())?;
    count_gold(ctx, run, &mut workers, chunk, &blind)?;
    let counted = workers.save(ctx, run)?;
    next(run, chunk)?;
    let answers = u64::try_from(all.len()).map_err(|_| Error::Overflow)?;
    let visits = answers.saturating_mul(LABEL_VISITS).saturating_add(questions(run).saturating_mul(QUESTION_VISITS));
    Ok(visits.saturating_add(counted.saturating_mul(STANDING_VISITS)))
}

/// Posteriors of a task: of a set, one for each label.
fn questions(run: &Running) -> u64 {
    if types::gives_sets(run.job.r#type()) { u64::try_from(run.job.classes.len()).unwrap_or(u64::MAX) } else { 1 }
}

/// Goes on to the chunk after this one, or ends.
fn next(run: &mut Running, chunk: u32) -> Result<()> {
    run.settlement()?.position = chunk.saturating_add(1).into();
    if chunk.saturating_add(1) >= formats::chunks(run.job.tasks) { finish(run) } else { Ok(()) }
}

/// A worker met in a chunk.
struct Met {
    worker: Worker,
    address: Address,
    /// Gold answered in the chunk, and how much of it right.
    seen: u32,
    hits: u32,
}

impl Met {
    /// Whether its labels are paid.
    fn is_paid(&self) -> bool {
        self.worker.result.as_ref().is_some_and(|result| result.score_q32 > 0)
    }
    /// Counts a gold answer; where the score rests on gold answers, by class too, for appeals that void some of them.
    fn meet_gold<V: Value>(&mut self, classes: u16, answer: V, truth: V) {
        let Some(result) = self.worker.result.as_mut() else { return };
        self.seen = self.seen.saturating_add(1);
        self.hits = self.hits.saturating_add(u32::from(answer == truth));
        if result.reason() == PayReason::GoldSkill {
            for (counts, class) in [(&mut result.gold_answers, answer.class(0)), (&mut result.gold_truths, truth.class(0))] {
                counts.resize(classes.into(), 0);
                if let Some(count) = counts.get_mut(usize::from(class)) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }
}

/// The workers met in a chunk, each read once and written once where it answered gold.
#[derive(Default)]
struct Workers(BTreeMap<u32, Met>);

impl Workers {
    fn get(&mut self, ctx: &Ctx, job: u64, number: u32) -> Result<&mut Met> {
        match self.0.entry(number) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let worker = WORKERS.get(ctx, &(job, number))?.ok_or(Error::Broken("a worker is missing"))?;
                let address = Address::parse(&worker.annotator)?;
                Ok(new.insert(Met { worker, address, seen: 0, hits: 0 }))
            }
        }
    }
    /// Writes what they made of the gold; into their standings too where the gold was sound. Gives how many they are.
    fn save(self, ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
        let sound = run.settlement()?.gold() == GoldVerdict::Sound;
        let skill = standing::skill(&run.job);
        let mut counted = 0_u64;
        for Met { mut worker, address, seen, hits } in self.0.into_values().filter(|met| met.seen > 0) {
            if sound {
                standing::count_gold(ctx, &address, &skill, seen, hits)?;
            }
            let result = worker.result.as_mut().ok_or(Error::Broken("gold of a worker without a result"))?;
            result.gold_seen = result.gold_seen.saturating_add(seen);
            result.gold_hits = result.gold_hits.saturating_add(hits);
            WORKERS.set(ctx, &(worker.job, worker.number), &worker)?;
            counted = counted.saturating_add(1);
        }
        Ok(counted)
    }
}

/// Appends the leaves of the answers whose workers were paid.
fn grow<V: Value>(ctx: &Ctx, run: &mut Running, workers: &mut Workers, chunk: u32, answers: &[Given<V>]) -> Result<()> {
    let chain = formats::chain32(&ctx.block().chain_id);
    let first = chunk.saturating_mul(formats::CHUNK);
    let mut tree = frontier(&run.settlement()?.frontier)?;
    let before = tree.size();
    for given in answers {
        let met = workers.get(ctx, run.id, given.worker)?;
        if met.is_paid() {
            let (task, payload) = (first.saturating_add(given.task.into()), given.value.payload(run)?);
            tree.push(formats::paid_payload_leaf(&chain, run.id, task, &met.address, &payload).ok_or(Error::Overflow)?);
        }
    }
    let settlement = run.settlement()?;
    settlement.frontier = tree.to_bytes();
    settlement.paid_labels = settlement.paid_labels.saturating_add(tree.size().saturating_sub(before));
    Ok(())
}

/// Counts the chunk's tasks by how certain their results are.
fn histogram(ctx: &Ctx, run: &mut Running, chunk: u32, labelled: usize) -> Result<()> {
    let beliefs = Beliefs::read(ctx, run, chunk)?;
    let tasks = formats::chunk_tasks(run.job.tasks, chunk).len();
    let settlement = run.settlement()?;
    for task in 0..u16::try_from(tasks).map_err(|_| Error::Overflow)? {
        count(settlement, beliefs.certainty(task))?;
    }
    let unlabelled = u64::try_from(tasks.saturating_sub(labelled)).map_err(|_| Error::Overflow)?;
    settlement.tasks_without_label = settlement.tasks_without_label.saturating_add(unlabelled);
    Ok(())
}

/// Counts the workers' blind answers to the chunk's gold, but for gold that the votes void: that counts for nobody.
fn count_gold<V: Value>(ctx: &Ctx, run: &Running, workers: &mut Workers, chunk: u32, blind: &[Given<V>]) -> Result<()> {
    let (truths, classes) = (V::truths(ctx, run, chunk)?, run.classes()?);
    let first = chunk.saturating_mul(formats::CHUNK);
    for votes in blind.chunk_by(|a, b| a.task == b.task) {
        let task = votes.first().map(|given| first.saturating_add(given.task.into()));
        let Some(truth) = task.and_then(|task| truths.get(&task).copied()) else { continue };
        if cairn_truth::is_void(votes.iter().map(|given| given.value), truth) {
            continue;
        }
        for given in votes {
            workers.get(ctx, run.id, given.worker)?.meet_gold(classes, given.value, truth);
        }
    }
    Ok(())
}

fn finish(run: &mut Running) -> Result<()> {
    seal(run)?;
    super::go_on(run, if lifecycle::are_pairs_opened(run) { SettleStep::Rank } else { SettleStep::Shares })
}

/// The tree of paid labels is whole.
pub(super) fn seal(run: &mut Running) -> Result<()> {
    let settlement = run.settlement()?;
    settlement.contributors_root = frontier(&settlement.frontier)?.root().to_vec();
    settlement.frontier = Vec::new();
    Ok(())
}

/// Counts a task by the posterior of its result.
pub(super) fn count(settlement: &mut Settlement, most: u16) -> Result<()> {
    settlement.posterior_histogram.resize(BARS, 0);
    let bar = usize::from(most).saturating_mul(BARS).checked_div(cairn_truth::WHOLE.into()).ok_or(Error::Overflow)?;
    let cell = settlement.posterior_histogram.get_mut(bar.min(BARS.saturating_sub(1))).ok_or(Error::Overflow)?;
    *cell = cell.saturating_add(1);
    Ok(())
}

/// A tree under work; empty bytes are the empty one.
pub(super) fn frontier(bytes: &[u8]) -> Result<Frontier> {
    if bytes.is_empty() {
        return Ok(Frontier::default());
    }
    Ok(Frontier::from_bytes(bytes).ok_or(Error::Broken("a tree under work cannot be read"))?)
}

/// The model of a settlement by its name.
pub(crate) fn model(name: &str) -> Result<Model> {
    Ok(Model::ALL.into_iter().find(|model| model.name() == name).ok_or(Error::Broken("a settlement's model is unknown"))?)
}
