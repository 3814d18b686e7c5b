//! The pages that tell which items the tasks compare.

use super::MAX_ITEMS;
use crate::{
    CHUNK, Error, Failure, Page, Pages, ReadPages,
    bytes::Reader,
    labels::first_task,
    params::{MAX_TASKS, within},
};

/// Format of the page.
const VERSION: u8 = 1;

/// The pairs of a chunk, left and right, task by task.
pub(crate) struct Pairs(pub(crate) Vec<(u32, u32)>);

/// Writes the pairs (left, right) of the tasks of a chunk, all of them in order; an earlier page of the chunk is replaced.
///
/// # Errors
/// Numbers of tasks or items out of range, an unknown item, an item against itself, more or fewer pairs than the chunk has tasks.
pub fn write_pairs<P: Pages>(pages: &mut P, tasks: u32, items: u32, chunk: u32, pairs: &[(u32, u32)]) -> Result<(), Failure<P::Error>> {
    within("number of tasks", tasks, 1, MAX_TASKS)?;
    within("number of items", items, 2, MAX_ITEMS)?;
    let expected = i64::from(tasks_in(tasks, chunk));
    within("number of pairs", i64::try_from(pairs.len()).map_err(|_| Error::Overflow)?, expected, expected)?;
    let mut bytes = vec![VERSION];
    for &(left, right) in pairs {
        check(left, right, items)?;
        bytes.extend(left.to_be_bytes());
        bytes.extend(right.to_be_bytes());
    }
    pages.write(Page::Pairs { chunk }, bytes).map_err(Failure::Pages)
}

fn tasks_in(tasks: u32, chunk: u32) -> u32 {
    tasks.saturating_sub(first_task(chunk)).min(CHUNK)
}

fn check(left: u32, right: u32, items: u32) -> Result<(), Error> {
    if left < items && right < items && left != right { Ok(()) } else { Err(Error::NoSuchPair { left, right, items }) }
}

/// The pairs of a chunk.
pub(crate) fn read_pairs<P: ReadPages>(pages: &P, tasks: u32, items: u32, chunk: u32) -> Result<Pairs, Failure<P::Error>> {
    let page = Page::Pairs { chunk };
    let bytes = pages.read(page).map_err(Failure::Pages)?.ok_or(Error::Damaged { page, reason: "missing" })?;
    let damaged = |reason| Error::Damaged { page, reason };
    let mut reader = Reader(&bytes);
    if reader.u8() != Some(VERSION) {
        return Err(damaged("unknown version").into());
    }
    let mut pairs = vec![];
    for _ in 0..tasks_in(tasks, chunk) {
        let (Some(left), Some(right)) = (reader.u32(), reader.u32()) else { return Err(damaged("a record is cut off").into()) };
        check(left, right, items).map_err(|_| damaged("a pair is out of range"))?;
        pairs.push((left, right));
    }
    if reader.is_empty() { Ok(Pairs(pairs)) } else { Err(damaged("too many records").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn a_page_holds_a_pair_for_each_task() {
        let mut pages = Memory::default();
        write_pairs(&mut pages, 1_026, 3, 1, &[(0, 2), (1, 0)]).unwrap();
        assert_eq!(read_pairs(&pages, 1_026, 3, 1).unwrap().0, [(0, 2), (1, 0)]);
        let mut refused = |pairs: &[(u32, u32)]| write_pairs(&mut pages, 1_026, 3, 1, pairs).unwrap_err();
        assert_eq!(refused(&[(0, 3), (1, 0)]), Error::NoSuchPair { left: 0, right: 3, items: 3 }.into());
        assert_eq!(refused(&[(0, 1), (1, 1)]), Error::NoSuchPair { left: 1, right: 1, items: 3 }.into());
        assert_eq!(refused(&[(0, 1)]), Error::Parameter { what: "number of pairs", found: 1, least: 2, most: 2 }.into());
        assert!(write_pairs(&mut pages, 1_026, 1, 1, &[]).is_err() && write_pairs(&mut pages, 0, 3, 0, &[]).is_err());
    }

    #[test]
    fn damaged_pages_are_noticed() {
        let page = Page::Pairs { chunk: 0 };
        let reason = |bytes: &[u8]| {
            let mut pages = Memory::default();
            pages.write(page, bytes.to_vec()).unwrap();
            match read_pairs(&pages, 1, 2, 0) {
                Err(Failure::Truth(Error::Damaged { reason, .. })) => reason,
                _ => "none",
            }
        };
        assert_eq!(reason(&[]), "unknown version");
        assert_eq!(reason(&[1, 0, 0, 0, 0]), "a record is cut off");
        assert_eq!(reason(&[1, 0, 0, 0, 0, 0, 0, 0, 2]), "a pair is out of range");
        assert_eq!(reason(&[1, 0, 0, 0, 0, 0, 0, 0, 1, 0]), "too many records");
        assert_eq!(reason(&[1, 0, 0, 0, 0, 0, 0, 0, 1]), "none");
        let missing = read_pairs(&Memory::default(), 1, 2, 0).err();
        assert_eq!(missing, Some(Error::Damaged { page, reason: "missing" }.into()));
    }
}
