//! RECORD: the tree of paid labels, the histogram of posteriors, and what each worker made of the gold.
use std::collections::{BTreeMap, btree_map::Entry};

use cairn_kernel::{Address, Ctx, Result, merkle::Frontier};
use cairn_proto::cairn::annotation::v1::{GoldVerdict, SettleStep, Settlement, Worker};
use cairn_truth::{Label, Model};

use super::{infer, sets};
use crate::{Error, formats, gold, job::Running, labels, lifecycle, standing, state::WORKERS, types};

/// Label visits of one label (its leaf is hashed, its worker read once a chunk), and of a task's posterior.
const LABEL_VISITS: u64 = 64;
const TASK_VISITS: u64 = 4;
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
    if types::gives_sets(run.job.r#type()) {
        return sets::record(ctx, run);
    }
    let chunk = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a chunk's number is too large"))?;
    let (tasks, classes) = (run.job.tasks, run.classes()?);
    let found = cairn_truth::read_labels(&labels::PagesView::new(ctx, run.id), tasks, classes, chunk).map_err(labels::failed)?;
    let late = cairn_truth::read_late_labels(&labels::PagesView::new(ctx, run.id), tasks, classes, chunk).map_err(labels::failed)?;
    let mut all = [found.all(), late.all()].concat();
    all.sort_unstable();
    let mut workers = Workers::default();
    let paid = grow(ctx, run, &mut workers, chunk, &all)?;
    histogram(ctx, run, chunk, all.chunk_by(|a, b| a.task == b.task).count())?;
    count_gold(ctx, run, &mut workers, chunk, found.by_task())?;
    let counted = workers.save(ctx, run)?;
    let settlement = run.settlement()?;
    settlement.paid_labels = settlement.paid_labels.saturating_add(paid);
    next(run, chunk)?;
    let labels = u64::try_from(all.len()).map_err(|_| Error::Overflow)?;
    let visits = labels.saturating_mul(LABEL_VISITS).saturating_add(u64::from(formats::CHUNK).saturating_mul(TASK_VISITS));
    Ok(visits.saturating_add(standing_visits(counted)))
}

/// Goes on to the chunk after this one, or ends.
pub(super) fn next(run: &mut Running, chunk: u32) -> Result<()> {
    run.settlement()?.position = chunk.saturating_add(1).into();
    if chunk.saturating_add(1) >= formats::chunks(run.job.tasks) { finish(run) } else { Ok(()) }
}

/// Label visits of counting so many workers' gold in their standings.
pub(super) fn standing_visits(workers: u64) -> u64 {
    workers.saturating_mul(STANDING_VISITS)
}

/// A worker met in a chunk.
pub(super) struct Met {
    worker: Worker,
    pub(super) address: Address,
    /// Gold answered in the chunk, and how much of it right.
    seen: u32,
    hits: u32,
}

impl Met {
    /// Whether its labels are paid.
    pub(super) fn is_paid(&self) -> bool {
        self.worker.result.as_ref().is_some_and(|result| result.score_q32 > 0)
    }
    /// Counts a gold answer.
    pub(super) fn meet_gold(&mut self, right: bool) {
        if self.worker.result.is_some() {
            self.seen = self.seen.saturating_add(1);
            self.hits = self.hits.saturating_add(u32::from(right));
        }
    }
}

/// The workers met in a chunk, each read once and written once where it answered gold.
#[derive(Default)]
pub(super) struct Workers(BTreeMap<u32, Met>);

impl Workers {
    pub(super) fn get(&mut self, ctx: &Ctx, job: u64, number: u32) -> Result<&mut Met> {
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
    pub(super) fn save(self, ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
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

/// Appends the leaves of the labels whose workers were paid. Gives their number.
fn grow(ctx: &Ctx, run: &mut Running, workers: &mut Workers, chunk: u32, labels: &[Label]) -> Result<u64> {
    let chain = formats::chain32(&ctx.block().chain_id);
    let first = chunk.saturating_mul(formats::CHUNK);
    let mut tree = frontier(&run.settlement()?.frontier)?;
    let before = tree.size();
    for label in labels {
        let met = workers.get(ctx, run.id, label.worker)?;
        if met.is_paid() {
            tree.push(formats::paid_leaf(&chain, run.id, first.saturating_add(label.task.into()), &met.address, label.class));
        }
    }
    run.settlement()?.frontier = tree.to_bytes();
    Ok(tree.size().saturating_sub(before))
}

/// Counts the chunk's tasks by the posterior of their most probable class.
fn histogram(ctx: &Ctx, run: &mut Running, chunk: u32, labelled: usize) -> Result<()> {
    let params = run.truth_params(infer::gold(run))?;
    let model = model(&run.settlement()?.model)?;
    let posteriors = cairn_truth::read_posteriors(&labels::PagesView::new(ctx, run.id), &params, model, chunk).map_err(labels::failed)?;
    let settlement = run.settlement()?;
    for shares in posteriors.tasks() {
        count(settlement, shares.iter().copied().max().unwrap_or(0))?;
    }
    let unlabelled = u64::from(params.tasks_in(chunk)).saturating_sub(u64::try_from(labelled).map_err(|_| Error::Overflow)?);
    settlement.tasks_without_label = settlement.tasks_without_label.saturating_add(unlabelled);
    Ok(())
}

/// Counts the workers' answers to the chunk's gold that the votes did not void.
fn count_gold<'l>(ctx: &Ctx, run: &Running, workers: &mut Workers, chunk: u32, tasks: impl Iterator<Item = &'l [Label]>) -> Result<()> {
    let truths = gold::opened(ctx, run.id, chunk)?;
    let first = chunk.saturating_mul(formats::CHUNK);
    for votes in tasks {
        let Some(truth) = votes.first().and_then(|label| truths.get(&first.saturating_add(label.task.into())).copied()) else { continue };
        if cairn_truth::is_void(votes.iter().map(|label| label.class), truth) {
            continue;
        }
        for label in votes {
            workers.get(ctx, run.id, label.worker)?.meet_gold(label.class == truth);
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
