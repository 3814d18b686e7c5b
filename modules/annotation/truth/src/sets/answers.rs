//! Sets given to the tasks of a chunk: pages of answers, blind and late, and of gold.

use std::collections::BTreeMap;

use super::check_labels;
use crate::{
    CHUNK, Error, Failure, Page, Pages, ReadPages,
    bytes::Reader,
    labels::{first_task, locate},
    params::shape,
};

/// Format of the pages.
const VERSION: u8 = 1;

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetAnswer {
    /// Number of the task within its chunk.
    pub task: u16,
    /// Number of the worker within the job.
    pub worker: u32,
    /// Bit l tells whether label l is on.
    pub set: u64,
}

/// The answers of a chunk, ascending by task and worker, each pair once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sets(Vec<SetAnswer>);

/// The gold sets of a chunk by number of the task within it.
pub(super) type GoldSets = BTreeMap<u16, u64>;

/// Bytes of a set: one for each 8 labels.
fn width(labels: u16) -> usize {
    labels.div_ceil(8).into()
}

/// A set as bytes: label l is bit l % 8 of byte l / 8.
///
/// # Errors
/// A number of labels out of range, a label that the job does not have.
pub fn set_to_bytes(labels: u16, set: u64) -> Result<Vec<u8>, Error> {
    check_set(labels, set)?;
    Ok(set.to_le_bytes().into_iter().take(width(labels)).collect())
}

/// The set that bytes hold.
///
/// # Errors
/// Another length than [`set_to_bytes`] gives, a label that the job does not have.
pub fn set_from_bytes(labels: u16, bytes: &[u8]) -> Result<u64, Error> {
    check_labels(labels)?;
    if bytes.len() != width(labels) {
        return Err(Error::SetLength { found: bytes.len(), expected: width(labels) });
    }
    let set = bytes.iter().rev().fold(0, |set, &byte| (set << 8) | u64::from(byte));
    check_set(labels, set)?;
    Ok(set)
}

fn check_set(labels: u16, set: u64) -> Result<(), Error> {
    check_labels(labels)?;
    if set.checked_shr(labels.into()).unwrap_or(0) == 0 { Ok(()) } else { Err(Error::NoSuchLabel { set, labels }) }
}

impl Sets {
    /// All answers in order.
    pub fn all(&self) -> &[SetAnswer] {
        &self.0
    }

    /// The answers task by task, tasks without answers left out.
    pub fn by_task(&self) -> impl Iterator<Item = &[SetAnswer]> {
        self.0.chunk_by(|a, b| a.task == b.task)
    }

    /// Adds answers in any order. `chunk` is named in errors.
    fn add(&mut self, chunk: u32, answers: impl IntoIterator<Item = SetAnswer>) -> Result<(), Error> {
        self.0.extend(answers);
        self.0.sort();
        match self.repeated() {
            None => Ok(()),
            Some(again) => Err(Error::Repeated { worker: again.worker, task: first_task(chunk).saturating_add(again.task.into()) }),
        }
    }

    fn repeated(&self) -> Option<&SetAnswer> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        pairs.filter(|(a, b)| (a.task, a.worker) == (b.task, b.worker)).map(|(_, b)| b).next()
    }

    fn encode(&self, labels: u16) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![VERSION];
        for answer in &self.0 {
            bytes.extend(answer.task.to_be_bytes());
            bytes.extend(answer.worker.to_be_bytes());
            bytes.extend(set_to_bytes(labels, answer.set)?);
        }
        Ok(bytes)
    }

    fn decode((page, chunk): (Page, u32), bytes: &[u8], tasks: u32, labels: u16) -> Result<Sets, Error> {
        let damaged = |reason| Error::Damaged { page, reason };
        let mut reader = Reader(bytes);
        if reader.u8() != Some(VERSION) {
            return Err(damaged("unknown version"));
        }
        let last = tasks.saturating_sub(first_task(chunk)).min(CHUNK);
        let mut answers = vec![];
        while !reader.is_empty() {
            let (Some(task), Some(worker), Some(set)) = (reader.u16(), reader.u32(), reader.take(width(labels))) else {
                return Err(damaged("a record is cut off"));
            };
            let set = set_from_bytes(labels, set).map_err(|_| damaged("an answer is out of range"))?;
            if u32::from(task) >= last {
                return Err(damaged("an answer is out of range"));
            }
            answers.push(SetAnswer { task, worker, set });
        }
        let sets = Sets(answers);
        if !sets.0.is_sorted() || sets.repeated().is_some() {
            return Err(damaged("the answers are not in order"));
        }
        Ok(sets)
    }
}

