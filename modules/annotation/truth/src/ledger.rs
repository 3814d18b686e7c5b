//! Numbers kept per worker: rows on sheets, each read once and written once in a step.

use std::collections::BTreeMap;

use crate::{Error, Failure, Model, Page, Pages, Params, ReadPages, bytes::Reader, exact, ranking::ITEM_WIDTH, sets::POOL_WIDTH};

/// Format of the pages.
const VERSION: u8 = 1;

/// What a ledger keeps, and with it the layout of a row of `u64` numbers for K classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Labels, right gold answers, K gold answers by class, K truths of the same tasks by class.
    Tallies,
    /// For each class labelled: K sums of the stored posteriors of the tasks that the worker labelled so.
    Counts(Model),
    /// Items of a ranking in place of workers (see `ranking.rs`).
    Items,
    /// What the labels of sets add up to (see `sets/pool.rs`).
    Pools,
    /// Scored labels n, Q32 sum of the leave-one-out probability of the labels, K labels by class, K Q32 sums of the posteriors.
    Scores,
}

impl Subject {
    pub(crate) fn page(self, sheet: u32) -> Page {
        match self {
            Subject::Tallies => Page::Tallies { sheet },
            Subject::Counts(model) => Page::Counts { model, sheet },
            Subject::Items => Page::Items { sheet },
            Subject::Pools => Page::Pools { sheet },
            Subject::Scores => Page::Scores { sheet },
        }
    }

    fn width(self, classes: u16) -> usize {
        let classes = usize::from(classes);
        match self {
            Subject::Counts(_) => classes.saturating_mul(classes),
            Subject::Items => ITEM_WIDTH,
            Subject::Pools => POOL_WIDTH,
            Subject::Tallies | Subject::Scores => classes.saturating_mul(2).saturating_add(2),
        }
    }
}

/// A row of the tallies or of the scores, taken apart.
#[derive(Clone, Copy)]
pub(crate) struct Sums<'a> {
    /// Labels; scored labels.
    pub(crate) labels: u64,
    /// Right gold answers; sum of the probabilities of the labels.
    pub(crate) hits: u64,
    /// The worker's answers by class.
    pub(crate) answers: &'a [u64],
    /// What was true of the same tasks by class.
    pub(crate) truths: &'a [u64],
}

impl<'a> Sums<'a> {
    pub(crate) fn of(row: &'a [u64]) -> Result<Sums<'a>, Error> {
        let [labels, hits, classes @ ..] = row else { return Err(Error::Inconsistent) };
        let (answers, truths) = classes.split_at_checked(classes.len() / 2).ok_or(Error::Inconsistent)?;
        Ok(Sums { labels: *labels, hits: *hits, answers, truths })
    }
}

/// A row of the tallies or of the scores, to be changed.
pub(crate) struct SumsMut<'a> {
    pub(crate) labels: &'a mut u64,
    pub(crate) hits: &'a mut u64,
    pub(crate) answers: &'a mut [u64],
    pub(crate) truths: &'a mut [u64],
}

impl<'a> SumsMut<'a> {
    pub(crate) fn of(row: &'a mut [u64]) -> Result<SumsMut<'a>, Error> {
        let [labels, hits, classes @ ..] = row else { return Err(Error::Inconsistent) };
        let half = classes.len() / 2;
        let (answers, truths) = classes.split_at_mut_checked(half).ok_or(Error::Inconsistent)?;
        Ok(SumsMut { labels, hits, answers, truths })
    }
}

struct Sheet {
    cells: Vec<u64>,
    changed: bool,
}

/// The sheets of one subject that a step has touched.
pub(crate) struct Ledger {
    subject: Subject,
    params: Params,
    width: usize,
    sheets: BTreeMap<u32, Sheet>,
    loaded: u64,
}

impl Ledger {
    pub(crate) fn new(subject: Subject, params: Params) -> Ledger {
        Ledger { subject, params, width: subject.width(params.classes), sheets: BTreeMap::new(), loaded: 0 }
    }

    pub(crate) fn subject(&self) -> Subject {
        self.subject
    }

    /// Numbers read from sheets since the last call.
    pub(crate) fn take_loaded(&mut self) -> u64 {
        std::mem::take(&mut self.loaded)
    }

    /// The row of a worker; zeros where nothing was written.
    pub(crate) fn row<P: ReadPages>(&mut self, pages: &P, worker: u32) -> Result<&[u64], Failure<P::Error>> {
        self.find(pages, worker, false).map(|row| &*row)
    }

