//! The inference of sets: one label after the other, then one result for each worker.

use sha2::{Digest, Sha256};

use super::{
    SetParams,
    pool::Pool,
    view::{LabelPages, flat, number, within},
};
use crate::{
    Cursor, Error, Failure, GoldVerdict, Inference, Model, Page, Pages, Phase, Progress,
    exact::{add, count},
    gold::Gate,
    ledger::{Ledger, Subject, Sums},
    params::Gold,
    results,
    score::link,
    visits::Work,
};

/// First bytes of the digest.
const TAG: &[u8; 16] = b"cairn.sets.v1\0\0\0";

/// What was found for one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelOutcome {
    /// The model whose posteriors stand.
    pub model: Model,
    /// Its passes.
    pub passes: u8,
    /// What became of the label's gold.
    pub gold: GoldVerdict,
    /// The digest of the label's inference.
    pub digest: [u8; 32],
}

/// An inference of sets under way (see `record.rs` for its bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetInference {
    pub(super) params: SetParams,
    /// The labels that are done.
    pub(super) found: Vec<LabelOutcome>,
    /// The label under work; none where the workers are judged.
    pub(super) current: Option<Inference>,
    /// The sheet of workers that is judged next.
    pub(super) next: u32,
    pub(super) answers: u64,
    /// The chain of results.
    pub(super) results: [u8; 32],
}

/// What an inference of sets found, but for what its pages hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetOutcome {
    /// What was found for each label.
    pub labels: Vec<LabelOutcome>,
    /// Sets given by all workers.
    pub answers: u64,
    /// Whether unearned money may go back to the requester: not after false or unopened gold.
    pub refund_unearned: bool,
    /// SHA-256 over the digests of the labels and the results.
    pub digest: [u8; 32],
}

impl SetOutcome {
    /// The model of each label, to read posteriors by.
    pub fn models(&self) -> Vec<Model> {
        self.labels.iter().map(|label| label.model).collect()
    }

    /// More than a tenth of the labels have false gold.
    pub fn is_gold_false(&self) -> bool {
        let wrong = self.labels.iter().filter(|label| label.gold.is_false()).count();
        wrong.saturating_mul(10) > self.labels.len()
    }

    /// The part of the gold bond that is lost: each label bears an equal part of it, floor(bond / labels), and loses of it what
    /// [`GoldVerdict::slash`] says.
    ///
    /// # Errors
    /// Never for an outcome of an inference.
    pub fn slash(&self, bond: u128) -> Result<u128, Error> {
        let part = bond.checked_div(count(self.labels.len())?.into()).ok_or(Error::Overflow)?;
        self.labels.iter().try_fold(0u128, |lost, label| lost.checked_add(label.gold.slash(part)?).ok_or(Error::Overflow))
    }
}

