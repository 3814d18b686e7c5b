//! Who labelled a chunk: each distinct pair of worker and class gets a number, so that the inner loops index plain vectors.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    Basis, Error, Failure, Label, Labels, Model, Pages, Params, WorkerResult,
    exact::{add, count},
    gold::Gate,
    ledger::{Ledger, Subject, Sums},
    model::Matrix,
    results::read_results,
};

/// Marks a worker not yet met, or a pair not yet met.
const UNKNOWN: u32 = u32::MAX;
/// Marks a worker that the gate keeps out.
const EXCLUDED: u32 = UNKNOWN - 1;

/// A worker who answered a class in this chunk.
pub(crate) struct Pair {
    pub(crate) worker: u32,
    pub(crate) class: u16,
}

/// The pairs of a chunk; what the gate keeps out has none.
pub(crate) struct Roster {
    pub(crate) pairs: Vec<Pair>,
    /// Workers with a pair.
    pub(crate) members: u64,
    /// For each label in order its pair, nothing for a label that does not count.
    seats: Vec<Option<usize>>,
}

/// The labels of one task.
pub(crate) struct Votes<'a> {
    pub(crate) task: u16,
    labels: &'a [Label],
    seats: &'a [Option<usize>],
}

impl<'a> Votes<'a> {
    /// The labels that count with the numbers of their pairs.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (&'a Label, usize)> + Clone + use<'a> {
        self.labels.iter().zip(self.seats).filter_map(|(label, seat)| seat.map(|pair| (label, pair)))
    }
}

impl Roster {
    /// The tasks that have a label that counts, ascending.
    pub(crate) fn tasks<'a>(&'a self, labels: &'a Labels) -> impl Iterator<Item = Votes<'a>> {
        let mut rest = self.seats.as_slice();
        labels.by_task().filter_map(move |labels| {
            let (seats, others) = rest.split_at_checked(labels.len())?;
            rest = others;
            let task = labels.first()?.task;
            seats.iter().any(Option::is_some).then_some(Votes { task, labels, seats })
        })
    }
}

/// By what workers are kept out.
enum Door {
    /// Nobody is.
    Open,
    /// Their gold answers, as tallied.
    Gate(Gate),
    /// The results of an inference that has ended, by sheet as far as they were read.
    Judged(BTreeMap<u32, Vec<WorkerResult>>),
}

/// Numbers in a result.
const RESULT_CELLS: u64 = 4;

/// What a step knows of the workers: their ledgers, and room to number those of a chunk.
pub(crate) struct Desk {
    params: Params,
    door: Door,
    /// Numbers of results read since they were last paid for.
    judged: u64,
    pub(crate) tallies: Ledger,
    pub(crate) counts: Ledger,
    pub(crate) scores: Ledger,
    /// For each worker of the job its number in the chunk.
    slots: Vec<u32>,
}

impl Desk {
    /// A desk for a job whose gate is not known yet.
    pub(crate) fn new(params: Params) -> Desk {
        Desk {
            params,
            door: Door::Open,
            judged: 0,
            tallies: Ledger::new(Subject::Tallies, params),
            counts: Ledger::new(Subject::Counts(Model::DawidSkene), params),
            scores: Ledger::new(Subject::Scores, params),
            slots: vec![],
        }
    }

    /// A desk for what follows an inference: its results tell who was kept out.
    pub(crate) fn after(params: Params, model: Model) -> Desk {
        let counts = Ledger::new(Subject::Counts(model), params);
        Desk { door: Door::Judged(BTreeMap::new()), counts, ..Desk::new(params) }
    }

    /// Numbers read from pages since the last call.
    pub(crate) fn take_loaded(&mut self) -> Result<u64, Error> {
        let mut cells = std::mem::take(&mut self.judged);
        for ledger in [&mut self.tallies, &mut self.counts, &mut self.scores] {
            cells = add(cells, ledger.take_loaded())?;
        }
        Ok(cells)
    }

    /// Sets the gate and the model whose counts are kept.
    pub(crate) fn prepare<P: Pages>(&mut self, pages: &mut P, gate: Option<Gate>, model: Model) -> Result<(), Failure<P::Error>> {
        self.door = gate.map_or(Door::Open, Door::Gate);
        if self.counts.subject() != Subject::Counts(model) {
            self.counts.flush(pages)?;
            self.counts = Ledger::new(Subject::Counts(model), self.params);
        }
        Ok(())
    }

    /// Writes all that has changed.
    pub(crate) fn flush<P: Pages>(&mut self, pages: &mut P) -> Result<(), Failure<P::Error>> {
        self.tallies.flush(pages)?;
        self.counts.flush(pages)?;
        self.scores.flush(pages)
    }

