//! The pages of a job of sets as one label sees them: a job of two classes, off and on.

use std::cell::Cell;

use super::{
    SetParams,
    answers::{Sets, read_gold_sets, read_late_sets, read_sets},
};
use crate::{Error, Failure, Page, Pages, ReadPages, exact::count, gold, labels};

/// Pages through the eyes of one label.
pub(super) struct LabelPages<P> {
    pages: P,
    params: SetParams,
    label: u8,
    /// Answers taken apart so far.
    answers: Cell<u64>,
}

impl<P> LabelPages<P> {
    pub(super) fn new(pages: P, params: SetParams, label: u8) -> LabelPages<P> {
        LabelPages { pages, params, label, answers: Cell::new(0) }
    }

    /// What taking answers apart has cost: half a visit each.
    pub(super) fn visits(&self) -> u64 {
        self.answers.get() / 2
    }

    fn class(&self, set: u64) -> u16 {
        u16::from(set & 1u64.checked_shl(self.label.into()).unwrap_or(0) != 0)
    }

    fn name(&self, page: Page) -> Page {
        let (kind, model, index) = page.parts();
        Page::OfLabel { label: self.label, kind, model, index }
    }

    /// The page of labels that the answers make.
    fn labels<E>(&self, sets: &Sets) -> Result<Option<Vec<u8>>, Failure<E>> {
        self.answers.set(self.answers.get().saturating_add(count(sets.all().len())?));
        Ok(Some(labels::page(sets.all().iter().map(|answer| (answer.task, answer.worker, self.class(answer.set))))))
    }
}

/// A store that is read only, or one that is written, too.
pub(super) trait Store {
    type Pages: ReadPages;
    fn pages(&self) -> &Self::Pages;
}

impl<P: ReadPages> Store for &P {
    type Pages = P;
    fn pages(&self) -> &P {
        self
    }
}

impl<P: ReadPages> Store for &mut P {
    type Pages = P;
    fn pages(&self) -> &P {
        self
    }
}

impl<S: Store> ReadPages for LabelPages<S> {
    type Error = Failure<<S::Pages as ReadPages>::Error>;

    fn read(&self, page: Page) -> Result<Option<Vec<u8>>, Self::Error> {
        let (pages, SetParams { tasks, labels, .. }) = (self.pages.pages(), self.params);
        match page {
            Page::Labels { chunk } => self.labels(&read_sets(pages, tasks, labels, chunk)?),
            Page::LateLabels { chunk } => self.labels(&read_late_sets(pages, tasks, labels, chunk)?),
            Page::Gold { chunk } => {
                let answers = read_gold_sets(pages, tasks, labels, chunk)?;
                Ok(Some(gold::page(answers.into_iter().map(|(task, set)| (task, self.class(set))))))
            }
            page => pages.read(self.name(page)).map_err(Failure::Pages),
        }
    }
}

impl<P: Pages> Pages for LabelPages<&mut P> {
    fn write(&mut self, page: Page, bytes: Vec<u8>) -> Result<(), Self::Error> {
        self.pages.write(self.name(page), bytes).map_err(Failure::Pages)
    }

    fn remove(&mut self, page: Page) -> Result<(), Self::Error> {
        self.pages.remove(self.name(page)).map_err(Failure::Pages)
    }
}

/// A failure behind the eyes of a label is one of the job.
pub(super) fn flat<E>(failure: Failure<Failure<E>>) -> Failure<E> {
    match failure {
        Failure::Pages(inner) => inner,
        Failure::Truth(error) => Failure::<E>::Truth(error),
    }
}

/// What the inference of a label may spend of a budget, so that taking answers apart fits, too: that costs half a visit where the
/// inference spends at least two thirds of one.
pub(super) fn within(budget: u64) -> u64 {
    (budget / 7).saturating_mul(4)
}

/// The number of a label.
pub(super) fn number(label: usize) -> Result<u8, Error> {
    u8::try_from(label).map_err(|_| Error::Overflow)
}