impl SetInference {
    /// An inference of a job whose sets (and opened gold) stand in its pages.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn open(params: SetParams) -> Result<SetInference, Error> {
        params.validate()?;
        let current = Some(Inference::open(params.of_label())?);
        Ok(SetInference { params, found: vec![], current, next: 0, answers: 0, results: [0; 32] })
    }

    /// What it runs under.
    pub fn params(&self) -> &SetParams {
        &self.params
    }

    /// The label under work, and where its inference stands; none where the workers are judged or all is done.
    pub fn cursor(&self) -> Option<(u16, Cursor)> {
        self.current.as_ref().map(|inference| (u16::try_from(self.found.len()).unwrap_or(u16::MAX), inference.cursor()))
    }

    fn is_done(&self) -> bool {
        self.current.is_none() && self.next >= self.params.sheets()
    }

    /// Works on one chunk or sheet of one label, and on the next ones until `budget` label visits are spent. The result does not
    /// depend on the budgets.
    ///
    /// # Errors
    /// As [`Inference::step`]; the caller drops record and pages.
    pub fn step<P: Pages>(&mut self, pages: &mut P, budget: u64) -> Result<Progress, Failure<P::Error>> {
        let mut spent = 0;
        while !self.is_done() {
            let visits = match self.current.take() {
                Some(inference) => self.infer(pages, inference, within(budget.saturating_sub(spent)))?,
                None => self.judge(pages)?,
            };
            spent = add(spent, visits)?;
            if spent >= budget {
                break;
            }
        }
        Ok(Progress { spent, done: self.is_done() })
    }

    /// Goes on with the inference of a label: to the end of the budget, or of the label.
    fn infer<P: Pages>(&mut self, pages: &mut P, mut inference: Inference, budget: u64) -> Result<u64, Failure<P::Error>> {
        let label = number(self.found.len())?;
        let mut spent = 0;
        if inference.cursor().phase == Phase::Close {
            spent = self.pool(pages, &inference, label)?;
        }
        let mut view = LabelPages::new(&mut *pages, self.params, label);
        // In the phase `Close` one sheet at a time: each is pooled first.
        let (budget, stop) = if spent > 0 { (0, Phase::Done) } else { (budget, Phase::Close) };
        spent = add(spent, inference.step_to(&mut view, budget, stop).map_err(flat)?.spent)?;
        spent = add(spent, view.visits())?;
        let Some(outcome) = inference.outcome() else {
            self.current = Some(inference);
            return Ok(spent);
        };
        self.answers = outcome.labels;
        let (model, passes) = (outcome.model, outcome.passes);
        self.found.push(LabelOutcome { model, passes, gold: outcome.gold, digest: outcome.digest });
        if self.found.len() < self.params.labels.into() {
            self.current = Some(Inference::open(self.params.of_label())?);
        }
        Ok(spent)
    }

    /// Adds what a label's tallies and scores tell of the workers of the sheet that is closed next. At least one visit.
    fn pool<P: Pages>(&self, pages: &mut P, inference: &Inference, label: u8) -> Result<u64, Failure<P::Error>> {
        let (params, sheet, trusted) = (self.params.of_label(), inference.cursor().next, inference.is_trusted());
        let gate = if trusted { Some(Gate::new(params.classes, params.gate_bits)?) } else { None };
        let (mut tallies, mut scores) = (Ledger::new(Subject::Tallies, params), Ledger::new(Subject::Scores, params));
        let (whole, mut pools) = (inference.whole()?, Ledger::new(Subject::Pools, params));
        let first = sheet.checked_mul(params.sheet_workers()).ok_or(Error::Overflow)?;
        let last = first.checked_add(params.workers_on(sheet)).ok_or(Error::Overflow)?;
        for worker in first..last {
            let view = LabelPages::new(&*pages, self.params, label);
            let tally = Sums::of(tallies.row(&view, worker).map_err(flat)?)?;
            let score = Sums::of(scores.row(&view, worker).map_err(flat)?)?;
            let seen = tally.truths.iter().try_fold(0, |sum, &truths| add(sum, truths))?;
            let excluded = gate.as_ref().map_or(Ok(false), |gate| gate.excludes(tally.hits, seen))?;
            let row = pools.row_mut(&*pages, worker)?;
            let mut pool = Pool::read(row)?;
            pool.add(excluded, &whole, &tally, &score)?;
            row.copy_from_slice(&pool.row());
        }
        pools.flush(pages)?;
        let cells = add(add(tallies.take_loaded(), scores.take_loaded())?, pools.take_loaded())?;
        Ok(add(Work { cells, ..Work::default() }.visits(params.classes)?, 1)?)
    }

    /// Judges the workers of a sheet by their pools; only the results stay.
    fn judge<P: Pages>(&mut self, pages: &mut P) -> Result<u64, Failure<P::Error>> {
        let (params, sheet) = (self.params.of_label(), self.next);
        let mut pools = Ledger::new(Subject::Pools, params);
        let first = sheet.checked_mul(params.sheet_workers()).ok_or(Error::Overflow)?;
        let last = first.checked_add(params.workers_on(sheet)).ok_or(Error::Overflow)?;
        let mut found = vec![];
        for worker in first..last {
            found.push(Pool::read(pools.row(&*pages, worker)?)?.judge(&self.params)?);
        }
        let bytes = results::encode(&found);
        self.results = link(self.results, &bytes);
        pages.write(Page::Results { sheet }, bytes).map_err(Failure::Pages)?;
        pages.remove(Page::Pools { sheet }).map_err(Failure::Pages)?;
        self.next = self.next.checked_add(1).ok_or(Error::Overflow)?;
        let work = Work { cells: pools.take_loaded(), ..Work::default() };
        Ok(add(work.visits(params.classes)?, 1)?)
    }

    /// What was found, once the inference has ended.
    pub fn outcome(&self) -> Option<SetOutcome> {
        if !self.is_done() {
            return None;
        }
        let SetParams { tasks, labels, workers, .. } = self.params;
        let mut hasher = Sha256::new().chain_update(TAG).chain_update(tasks.to_be_bytes());
        hasher = hasher.chain_update(labels.to_be_bytes()).chain_update(workers.to_be_bytes());
        for label in &self.found {
            hasher = hasher.chain_update(label.digest);
        }
        let digest = hasher.chain_update(self.results).finalize().into();
        let mut outcome = SetOutcome { labels: self.found.clone(), answers: self.answers, refund_unearned: false, digest };
        outcome.refund_unearned = self.params.gold != Gold::Unopened && !outcome.is_gold_false();
        Some(outcome)
    }
}
