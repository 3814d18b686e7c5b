//! Incremental EM on one chunk (Neal and Hinton 1998): the E-step of its tasks, the change of the workers' counts.

use crate::{
    Error, Failure, Label, Labels, Model, Page, Pages, Params,
    exact::{add, count, raise, shift, shift_signed},
    fixed::normalise,
    gold::Answers,
    labels::read_labels,
    posterior::{Posteriors, WHOLE, likeliest, read_posteriors, vote_shares},
    roster::{Desk, Roster, Votes},
    tally::standing_gold,
    visits::Work,
};

/// What a sweep did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sweep {
    /// Sum of the absolute changes of the stored posteriors.
    pub(crate) moved: u64,
    /// Gold tasks whose likeliest class is the gold answer.
    pub(crate) right: u64,
    /// Gold tasks with a label that counts.
    pub(crate) seen: u64,
    /// The price.
    pub(crate) visits: u64,
}

/// Changes of the posteriors of a chunk, summed up per pair of worker and class labelled.
pub(crate) struct Changes {
    classes: usize,
    by_pair: Vec<i64>,
    by_class: Vec<i64>,
    moved: u64,
}

impl Changes {
    pub(crate) fn new(roster: &Roster, classes: usize) -> Changes {
        Changes { classes, by_pair: vec![0; roster.pairs.len().saturating_mul(classes)], by_class: vec![0; classes], moved: 0 }
    }

    /// Books that the posterior of a task changed so much in each class.
    pub(crate) fn book(&mut self, votes: &Votes<'_>, change: &[i64]) -> Result<(), Error> {
        for (sum, &by) in self.by_class.iter_mut().zip(change) {
            shift_signed(sum, by)?;
            raise(&mut self.moved, by.unsigned_abs())?;
        }
        for (_, pair) in votes.counted() {
            let sums = self.by_pair.chunks_exact_mut(self.classes).nth(pair).ok_or(Error::Inconsistent)?;
            for (sum, &by) in sums.iter_mut().zip(change) {
                shift_signed(sum, by)?;
            }
        }
        Ok(())
    }

    /// Adds the changes to the workers' counts and to the sums of the job.
    pub(crate) fn apply<P: Pages>(self, pages: &P, desk: &mut Desk, roster: &Roster, sums: &mut [u64]) -> Result<(), Failure<P::Error>> {
        for (pair, changes) in roster.pairs.iter().zip(self.by_pair.chunks_exact(self.classes)) {
            let counts = desk.counts.row_mut(pages, pair.worker)?;
            let counts = counts.chunks_exact_mut(self.classes).nth(pair.class.into()).ok_or(Error::Inconsistent)?;
            for (cell, &by) in counts.iter_mut().zip(changes) {
                shift(cell, by)?;
            }
        }
        for (sum, &by) in sums.iter_mut().zip(&self.by_class) {
            shift(sum, by)?;
        }
        Ok(())
    }
}

/// Sets the posteriors of a chunk to the shares of the votes, weighed by gold, and books them; returns the visits.
pub(crate) fn start<P: Pages>(
    pages: &mut P,
    params: &Params,
    desk: &mut Desk,
    model: Model,
    chunk: u32,
    sums: &mut [u64],
) -> Result<u64, Failure<P::Error>> {
    let labels = read_labels(pages, params.tasks, params.classes, chunk)?;
    let roster = desk.muster(pages, &labels)?;
    let weights = desk.weights(pages, &roster)?;
    let mut posteriors = Posteriors::equal(params.tasks_in(chunk), params.classes)?;
    let mut changes = Changes::new(&roster, params.classes.into());
    let mut change = vec![];
    for votes in roster.tasks(&labels) {
        let shares = posteriors.task_mut(votes.task)?;
        let weighed = |(label, pair): (&Label, usize)| (label.class, weights.get(pair).copied().unwrap_or(0));
        vote_shares(votes.counted().map(weighed), shares)?;
        change.clear();
        change.extend(shares.iter().map(|&share| i64::from(share)));
        changes.book(&votes, &change)?;
    }
    changes.apply(pages, desk, &roster, sums)?;
    pages.write(Page::Posteriors { model, chunk }, posteriors.encode()).map_err(Failure::Pages)?;
    Ok(work(params, desk, &labels, &roster, chunk)?.visits(params.classes)?)
}

