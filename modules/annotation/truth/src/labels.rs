//! Labels of a chunk, blind and late, in one order whatever the order of their arrival.

use std::collections::BTreeMap;

use crate::{CHUNK, Error, Failure, Page, Pages, ReadPages, bytes::Reader, params::shape};

/// Format of the page.
const VERSION: u8 = 1;
const RECORD: usize = 8;

/// One label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Number of the task within its chunk.
    pub task: u16,
    /// Number of the worker within the job.
    pub worker: u32,
    /// The class the worker chose.
    pub class: u16,
}

/// The labels of a chunk, ascending by task and worker, each pair once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(Vec<Label>);

impl Labels {
    /// All labels in order.
    pub fn all(&self) -> &[Label] {
        &self.0
    }

    /// The labels task by task, tasks without labels left out.
    pub fn by_task(&self) -> impl Iterator<Item = &[Label]> {
        self.0.chunk_by(|a, b| a.task == b.task)
    }

    /// Blind and late labels of a chunk in one order.
    pub(crate) fn merged(mut self, chunk: u32, others: &Labels) -> Result<Labels, Error> {
        self.add(chunk, others.all().iter().copied())?;
        Ok(self)
    }

    /// Adds labels in any order. `chunk` is named in errors.
    fn add(&mut self, chunk: u32, labels: impl IntoIterator<Item = Label>) -> Result<(), Error> {
        self.0.extend(labels);
        // The stable sort merges the runs that are there: the labels known are sorted already.
        self.0.sort();
        match repeated(&self.0) {
            None => Ok(()),
            Some(label) => Err(Error::Repeated { worker: label.worker, task: first_task(chunk).saturating_add(label.task.into()) }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        page(self.0.iter().map(|label| (label.task, label.worker, label.class)))
    }

    /// Reads a page and checks all that [`Labels`] promises.
    fn decode((page, chunk): (Page, u32), bytes: &[u8], tasks: u32, classes: u16) -> Result<Labels, Error> {
        let damaged = |reason| Error::Damaged { page, reason };
        let mut reader = Reader(bytes);
        if reader.u8() != Some(VERSION) {
            return Err(damaged("unknown version"));
        }
        let mut labels = Vec::with_capacity(bytes.len().checked_div(RECORD).ok_or(Error::Overflow)?);
        while !reader.is_empty() {
            let (Some(task), Some(worker), Some(class)) = (reader.u16(), reader.u32(), reader.u16()) else {
                return Err(damaged("a record is cut off"));
            };
            labels.push(Label { task, worker, class });
        }
        let last = tasks.saturating_sub(first_task(chunk)).min(CHUNK);
        if labels.iter().any(|label| u32::from(label.task) >= last || label.class >= classes) {
            return Err(damaged("a label is out of range"));
        }
        if !labels.is_sorted() || repeated(&labels).is_some() {
            return Err(damaged("the labels are not in order"));
        }
        Ok(Labels(labels))
    }
}

/// The page of labels given as (task, worker, class), in order.
pub(crate) fn page(labels: impl ExactSizeIterator<Item = (u16, u32, u16)>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(labels.len().saturating_mul(RECORD).saturating_add(1));
    bytes.push(VERSION);
    for (task, worker, class) in labels {
        bytes.extend(task.to_be_bytes());
        bytes.extend(worker.to_be_bytes());
        bytes.extend(class.to_be_bytes());
    }
    bytes
}

fn repeated(sorted: &[Label]) -> Option<&Label> {
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    pairs.filter(|(a, b)| (a.task, a.worker) == (b.task, b.worker)).map(|(_, b)| b).next()
}

/// The first task of a chunk.
pub(crate) fn first_task(chunk: u32) -> u32 {
    chunk.saturating_mul(CHUNK)
}

/// Splits the number of a task into its chunk and its number there.
pub(crate) fn locate(task: u32, tasks: u32) -> Result<(u32, u16), Error> {
    if task >= tasks {
        return Err(Error::NoSuchTask { task, tasks });
    }
    let chunk = task / CHUNK;
    Ok((chunk, u16::try_from(task % CHUNK).map_err(|_| Error::Overflow)?))
}

/// Adds a worker's labels, given as (task, class), to the pages of a job with so many tasks and classes. Of one worker at a time:
/// the pages touched are read and written once.
///
/// # Errors
/// An unknown task or class, a task that the worker has labelled before. Nothing is written for the chunk in which the first
/// error lies, chunks before it are written: the caller undoes the whole message.
pub fn add_labels<P: Pages>(pages: &mut P, tasks: u32, classes: u16, worker: u32, answers: &[(u32, u16)]) -> Result<(), Failure<P::Error>> {
    add_all(pages, tasks, classes, &answers.iter().map(|&(task, class)| (task, worker, class)).collect::<Vec<_>>())
}

/// Adds labels of many workers, given as (task, worker, class); otherwise as [`add_labels`].
///
/// # Errors
/// As [`add_labels`].
pub fn add_all<P: Pages>(pages: &mut P, tasks: u32, classes: u16, answers: &[(u32, u32, u16)]) -> Result<(), Failure<P::Error>> {
    for (chunk, given) in by_chunk(tasks, classes, answers)? {
        let mut labels = read_labels(pages, tasks, classes, chunk)?;
        labels.add(chunk, given)?;
        pages.write(Page::Labels { chunk }, labels.encode()).map_err(Failure::Pages)?;
    }
    Ok(())
}

/// Adds a worker's late labels; otherwise as [`add_labels`].
///
/// # Errors
/// As [`add_labels`]; a task that the worker labelled before, blind or late, is refused.
pub fn add_late_labels<P: Pages>(
    pages: &mut P,
    tasks: u32,
    classes: u16,
    worker: u32,
    answers: &[(u32, u16)],
) -> Result<(), Failure<P::Error>> {
    add_all_late(pages, tasks, classes, &answers.iter().map(|&(task, class)| (task, worker, class)).collect::<Vec<_>>())
}

/// Adds late labels of many workers, given as (task, worker, class); otherwise as [`add_late_labels`].
///
/// # Errors
/// As [`add_late_labels`].
pub fn add_all_late<P: Pages>(pages: &mut P, tasks: u32, classes: u16, answers: &[(u32, u32, u16)]) -> Result<(), Failure<P::Error>> {
    for (chunk, given) in by_chunk(tasks, classes, answers)? {
        let mut labels = read_late_labels(pages, tasks, classes, chunk)?;
        labels.add(chunk, given)?;
        read_labels(pages, tasks, classes, chunk)?.add(chunk, labels.all().iter().copied())?;
        pages.write(Page::LateLabels { chunk }, labels.encode()).map_err(Failure::Pages)?;
    }
    Ok(())
}

/// Checks labels given as (task, worker, class) and sorts them by chunk.
fn by_chunk(tasks: u32, classes: u16, answers: &[(u32, u32, u16)]) -> Result<BTreeMap<u32, Vec<Label>>, Error> {
    shape(tasks, classes)?;
    let mut chunks = BTreeMap::<u32, Vec<Label>>::new();
    for &(task, worker, class) in answers {
        let (chunk, task) = locate(task, tasks)?;
        if class >= classes {
            return Err(Error::NoSuchClass { class, classes });
        }
        chunks.entry(chunk).or_default().push(Label { task, worker, class });
    }
    Ok(chunks)
}

/// The labels of a chunk; none where none were added.
///
/// # Errors
/// [`Error::Damaged`] where the page does not follow its format.
pub fn read_labels<P: ReadPages>(pages: &P, tasks: u32, classes: u16, chunk: u32) -> Result<Labels, Failure<P::Error>> {
    read((Page::Labels { chunk }, chunk), pages, tasks, classes)
}

/// The late labels of a chunk; none where none were added.
///
/// # Errors
/// [`Error::Damaged`] where the page does not follow its format.
pub fn read_late_labels<P: ReadPages>(pages: &P, tasks: u32, classes: u16, chunk: u32) -> Result<Labels, Failure<P::Error>> {
    read((Page::LateLabels { chunk }, chunk), pages, tasks, classes)
}

fn read<P: ReadPages>((page, chunk): (Page, u32), pages: &P, tasks: u32, classes: u16) -> Result<Labels, Failure<P::Error>> {
    match pages.read(page).map_err(Failure::Pages)? {
        Some(bytes) => Ok(Labels::decode((page, chunk), &bytes, tasks, classes)?),
        None => Ok(Labels::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn pages_do_not_depend_on_the_order_of_arrival() {
        let (mut one, mut other) = (Memory::default(), Memory::default());
        add_labels(&mut one, 2_000, 3, 7, &[(0, 1), (1_024, 2)]).unwrap();
        add_labels(&mut one, 2_000, 3, 65_536, &[(0, 0), (1_999, 1), (5, 2)]).unwrap();
        add_labels(&mut other, 2_000, 3, 65_536, &[(5, 2), (1_999, 1), (0, 0)]).unwrap();
        add_labels(&mut other, 2_000, 3, 7, &[(1_024, 2), (0, 1)]).unwrap();
        assert_eq!(one, other);
        let labels = read_labels(&one, 2_000, 3, 0).unwrap();
        assert_eq!(labels.by_task().map(<[Label]>::len).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(labels.all().first(), Some(&Label { task: 0, worker: 7, class: 1 }));
        assert_eq!(read_labels(&one, 2_000, 3, 1).unwrap().all().len(), 2);
    }

    #[test]
    fn hostile_labels_are_refused() {
        let mut pages = Memory::default();
        let refused = |pages: &mut Memory, answers: &[(u32, u16)]| add_labels(pages, 10, 3, 1, answers).unwrap_err();
        assert_eq!(refused(&mut pages, &[(10, 0)]), Error::NoSuchTask { task: 10, tasks: 10 }.into());
        assert_eq!(refused(&mut pages, &[(u32::MAX, 0)]), Error::NoSuchTask { task: u32::MAX, tasks: 10 }.into());
        assert_eq!(refused(&mut pages, &[(0, 3)]), Error::NoSuchClass { class: 3, classes: 3 }.into());
        assert_eq!(refused(&mut pages, &[(4, 0), (4, 1)]), Error::Repeated { worker: 1, task: 4 }.into());
        assert_eq!(pages, Memory::default());
        add_labels(&mut pages, 10, 3, 1, &[(9, 2)]).unwrap();
        assert_eq!(refused(&mut pages, &[(9, 2)]), Error::Repeated { worker: 1, task: 9 }.into());
        assert!(add_labels(&mut pages, 10, 1, 2, &[]).is_err());
    }

    #[test]
    fn late_labels_lie_apart_and_a_worker_labels_a_task_once() {
        let mut pages = Memory::default();
        add_labels(&mut pages, 2_000, 3, 1, &[(9, 2), (1_500, 0)]).unwrap();
        add_late_labels(&mut pages, 2_000, 3, 1, &[(1_501, 1), (3, 1)]).unwrap();
        add_all_late(&mut pages, 2_000, 3, &[(1_500, 2, 2), (9, 2, 0)]).unwrap();
        assert_eq!(read_labels(&pages, 2_000, 3, 1).unwrap().all().len(), 1);
        let late = read_late_labels(&pages, 2_000, 3, 1).unwrap();
        assert_eq!(late.all(), [Label { task: 476, worker: 2, class: 2 }, Label { task: 477, worker: 1, class: 1 }]);
        let before = pages.clone();
        let mut refused = |worker, answers: &[(u32, u16)]| add_late_labels(&mut pages, 2_000, 3, worker, answers).unwrap_err();
        assert_eq!(refused(1, &[(9, 0)]), Error::Repeated { worker: 1, task: 9 }.into());
        assert_eq!(refused(2, &[(1_500, 2)]), Error::Repeated { worker: 2, task: 1_500 }.into());
        assert_eq!(refused(2, &[(5, 2), (5, 2)]), Error::Repeated { worker: 2, task: 5 }.into());
        assert_eq!(refused(2, &[(2_000, 2)]), Error::NoSuchTask { task: 2_000, tasks: 2_000 }.into());
        assert_eq!(refused(2, &[(0, 3)]), Error::NoSuchClass { class: 3, classes: 3 }.into());
        assert_eq!(pages, before);
    }

    #[test]
    fn damaged_pages_are_noticed() {
        let page = Page::Labels { chunk: 0 };
        let reason = |bytes: &[u8]| {
            let mut pages = Memory::default();
            pages.write(page, bytes.to_vec()).unwrap();
            match read_labels(&pages, 10, 3, 0) {
                Err(Failure::Truth(Error::Damaged { reason, .. })) => reason,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(reason(&[]), "unknown version");
        assert_eq!(reason(&[2]), "unknown version");
        assert_eq!(reason(&[1, 0, 0, 0]), "a record is cut off");
        assert_eq!(reason(&[1, 0, 10, 0, 0, 0, 0, 0, 0]), "a label is out of range");
        assert_eq!(reason(&[1, 0, 0, 0, 0, 0, 0, 0, 3]), "a label is out of range");
        let twice = [0, 0, 0, 0, 0, 1, 0, 0].repeat(2);
        assert_eq!(reason(&[&[1], &twice[..]].concat()), "the labels are not in order");
    }
}
