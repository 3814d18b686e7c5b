//! Labels of a chunk, in one order whatever the order of their arrival.

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
        let mut bytes = Vec::with_capacity(self.0.len().saturating_mul(RECORD).saturating_add(1));
        bytes.push(VERSION);
        for label in &self.0 {
            bytes.extend(label.task.to_be_bytes());
            bytes.extend(label.worker.to_be_bytes());
            bytes.extend(label.class.to_be_bytes());
        }
        bytes
    }

    /// Reads a page and checks all that [`Labels`] promises.
    fn decode(chunk: u32, bytes: &[u8], tasks: u32, classes: u16) -> Result<Labels, Error> {
        let damaged = |reason| Error::Damaged { page: Page::Labels { chunk }, reason };
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
    shape(tasks, classes)?;
    let mut located = Vec::with_capacity(answers.len());
    for &(task, worker, class) in answers {
        let (chunk, task) = locate(task, tasks)?;
        if class >= classes {
            return Err(Error::NoSuchClass { class, classes }.into());
        }
        located.push((chunk, Label { task, worker, class }));
    }
    located.sort();
    for group in located.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(chunk, _)) = group.first() else { continue };
        let mut labels = read_labels(pages, tasks, classes, chunk)?;
        labels.add(chunk, group.iter().map(|(_, label)| *label))?;
        pages.write(Page::Labels { chunk }, labels.encode()).map_err(Failure::Pages)?;
    }
    Ok(())
}

/// The labels of a chunk; none where none were added.
///
/// # Errors
/// [`Error::Damaged`] where the page does not follow its format.
pub fn read_labels<P: ReadPages>(pages: &P, tasks: u32, classes: u16, chunk: u32) -> Result<Labels, Failure<P::Error>> {
    match pages.read(Page::Labels { chunk }).map_err(Failure::Pages)? {
        Some(bytes) => Ok(Labels::decode(chunk, &bytes, tasks, classes)?),
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
