//! The inference of a job: a cursor over chunks and sheets that stops and goes on anywhere, with the same result.

use sha2::{Digest, Sha256};

use crate::{
    Error, Failure, GoldVerdict, Model, Page, Pages, Params,
    exact::{add, mul},
    gold::Gate,
    ledger::{Subject, Sums},
    params::Gold,
    pay::{Whole, is_one_class, judge},
    posterior::WHOLE,
    results,
    roster::Desk,
    score::{link, score, seal},
    sweep::{start, sweep},
    tally::tally,
    visits::Work,
};

/// Fewest passes over the chunks.
pub const LEAST_PASSES: u8 = 5;
/// Most passes over the chunks.
pub const MOST_PASSES: u8 = 10;
/// A pass is the last where the posteriors moved, in sum, by at most one part in so many of a task for each task.
const STILL: u64 = 1 << 20;
/// A model must get more than this many hundredths more of the gold right than the one it replaces.
const ADVANTAGE: u64 = 2;
/// First bytes of the digest.
const TAG: &[u8; 16] = b"cairn.truth.v1\0\0";

/// What an inference does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Counts labels and gold answers.
    Tally,
    /// Starts a model from the votes.
    Start,
    /// Sweeps over the chunks.
    Pass,
    /// Scores the labels for pay.
    Score,
    /// Writes the results and removes what is no longer needed.
    Close,
    /// Nothing: the results stand.
    Done,
}

impl Phase {
    const ALL: [Phase; 6] = [Phase::Tally, Phase::Start, Phase::Pass, Phase::Score, Phase::Close, Phase::Done];

    pub(crate) fn number(self) -> u8 {
        match self {
            Phase::Tally => 0,
            Phase::Start => 1,
            Phase::Pass => 2,
            Phase::Score => 3,
            Phase::Close => 4,
            Phase::Done => 5,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.number() == number)
    }
}

/// The fit of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) model: Model,
    /// Passes completed.
    pub(crate) passes: u8,
    /// How much the current pass moved the posteriors.
    pub(crate) moved: u64,
    /// Gold tasks that the current pass got right, and all it saw.
    pub(crate) right: u64,
    pub(crate) seen: u64,
    /// Sums of the stored posteriors by class.
    pub(crate) sums: Vec<u64>,
}

/// An inference under way: small, to be stored between steps (see `record.rs` for its bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    pub(crate) params: Params,
    pub(crate) phase: Phase,
    /// The chunk or sheet that comes next.
    pub(crate) next: u32,
    pub(crate) gold: GoldVerdict,
    /// The classes of the gold answers that stand, class k as bit k.
    pub(crate) truths: u64,
    pub(crate) labels: u64,
    /// The models fitted so far; the last one is under work.
    pub(crate) fits: Vec<Fit>,
    /// The model whose posteriors stand, by its place among the fits.
    pub(crate) chosen: u8,
    pub(crate) posteriors: [u8; 32],
    pub(crate) results: [u8; 32],
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Label visits spent.
    pub spent: u64,
    /// The results stand.
    pub done: bool,
}

/// Where an inference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// What it does next.
    pub phase: Phase,
    /// The model under work.
    pub model: Option<Model>,
    /// Passes of this model completed.
    pub passes: u8,
    /// The chunk, or in the phase `Close` the sheet, that comes next.
    pub next: u32,
}

/// What an inference found, but for what its pages hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The model whose posteriors stand.
    pub model: Model,
    /// Its passes.
    pub passes: u8,
    /// Labels of all workers.
    pub labels: u64,
    /// What became of the opened gold.
    pub gold: GoldVerdict,
    /// Whether unearned money may go back to the requester: not after false or unopened gold.
    pub refund_unearned: bool,
    /// SHA-256 over posteriors, model and results.
    pub digest: [u8; 32],
}