    /// Whether the gate keeps a worker out.
    pub(crate) fn is_excluded<P: Pages>(&mut self, pages: &P, worker: u32) -> Result<bool, Failure<P::Error>> {
        match &mut self.door {
            Door::Open => Ok(false),
            Door::Gate(gate) => {
                let tally = Sums::of(self.tallies.row(pages, worker)?)?;
                let seen = tally.truths.iter().try_fold(0, |sum, &truths| add(sum, truths))?;
                Ok(gate.excludes(tally.hits, seen)?)
            }
            Door::Judged(sheets) => {
                let (number, place) = self.params.place(worker)?;
                let results = match sheets.entry(number) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        let results = read_results(pages, &self.params, number)?;
                        self.judged = add(self.judged, count(results.len())?.saturating_mul(RESULT_CELLS))?;
                        new.insert(results)
                    }
                };
                let result = results.get(place).ok_or(Error::Inconsistent)?;
                Ok(result.basis == Basis::Excluded)
            }
        }
    }

    /// What the votes of each pair weigh at the start: behind a gate what gold says for their worker, in bits (Q16), nothing where it says
    /// something against; else all weigh nothing, which is alike.
    pub(crate) fn weights<P: Pages>(&mut self, pages: &P, roster: &Roster) -> Result<Vec<u64>, Failure<P::Error>> {
        let Door::Gate(gate) = self.door else { return Ok(vec![0; roster.pairs.len()]) };
        let mut weights = Vec::with_capacity(roster.pairs.len());
        for pair in &roster.pairs {
            let tally = Sums::of(self.tallies.row(pages, pair.worker)?)?;
            let seen = tally.truths.iter().try_fold(0, |sum, &truths| add(sum, truths))?;
            weights.push(u64::try_from(gate.evidence(tally.hits, seen)?).unwrap_or(0));
        }
        Ok(weights)
    }

    /// Numbers the workers and pairs of a chunk.
    pub(crate) fn muster<P: Pages>(&mut self, pages: &P, labels: &Labels) -> Result<Roster, Failure<P::Error>> {
        let workers = usize::try_from(self.params.workers).map_err(|_| Error::Overflow)?;
        let classes = usize::from(self.params.classes);
        self.slots.resize(workers, UNKNOWN);
        let mut roster = Roster { pairs: vec![], seats: Vec::with_capacity(labels.all().len()), members: 0 };
        let mut pair_numbers: Vec<Option<usize>> = vec![];
        for label in labels.all() {
            let slot = self.slot(pages, label.worker, &mut roster.members)?;
            if slot == EXCLUDED {
                roster.seats.push(None);
                continue;
            }
            let slot = usize::try_from(slot).map_err(|_| Error::Overflow)?;
            let known = slot.saturating_add(1).saturating_mul(classes);
            if pair_numbers.len() < known {
                pair_numbers.resize(known, None);
            }
            let of_worker = pair_numbers.chunks_exact_mut(classes).nth(slot).ok_or(Error::Inconsistent)?;
            let number = of_worker.get_mut(usize::from(label.class)).ok_or(Error::Inconsistent)?;
            if number.is_none() {
                *number = Some(roster.pairs.len());
                roster.pairs.push(Pair { worker: label.worker, class: label.class });
            }
            roster.seats.push(*number);
        }
        for label in labels.all() {
            if let Some(slot) = usize::try_from(label.worker).ok().and_then(|worker| self.slots.get_mut(worker)) {
                *slot = UNKNOWN;
            }
        }
        Ok(roster)
    }

    /// The number of a worker in the chunk; a new one where it is met for the first time.
    fn slot<P: Pages>(&mut self, pages: &P, worker: u32, members: &mut u64) -> Result<u32, Failure<P::Error>> {
        let index = usize::try_from(worker).map_err(|_| Error::Overflow)?;
        let unknown = Error::NoSuchWorker { worker, workers: self.params.workers };
        if *self.slots.get(index).ok_or(unknown)? == UNKNOWN {
            let slot = if self.is_excluded(pages, worker)? {
                EXCLUDED
            } else {
                let slot = u32::try_from(*members).map_err(|_| Error::Overflow)?;
                *members = add(*members, 1)?;
                slot
            };
            *self.slots.get_mut(index).ok_or(Error::Inconsistent)? = slot;
        }
        Ok(*self.slots.get(index).ok_or(Error::Inconsistent)?)
    }

    /// What each pair of the roster says: K logarithms a pair, from the counts as they stand.
    pub(crate) fn columns<P: Pages>(&mut self, pages: &P, model: Model, roster: &Roster) -> Result<Vec<i64>, Failure<P::Error>> {
        let classes = usize::from(self.params.classes);
        let mut order: Vec<(u32, u16, usize)> =
            roster.pairs.iter().zip(0..).map(|(pair, number)| (pair.worker, pair.class, number)).collect();
        order.sort_unstable();
        let mut columns = vec![0; roster.pairs.len().saturating_mul(classes)];
        let mut column = Vec::with_capacity(classes);
        for pairs in order.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(worker, ..)) = pairs.first() else { continue };
            let matrix = Matrix::new(model, self.counts.row(pages, worker)?, classes)?;
            for &(_, class, number) in pairs {
                column.clear();
                matrix.column(class, classes, &mut column)?;
                columns.chunks_exact_mut(classes).nth(number).ok_or(Error::Inconsistent)?.copy_from_slice(&column);
            }
        }
        Ok(columns)
    }
}