    /// The row of a worker, to be changed.
    pub(crate) fn row_mut<P: ReadPages>(&mut self, pages: &P, worker: u32) -> Result<&mut [u64], Failure<P::Error>> {
        self.find(pages, worker, true)
    }

    fn find<P: ReadPages>(&mut self, pages: &P, worker: u32, change: bool) -> Result<&mut [u64], Failure<P::Error>> {
        let (number, place) = self.params.place(worker)?;
        if !self.sheets.contains_key(&number) {
            let cells = self.load(pages, number)?;
            self.loaded = exact::add(self.loaded, exact::count(cells.len())?)?;
            self.sheets.insert(number, Sheet { cells, changed: false });
        }
        let sheet = self.sheets.get_mut(&number).ok_or(Error::Inconsistent)?;
        sheet.changed |= change;
        Ok(sheet.cells.chunks_exact_mut(self.width).nth(place).ok_or(Error::Inconsistent)?)
    }

    fn load<P: ReadPages>(&self, pages: &P, number: u32) -> Result<Vec<u64>, Failure<P::Error>> {
        let page = self.subject.page(number);
        let rows = exact::index(self.params.workers_on(number).into())?;
        let expected = rows.checked_mul(self.width).ok_or(Error::Overflow)?;
        let Some(bytes) = pages.read(page).map_err(Failure::Pages)? else { return Ok(vec![0; expected]) };
        let mut reader = Reader(&bytes);
        if reader.u8() != Some(VERSION) {
            return Err(Error::Damaged { page, reason: "unknown version" }.into());
        }
        let mut cells = Vec::with_capacity(expected);
        while let Some(cell) = reader.u64() {
            cells.push(cell);
        }
        if cells.len() != expected || !reader.is_empty() {
            return Err(Error::Damaged { page, reason: "wrong length" }.into());
        }
        Ok(cells)
    }

    /// Writes what has changed and forgets all sheets.
    pub(crate) fn flush<P: Pages>(&mut self, pages: &mut P) -> Result<(), Failure<P::Error>> {
        for (number, sheet) in std::mem::take(&mut self.sheets) {
            if sheet.changed {
                let mut bytes = Vec::with_capacity(sheet.cells.len().saturating_mul(8).saturating_add(1));
                bytes.push(VERSION);
                for cell in sheet.cells {
                    bytes.extend(cell.to_be_bytes());
                }
                pages.write(self.subject.page(number), bytes).map_err(Failure::Pages)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, params::Gold};

    #[test]
    fn rows_survive_a_flush_and_untouched_ones_are_zero() {
        let params = Params::new(1, 2, 600, Gold::None);
        let mut pages = Memory::default();
        let mut ledger = Ledger::new(Subject::Counts(Model::DawidSkene), params);
        ledger.row_mut(&pages, 255).unwrap().copy_from_slice(&[1, 2, 3, u64::MAX]);
        ledger.row_mut(&pages, 599).unwrap().fill(9);
        assert_eq!(ledger.row(&pages, 256).unwrap(), [0; 4]);
        assert_eq!(ledger.take_loaded(), 4 * (256 + 256 + 88));
        ledger.flush(&mut pages).unwrap();
        assert_eq!(pages.iter().count(), 2, "a sheet that was only read is not written");
        assert_eq!(ledger.row(&pages, 255).unwrap(), [1, 2, 3, u64::MAX]);
        assert_eq!(ledger.row(&pages, 599).unwrap(), [9; 4]);
        let unknown = Error::NoSuchWorker { worker: 600, workers: 600 };
        assert_eq!(ledger.row(&pages, 600).unwrap_err(), unknown.into());
    }

    #[test]
    fn damaged_sheets_are_noticed() {
        let params = Params::new(1, 2, 1, Gold::None);
        for (bytes, expected) in [(vec![], "unknown version"), (vec![1; 8], "wrong length"), (vec![1; 50], "wrong length")] {
            let mut pages = Memory::default();
            pages.write(Page::Scores { sheet: 0 }, bytes).unwrap();
            let found = Ledger::new(Subject::Scores, params).row(&pages, 0).unwrap_err();
            assert!(matches!(found, Failure::Truth(Error::Damaged { reason, .. }) if reason == expected));
        }
    }
}