/// One sweep over a chunk: its posteriors from the counts as they stand, then the counts from the posteriors. `trusted` tells
/// whether the gold is to be compared with what comes out; it never takes part in the fit.
pub(crate) fn sweep<P: Pages>(
    pages: &mut P,
    params: &Params,
    desk: &mut Desk,
    (model, trusted): (Model, bool),
    chunk: u32,
    sums: &mut [u64],
) -> Result<Sweep, Failure<P::Error>> {
    let labels = read_labels(pages, params.tasks, params.classes, chunk)?;
    let roster = desk.muster(pages, &labels)?;
    let answers = if trusted { standing_gold(pages, params, chunk, &labels)?.0 } else { Answers::new() };
    let mut estimate = Estimate::new(pages, params, desk, model, &roster, sums)?;
    let mut posteriors = read_posteriors(pages, params, model, chunk)?;
    let mut changes = Changes::new(&roster, params.classes.into());
    let (mut right, mut seen) = (0, 0);
    let mut change = vec![];
    for votes in roster.tasks(&labels) {
        let posterior = posteriors.task_mut(votes.task)?;
        estimate.of(&votes)?;
        replace(posterior, estimate.normalised(WHOLE.into())?, &mut change)?;
        if change.iter().any(|&by| by != 0) {
            changes.book(&votes, &change)?;
        }
        if let Some(&truth) = answers.get(&votes.task) {
            right = add(right, u64::from(likeliest(posterior) == truth))?;
            seen = add(seen, 1)?;
        }
    }
    let moved = changes.moved;
    changes.apply(pages, desk, &roster, sums)?;
    pages.write(Page::Posteriors { model, chunk }, posteriors.encode()).map_err(Failure::Pages)?;
    Ok(Sweep { moved, right, seen, visits: work(params, desk, &labels, &roster, chunk)?.visits(params.classes)? })
}

/// Replaces a posterior and tells by how much each class changed.
pub(crate) fn replace(posterior: &mut [u16], shares: &[u64], change: &mut Vec<i64>) -> Result<(), Error> {
    change.clear();
    for (old, &share) in posterior.iter_mut().zip(shares) {
        let share = u16::try_from(share).map_err(|_| Error::Overflow)?;
        change.push(i64::from(share).saturating_sub(i64::from(*old)));
        *old = share;
    }
    Ok(())
}

/// What a sweep over a chunk consists of.
pub(crate) fn work(params: &Params, desk: &mut Desk, labels: &Labels, roster: &Roster, chunk: u32) -> Result<Work, Error> {
    Ok(Work {
        // Once for the task, once for the worker.
        labels: count(labels.all().len())?.saturating_mul(2),
        posteriors: params.tasks_in(chunk).into(),
        columns: count(roster.pairs.len())?,
        matrices: roster.members,
        cells: desk.take_loaded()?,
    })
}

/// The evidence on a task, from logarithms that hold for a whole chunk.
pub(crate) struct Estimate {
    classes: usize,
    prior: Vec<i64>,
    columns: Vec<i64>,
    likelihoods: Vec<i64>,
    without: Vec<i64>,
    shares: Vec<u64>,
}

impl Estimate {
    pub(crate) fn new<P: Pages>(
        pages: &P,
        params: &Params,
        desk: &mut Desk,
        model: Model,
        roster: &Roster,
        sums: &[u64],
    ) -> Result<Estimate, Failure<P::Error>> {
        let prior = model.prior(sums);
        Ok(Estimate {
            classes: params.classes.into(),
            columns: desk.columns(pages, model, roster)?,
            likelihoods: prior.clone(),
            without: prior.clone(),
            prior,
            shares: vec![],
        })
    }

    fn column(&self, pair: usize) -> Result<&[i64], Error> {
        self.columns.chunks_exact(self.classes).nth(pair).ok_or(Error::Inconsistent)
    }

    /// Takes up a task: the class frequencies and what each label says.
    pub(crate) fn of(&mut self, votes: &Votes<'_>) -> Result<(), Error> {
        self.likelihoods.copy_from_slice(&self.prior);
        for (_, pair) in votes.counted() {
            let column = self.columns.chunks_exact(self.classes).nth(pair).ok_or(Error::Inconsistent)?;
            for (likelihood, &log) in self.likelihoods.iter_mut().zip(column) {
                shift_signed(likelihood, log)?;
            }
        }
        Ok(())
    }

    /// The posterior of the task.
    pub(crate) fn normalised(&mut self, total: u64) -> Result<&[u64], Error> {
        normalise(&self.likelihoods, total, &mut self.shares)?;
        Ok(&self.shares)
    }

    /// The posterior of the task without what one pair says.
    pub(crate) fn normalised_without(&mut self, pair: usize, total: u64) -> Result<&[u64], Error> {
        let mut without = std::mem::take(&mut self.without);
        for ((left, &likelihood), &own) in without.iter_mut().zip(&self.likelihoods).zip(self.column(pair)?) {
            *left = likelihood.checked_sub(own).ok_or(Error::Overflow)?;
        }
        self.without = without;
        normalise(&self.without, total, &mut self.shares)?;
        Ok(&self.shares)
    }
}