/// Adds a worker's answers, given as (task, set), to the pages of a job with so many tasks and labels.
///
/// # Errors
/// An unknown task or label, a task that the worker has answered before. Chunks before the first error are written: the caller
/// undoes the whole message.
pub fn add_sets<P: Pages>(pages: &mut P, tasks: u32, labels: u16, worker: u32, answers: &[(u32, u64)]) -> Result<(), Failure<P::Error>> {
    add_all_sets(pages, tasks, labels, &answers.iter().map(|&(task, set)| (task, worker, set)).collect::<Vec<_>>())
}

/// Adds answers of many workers, given as (task, worker, set); otherwise as [`add_sets`].
///
/// # Errors
/// As [`add_sets`].
pub fn add_all_sets<P: Pages>(pages: &mut P, tasks: u32, labels: u16, answers: &[(u32, u32, u64)]) -> Result<(), Failure<P::Error>> {
    for (chunk, given) in by_chunk(tasks, labels, answers)? {
        let mut sets = read_sets(pages, tasks, labels, chunk)?;
        sets.add(chunk, given)?;
        pages.write(Page::Sets { chunk }, sets.encode(labels)?).map_err(Failure::Pages)?;
    }
    Ok(())
}

/// Adds late answers of many workers, given as (task, worker, set); otherwise as [`add_all_sets`].
///
/// # Errors
/// As [`add_sets`]; a task that the worker answered before, blind or late, is refused.
pub fn add_all_late_sets<P: Pages>(pages: &mut P, tasks: u32, labels: u16, answers: &[(u32, u32, u64)]) -> Result<(), Failure<P::Error>> {
    for (chunk, given) in by_chunk(tasks, labels, answers)? {
        let mut sets = read_late_sets(pages, tasks, labels, chunk)?;
        sets.add(chunk, given)?;
        read_sets(pages, tasks, labels, chunk)?.add(chunk, sets.0.iter().copied())?;
        pages.write(Page::LateSets { chunk }, sets.encode(labels)?).map_err(Failure::Pages)?;
    }
    Ok(())
}

fn by_chunk(tasks: u32, labels: u16, answers: &[(u32, u32, u64)]) -> Result<BTreeMap<u32, Vec<SetAnswer>>, Error> {
    shape(tasks, 2)?;
    check_labels(labels)?;
    let mut chunks = BTreeMap::<u32, Vec<SetAnswer>>::new();
    for &(task, worker, set) in answers {
        let (chunk, task) = locate(task, tasks)?;
        check_set(labels, set)?;
        chunks.entry(chunk).or_default().push(SetAnswer { task, worker, set });
    }
    Ok(chunks)
}

/// The answers of a chunk; none where none were added.
///
/// # Errors
/// [`Error::Damaged`] where the page does not follow its format.
pub fn read_sets<P: ReadPages>(pages: &P, tasks: u32, labels: u16, chunk: u32) -> Result<Sets, Failure<P::Error>> {
    read((Page::Sets { chunk }, chunk), pages, tasks, labels)
}

/// The late answers of a chunk; none where none were added.
///
/// # Errors
/// [`Error::Damaged`] where the page does not follow its format.
pub fn read_late_sets<P: ReadPages>(pages: &P, tasks: u32, labels: u16, chunk: u32) -> Result<Sets, Failure<P::Error>> {
    read((Page::LateSets { chunk }, chunk), pages, tasks, labels)
}

fn read<P: ReadPages>((page, chunk): (Page, u32), pages: &P, tasks: u32, labels: u16) -> Result<Sets, Failure<P::Error>> {
    match pages.read(page).map_err(Failure::Pages)? {
        Some(bytes) => Ok(Sets::decode((page, chunk), &bytes, tasks, labels)?),
        None => Ok(Sets::default()),
    }
}

