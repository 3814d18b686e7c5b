//! Scores for pay: each label against the posterior of its task without it.

use sha2::{Digest, Sha256};

use crate::{
    Error, Failure, Model, Page, Pages, Params,
    exact::{add, raise},
    fixed::ONE,
    labels::read_labels,
    ledger::SumsMut,
    roster::{Desk, Roster},
    sweep::{Estimate, work},
};

/// A label is scored where at least so many others of its task count.
const OTHERS: usize = 2;

/// What the labels of each pair add up to.
struct Scores {
    classes: usize,
    /// Labels and the sum of their probabilities.
    labels: Vec<(u64, u64)>,
    truths: Vec<u64>,
}

impl Scores {
    fn book(&mut self, pair: usize, class: u16, posterior: &[u64]) -> Result<(), Error> {
        let (labels, hits) = self.labels.get_mut(pair).ok_or(Error::Inconsistent)?;
        raise(labels, 1)?;
        raise(hits, *posterior.get(usize::from(class)).ok_or(Error::Inconsistent)?)?;
        let truths = self.truths.chunks_exact_mut(self.classes).nth(pair).ok_or(Error::Inconsistent)?;
        for (sum, &share) in truths.iter_mut().zip(posterior) {
            raise(sum, share)?;
        }
        Ok(())
    }

    fn apply<P: Pages>(self, pages: &P, desk: &mut Desk, roster: &Roster) -> Result<(), Failure<P::Error>> {
        for ((pair, (labels, hits)), truths) in roster.pairs.iter().zip(self.labels).zip(self.truths.chunks_exact(self.classes)) {
            let score = SumsMut::of(desk.scores.row_mut(pages, pair.worker)?)?;
            raise(score.labels, labels)?;
            raise(score.hits, hits)?;
            raise(score.answers.get_mut(usize::from(pair.class)).ok_or(Error::Inconsistent)?, labels)?;
            for (sum, &by) in score.truths.iter_mut().zip(truths) {
                raise(sum, by)?;
            }
        }
        Ok(())
    }
}

/// Books the scores of the labels of a chunk; returns the visits.
pub(crate) fn score<P: Pages>(
    pages: &P,
    params: &Params,
    desk: &mut Desk,
    model: Model,
    chunk: u32,
    sums: &[u64],
) -> Result<u64, Failure<P::Error>> {
    let labels = read_labels(pages, params.tasks, params.classes, chunk)?;
    let roster = desk.muster(pages, &labels)?;
    let mut estimate = Estimate::new(pages, params, desk, model, &roster, sums)?;
    let classes = usize::from(params.classes);
    let pairs = roster.pairs.len();
    let mut scores = Scores { classes, labels: vec![(0, 0); pairs], truths: vec![0; pairs.saturating_mul(classes)] };
    let mut scored = 0;
    for votes in roster.tasks(&labels).filter(|votes| votes.counted().count() > OTHERS) {
        estimate.of(&votes)?;
        for (label, pair) in votes.counted() {
            scores.book(pair, label.class, estimate.normalised_without(pair, ONE)?)?;
            scored = add(scored, 1)?;
        }
    }
    scores.apply(pages, desk, &roster)?;
    let mut work = work(params, desk, &labels, &roster, chunk)?;
    work.posteriors = scored;
    Ok(work.visits(params.classes)?)
}

/// SHA-256 of a chain so far and the bytes of the page that follows.
pub(crate) fn link(chain: [u8; 32], page: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(chain).chain_update(page).finalize().into()
}

/// Adds the posteriors of a chunk to the chain of the digest.
pub(crate) fn seal<P: Pages>(pages: &P, model: Model, chunk: u32, chain: [u8; 32]) -> Result<[u8; 32], Failure<P::Error>> {
    let page = Page::Posteriors { model, chunk };
    let bytes = pages.read(page).map_err(Failure::Pages)?.ok_or(Error::Damaged { page, reason: "missing" })?;
    Ok(link(chain, &bytes))
}