impl Inference {
    /// An inference of a job whose labels (and opened gold) stand in its pages.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn open(params: Params) -> Result<Inference, Error> {
        params.validate()?;
        Ok(Inference {
            params,
            phase: Phase::Tally,
            next: 0,
            gold: GoldVerdict::default(),
            truths: 0,
            labels: 0,
            fits: vec![],
            chosen: 0,
            posteriors: [0; 32],
            results: [0; 32],
        })
    }

    /// What it runs under.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Where it stands.
    pub fn cursor(&self) -> Cursor {
        let fit = self.fits.last();
        Cursor { phase: self.phase, model: fit.map(|fit| fit.model), passes: fit.map_or(0, |fit| fit.passes), next: self.next }
    }

    /// Works on one chunk or sheet, and on the next ones until `budget` label visits are spent. The result does not depend on the
    /// budgets. Sheets of workers are read and written once in a step.
    ///
    /// # Errors
    /// Damaged pages, labels of unknown workers, a failing store. The record and the pages are then half changed: the caller drops both.
    pub fn step<P: Pages>(&mut self, pages: &mut P, budget: u64) -> Result<Progress, Failure<P::Error>> {
        self.step_to(pages, budget, Phase::Done)
    }

    /// As [`Inference::step`], but stops before a phase.
    pub(crate) fn step_to<P: Pages>(&mut self, pages: &mut P, budget: u64, stop: Phase) -> Result<Progress, Failure<P::Error>> {
        let mut desk = Desk::new(self.params);
        let mut spent = 0;
        while self.phase != Phase::Done && self.phase != stop {
            spent = add(spent, self.advance(pages, &mut desk)?)?;
            if spent >= budget {
                break;
            }
        }
        desk.flush(pages)?;
        Ok(Progress { spent, done: self.phase == Phase::Done })
    }

    /// What was found, once the inference has ended.
    pub fn outcome(&self) -> Option<Outcome> {
        let fit = self.fits.get(usize::from(self.chosen)).filter(|_| self.phase == Phase::Done)?;
        let unopened = self.params.gold == Gold::Unopened;
        Some(Outcome {
            model: fit.model,
            passes: fit.passes,
            labels: self.labels,
            gold: self.gold,
            refund_unearned: !unopened && !self.gold.is_false(),
            digest: self.digest(fit.model),
        })
    }

    fn digest(&self, model: Model) -> [u8; 32] {
        Sha256::new()
            .chain_update(TAG)
            .chain_update(self.params.tasks.to_be_bytes())
            .chain_update(self.params.classes.to_be_bytes())
            .chain_update(self.params.workers.to_be_bytes())
            .chain_update([model.number()])
            .chain_update(self.posteriors)
            .chain_update(self.results)
            .finalize()
            .into()
    }

    pub(crate) fn is_trusted(&self) -> bool {
        self.phase != Phase::Tally && self.gold.is_trusted()
    }

    /// What the job as a whole looks like once a model stands.
    pub(crate) fn whole(&self) -> Result<Whole, Error> {
        let fit = self.fits.get(usize::from(self.chosen)).ok_or(Error::DamagedRecord)?;
        let trusted = self.is_trusted();
        Ok(Whole { trusted, one_class: is_one_class(&fit.sums)?, gold_of_two: trusted && self.truths.count_ones() > 1 })
    }

    /// Works on one chunk or sheet and moves on.
    fn advance<P: Pages>(&mut self, pages: &mut P, desk: &mut Desk) -> Result<u64, Failure<P::Error>> {
        let gate = if self.is_trusted() { Some(Gate::new(self.params.classes, self.params.gate_bits)?) } else { None };
        let model = self.model_at_work();
        desk.prepare(pages, gate, model)?;
        let visits = match self.phase {
            Phase::Tally => {
                let look = tally(pages, &self.params, desk, self.next)?;
                self.labels = add(self.labels, look.labels)?;
                self.gold.opened = self.gold.opened.checked_add(look.gold.opened).ok_or(Error::Overflow)?;
                self.gold.void = self.gold.void.checked_add(look.gold.void).ok_or(Error::Overflow)?;
                self.truths |= look.truths;
                look.visits
            }
            Phase::Start => {
                let fit = self.fits.last_mut().ok_or(Error::DamagedRecord)?;
                start(pages, &self.params, desk, model, self.next, &mut fit.sums)?
            }
            Phase::Pass => self.pass(pages, desk, model)?,
            Phase::Score => self.score(pages, desk, model)?,
            Phase::Close => self.close(pages, desk)?,
            Phase::Done => 0,
        };
        self.move_on()?;
        // Even an empty chunk costs a read.
        add(visits, 1).map_err(Into::into)
    }

    fn model_at_work(&self) -> Model {
        let place = match self.phase {
            Phase::Tally | Phase::Start | Phase::Pass => self.fits.len().saturating_sub(1),
            Phase::Score | Phase::Close | Phase::Done => self.chosen.into(),
        };
        self.fits.get(place).map_or(Model::DawidSkene, |fit| fit.model)
    }

    fn pass<P: Pages>(&mut self, pages: &mut P, desk: &mut Desk, model: Model) -> Result<u64, Failure<P::Error>> {
        let trusted = self.is_trusted();
        let fit = self.fits.last_mut().ok_or(Error::DamagedRecord)?;
        let sweep = sweep(pages, &self.params, desk, (model, trusted), self.next, &mut fit.sums)?;
        fit.moved = add(fit.moved, sweep.moved)?;
        fit.right = add(fit.right, sweep.right)?;
        fit.seen = add(fit.seen, sweep.seen)?;
        Ok(sweep.visits)
    }

    fn score<P: Pages>(&mut self, pages: &mut P, desk: &mut Desk, model: Model) -> Result<u64, Failure<P::Error>> {
        let chunk = self.next;
        let fit = self.fits.get(usize::from(self.chosen)).ok_or(Error::DamagedRecord)?;
        let visits = score(pages, &self.params, desk, model, chunk, &fit.sums)?;
        self.posteriors = seal(pages, model, chunk, self.posteriors)?;
        for other in self.fits.iter().map(|fit| fit.model).filter(|other| *other != model) {
            pages.remove(Page::Posteriors { model: other, chunk }).map_err(Failure::Pages)?;
        }
        Ok(visits)
    }

    /// Judges the workers of a sheet; only their results stay.
    fn close<P: Pages>(&mut self, pages: &mut P, desk: &mut Desk) -> Result<u64, Failure<P::Error>> {
        let sheet = self.next;
        // The ledgers of earlier phases must not write a sheet after it is removed.
        desk.flush(pages)?;
        let first = sheet.checked_mul(self.params.sheet_workers()).ok_or(Error::Overflow)?;
        let last = first.checked_add(self.params.workers_on(sheet)).ok_or(Error::Overflow)?;
        let (whole, mut found) = (self.whole()?, vec![]);
        for worker in first..last {
            let excluded = desk.is_excluded(pages, worker)?;
            let tally = Sums::of(desk.tallies.row(pages, worker)?)?;
            let score = Sums::of(desk.scores.row(pages, worker)?)?;
            found.push(judge(&self.params, excluded, &whole, &tally, &score)?);
        }
        let bytes = results::encode(&found);
        self.results = link(self.results, &bytes);
        pages.write(Page::Results { sheet }, bytes).map_err(Failure::Pages)?;
        let counts = self.fits.iter().map(|fit| Subject::Counts(fit.model));
        for subject in [Subject::Tallies, Subject::Scores].into_iter().chain(counts) {
            pages.remove(subject.page(sheet)).map_err(Failure::Pages)?;
        }
        let cells = add(desk.tallies.take_loaded(), desk.scores.take_loaded())?;
        Ok(Work { cells, ..Work::default() }.visits(self.params.classes)?)
    }

    /// Sets the cursor to the chunk or sheet that follows, and to the next phase after the last.
    fn move_on(&mut self) -> Result<(), Error> {
        self.next = self.next.checked_add(1).ok_or(Error::Overflow)?;
        let last = match self.phase {
            Phase::Tally | Phase::Start | Phase::Pass | Phase::Score => self.params.chunks(),
            Phase::Close | Phase::Done => self.params.sheets(),
        };
        if self.next < last {
            return Ok(());
        }
        self.next = 0;
        self.phase = match self.phase {
            Phase::Tally => self.begin(Model::DawidSkene),
            Phase::Start => Phase::Pass,
            Phase::Pass => self.after_pass()?,
            Phase::Score if self.params.sheets() > 0 => Phase::Close,
            Phase::Score | Phase::Close | Phase::Done => Phase::Done,
        };
        Ok(())
    }

    fn begin(&mut self, model: Model) -> Phase {
        let sums = vec![0; self.params.classes.into()];
        self.fits.push(Fit { model, passes: 0, moved: 0, right: 0, seen: 0, sums });
        Phase::Start
    }

    fn after_pass(&mut self) -> Result<Phase, Error> {
        let trusted = self.is_trusted();
        let fit = self.fits.last_mut().ok_or(Error::DamagedRecord)?;
        fit.passes = fit.passes.checked_add(1).ok_or(Error::Overflow)?;
        let still = mul(fit.moved, STILL)? <= mul(self.params.tasks.into(), WHOLE.into())?;
        if fit.passes < LEAST_PASSES || (!still && fit.passes < MOST_PASSES) {
            (fit.moved, fit.right, fit.seen) = (0, 0, 0);
            return Ok(Phase::Pass);
        }
        // Without gold to choose by, the other models need not be fitted.
        match fit.model.next().filter(|_| trusted) {
            Some(model) => Ok(self.begin(model)),
            None => {
                self.chosen = choose(&self.fits)?;
                Ok(Phase::Score)
            }
        }
    }
}

/// The place of the model that stands: each in turn replaces the one before where it is more than two points better on gold.
fn choose(fits: &[Fit]) -> Result<u8, Error> {
    let mut chosen = (0, fits.first().ok_or(Error::DamagedRecord)?.right);
    for (place, fit) in (0..).zip(fits).skip(1) {
        // All models see the same gold.
        if mul(fit.right, 100)? > add(mul(chosen.1, 100)?, mul(fit.seen, ADVANTAGE)?)? {
            chosen = (place, fit.right);
        }
    }
    Ok(chosen.0)
}
