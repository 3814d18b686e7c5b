//! First look at a chunk: how many labels each worker gave, how it did on gold, which gold is void.

use crate::{
    Error, Failure, GoldVerdict, Labels, Pages, Params,
    exact::{count, raise},
    gold::{Answers, is_void, read_gold},
    labels::read_labels,
    ledger::SumsMut,
    params::Gold,
    roster::Desk,
    visits::Work,
};

/// The gold answers of a chunk that its voters leave standing, and how many were opened and voided.
pub(crate) fn standing_gold<P: Pages>(
    pages: &P,
    params: &Params,
    chunk: u32,
    labels: &Labels,
) -> Result<(Answers, GoldVerdict), Failure<P::Error>> {
    let mut answers = read_gold(pages, params.tasks, params.classes, chunk)?;
    let opened = answers.len();
    for votes in labels.by_task() {
        if let Some(label) = votes.first()
            && answers.get(&label.task).is_some_and(|&truth| is_void(votes.iter().map(|label| label.class), truth))
        {
            answers.remove(&label.task);
        }
    }
    let void = opened.checked_sub(answers.len()).ok_or(Error::Overflow)?;
    let number = |answers: usize| u32::try_from(answers).map_err(|_| Error::Overflow);
    Ok((answers, GoldVerdict { opened: number(opened)?, void: number(void)? }))
}

/// What a chunk consists of.
pub(crate) struct Look {
    pub(crate) labels: u64,
    /// The fate of the gold.
    pub(crate) gold: GoldVerdict,
    /// The classes of the gold answers that stand, class k as bit k.
    pub(crate) truths: u64,
    pub(crate) visits: u64,
}

/// Counts the labels and gold answers of a chunk per worker.
pub(crate) fn tally<P: Pages>(pages: &P, params: &Params, desk: &mut Desk, chunk: u32) -> Result<Look, Failure<P::Error>> {
    let labels = read_labels(pages, params.tasks, params.classes, chunk)?;
    let (answers, gold) = match params.gold {
        Gold::Opened => standing_gold(pages, params, chunk, &labels)?,
        Gold::None | Gold::Unopened => (Answers::new(), GoldVerdict::default()),
    };
    for label in labels.all() {
        let tally = SumsMut::of(desk.tallies.row_mut(pages, label.worker)?)?;
        raise(tally.labels, 1)?;
        let Some(&truth) = answers.get(&label.task) else { continue };
        raise(tally.hits, u64::from(label.class == truth))?;
        raise(tally.answers.get_mut(usize::from(label.class)).ok_or(Error::Inconsistent)?, 1)?;
        raise(tally.truths.get_mut(usize::from(truth)).ok_or(Error::Inconsistent)?, 1)?;
    }
    let labels = count(labels.all().len())?;
    let work = Work { labels, cells: desk.tallies.take_loaded(), ..Work::default() };
    let mut truths = 0;
    for &truth in answers.values() {
        truths |= 1_u64.checked_shl(truth.into()).ok_or(Error::Overflow)?;
    }
    Ok(Look { labels, gold, truths, visits: work.visits(params.classes)? })
}