/// Writes the opened gold sets of a chunk, given as (task, set) in any order; earlier ones of the chunk are replaced.
///
/// # Errors
/// An unknown task or label, a task of another chunk, two answers for one task; nothing is written then.
pub fn write_gold_sets<P: Pages>(
    pages: &mut P,
    tasks: u32,
    labels: u16,
    chunk: u32,
    truths: &[(u32, u64)],
) -> Result<(), Failure<P::Error>> {
    shape(tasks, 2)?;
    let mut answers = GoldSets::new();
    for &(task, set) in truths {
        let (found, local) = locate(task, tasks)?;
        if found != chunk {
            return Err(Error::OtherChunk { task, chunk }.into());
        }
        check_set(labels, set)?;
        if answers.insert(local, set).is_some() {
            return Err(Error::RepeatedGold { task }.into());
        }
    }
    let mut bytes = vec![VERSION];
    for (task, set) in answers {
        bytes.extend(task.to_be_bytes());
        bytes.extend(set_to_bytes(labels, set)?);
    }
    pages.write(Page::GoldSets { chunk }, bytes).map_err(Failure::Pages)
}

/// The opened gold sets of a chunk; none where none were written.
pub(super) fn read_gold_sets<P: ReadPages>(pages: &P, tasks: u32, labels: u16, chunk: u32) -> Result<GoldSets, Failure<P::Error>> {
    let page = Page::GoldSets { chunk };
    let Some(bytes) = pages.read(page).map_err(Failure::Pages)? else { return Ok(GoldSets::new()) };
    let damaged = |reason| Error::Damaged { page, reason };
    let mut reader = Reader(&bytes);
    if reader.u8() != Some(VERSION) {
        return Err(damaged("unknown version").into());
    }
    let last = tasks.saturating_sub(first_task(chunk)).min(CHUNK);
    let mut answers = GoldSets::new();
    while !reader.is_empty() {
        let (Some(task), Some(set)) = (reader.u16(), reader.take(width(labels))) else {
            return Err(damaged("a record is cut off").into());
        };
        let set = set_from_bytes(labels, set).map_err(|_| damaged("an answer is out of range"))?;
        if u32::from(task) >= last || answers.last_key_value().is_some_and(|(before, _)| *before >= task) {
            return Err(damaged("the answers are out of range or order").into());
        }
        answers.insert(task, set);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn a_set_has_one_byte_for_each_eight_labels() {
        assert_eq!(set_to_bytes(2, 0b10), Ok(vec![2]));
        assert_eq!(set_to_bytes(9, 0x101), Ok(vec![1, 1]));
        assert_eq!(set_to_bytes(64, u64::MAX), Ok(vec![255; 8]));
        for (labels, set) in [(2, 3), (8, 0x81), (9, 0x180), (63, 1 << 62), (64, 1 << 63)] {
            assert_eq!(set_from_bytes(labels, &set_to_bytes(labels, set).unwrap()), Ok(set));
        }
        assert_eq!(set_to_bytes(8, 0x100), Err(Error::NoSuchLabel { set: 0x100, labels: 8 }));
        assert_eq!(set_from_bytes(9, &[0, 2]), Err(Error::NoSuchLabel { set: 0x200, labels: 9 }));
        assert_eq!(set_from_bytes(9, &[0]), Err(Error::SetLength { found: 1, expected: 2 }));
        assert_eq!(set_from_bytes(8, &[0, 0]), Err(Error::SetLength { found: 2, expected: 1 }));
        assert!(set_to_bytes(1, 0).is_err() && set_from_bytes(65, &[0; 9]).is_err());
    }

    #[test]
    fn pages_do_not_depend_on_the_order_of_arrival_and_refuse_repeats() {
        let (mut one, mut other) = (Memory::default(), Memory::default());
        add_sets(&mut one, 2_000, 12, 7, &[(0, 0xfff), (1_024, 0)]).unwrap();
        add_sets(&mut one, 2_000, 12, 3, &[(1_999, 1), (0, 2)]).unwrap();
        add_all_sets(&mut other, 2_000, 12, &[(0, 3, 2), (1_024, 7, 0), (1_999, 3, 1), (0, 7, 0xfff)]).unwrap();
        assert_eq!(one, other);
        let sets = read_sets(&one, 2_000, 12, 0).unwrap();
        assert_eq!(sets.all(), [SetAnswer { task: 0, worker: 3, set: 2 }, SetAnswer { task: 0, worker: 7, set: 0xfff }]);
        assert_eq!(sets.by_task().count(), 1);
        let refused = |answers: &[(u32, u32, u64)]| add_all_sets(&mut one.clone(), 2_000, 12, answers).unwrap_err();
        assert_eq!(refused(&[(0, 3, 2)]), Error::Repeated { worker: 3, task: 0 }.into());
        assert_eq!(refused(&[(5, 1, 0x1000)]), Error::NoSuchLabel { set: 0x1000, labels: 12 }.into());
        assert_eq!(refused(&[(2_000, 1, 0)]), Error::NoSuchTask { task: 2_000, tasks: 2_000 }.into());
        assert!(add_sets(&mut one, 2_000, 65, 1, &[]).is_err());
        let late = add_all_late_sets(&mut one, 2_000, 12, &[(1_024, 7, 1)]).unwrap_err();
        assert_eq!(late, Error::Repeated { worker: 7, task: 1_024 }.into());
        add_all_late_sets(&mut one, 2_000, 12, &[(1_024, 3, 1)]).unwrap();
        assert_eq!(read_late_sets(&one, 2_000, 12, 1).unwrap().all().len(), 1);
    }

    #[test]
    fn gold_pages_hold_one_set_a_task_in_order() {
        let mut pages = Memory::default();
        write_gold_sets(&mut pages, 2_000, 4, 1, &[(1_999, 3), (1_024, 0)]).unwrap();
        assert_eq!(read_gold_sets(&pages, 2_000, 4, 1).unwrap(), GoldSets::from([(0, 0), (975, 3)]));
        assert!(read_gold_sets(&pages, 2_000, 4, 0).unwrap().is_empty());
        let mut refused = |truths: &[(u32, u64)]| write_gold_sets(&mut pages, 2_000, 4, 1, truths).unwrap_err();
        assert_eq!(refused(&[(0, 1)]), Error::OtherChunk { task: 0, chunk: 1 }.into());
        assert_eq!(refused(&[(1_024, 16)]), Error::NoSuchLabel { set: 16, labels: 4 }.into());
        assert_eq!(refused(&[(1_024, 1), (1_024, 2)]), Error::RepeatedGold { task: 1_024 }.into());
    }

    #[test]
    fn damaged_pages_are_noticed() {
        let reason = |page: Page, bytes: &[u8]| {
            let mut pages = Memory::default();
            pages.write(page, bytes.to_vec()).unwrap();
            let found = match page {
                Page::GoldSets { chunk } => read_gold_sets(&pages, 10, 3, chunk).map(|_| ()),
                _ => read_sets(&pages, 10, 3, 0).map(|_| ()),
            };
            match found {
                Err(Failure::Truth(Error::Damaged { reason, .. })) => reason,
                other => panic!("{other:?}"),
            }
        };
        let (sets, gold) = (Page::Sets { chunk: 0 }, Page::GoldSets { chunk: 0 });
        assert_eq!((reason(sets, &[]), reason(gold, &[2])), ("unknown version", "unknown version"));
        assert_eq!(reason(sets, &[1, 0, 0, 0, 0, 0, 0]), "a record is cut off");
        assert_eq!(reason(sets, &[1, 0, 10, 0, 0, 0, 0, 0]), "an answer is out of range");
        assert_eq!(reason(sets, &[1, 0, 0, 0, 0, 0, 0, 8]), "an answer is out of range");
        assert_eq!(reason(sets, &[&[1], &[0u8; 7].repeat(2)[..]].concat()), "the answers are not in order");
        assert_eq!(reason(gold, &[1, 0, 0]), "a record is cut off");
        assert_eq!(reason(gold, &[1, 0, 0, 8]), "an answer is out of range");
        assert_eq!(reason(gold, &[1, 0, 1, 0, 0, 1, 0]), "the answers are out of range or order");
    }
}
