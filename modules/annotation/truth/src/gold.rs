//! Gold answers: which are void, who fails the gate, what false gold costs.

use std::collections::BTreeMap;

use crate::{
    CHUNK, Error, Failure, Page, Pages, ReadPages,
    bytes::Reader,
    exact,
    fixed::{LOG_BITS, log2},
    labels::{first_task, locate},
    params::shape,
};

/// Format of the page.
const VERSION: u8 = 1;

/// The gold answers of a chunk by number of the task within it.
pub(crate) type Answers = BTreeMap<u16, u16>;

/// Writes the opened gold answers of a chunk, given as (task, truth) in any order; earlier ones of the chunk are replaced.
///
/// # Errors
/// An unknown task or class, a task of another chunk, two answers for one task; nothing is written then.
pub fn write_gold<P: Pages>(pages: &mut P, tasks: u32, classes: u16, chunk: u32, truths: &[(u32, u16)]) -> Result<(), Failure<P::Error>> {
    shape(tasks, classes)?;
    let mut answers = Answers::new();
    for &(task, class) in truths {
        let (found, local) = locate(task, tasks)?;
        if found != chunk {
            return Err(Error::OtherChunk { task, chunk }.into());
        }
        if class >= classes {
            return Err(Error::NoSuchClass { class, classes }.into());
        }
        if answers.insert(local, class).is_some() {
            return Err(Error::RepeatedGold { task }.into());
        }
    }
    pages.write(Page::Gold { chunk }, page(answers.into_iter())).map_err(Failure::Pages)
}

/// The page of gold answers given as (task, class), in order.
pub(crate) fn page(answers: impl Iterator<Item = (u16, u16)>) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for (task, class) in answers {
        bytes.extend(task.to_be_bytes());
        bytes.extend(class.to_be_bytes());
    }
    bytes
}

/// The opened gold answers of a chunk; none where none were written.
pub(crate) fn read_gold<P: ReadPages>(pages: &P, tasks: u32, classes: u16, chunk: u32) -> Result<Answers, Failure<P::Error>> {
    match pages.read(Page::Gold { chunk }).map_err(Failure::Pages)? {
        Some(bytes) => Ok(decode(chunk, &bytes, tasks, classes)?),
        None => Ok(Answers::new()),
    }
}

fn decode(chunk: u32, bytes: &[u8], tasks: u32, classes: u16) -> Result<Answers, Error> {
    let damaged = |reason| Error::Damaged { page: Page::Gold { chunk }, reason };
    let mut reader = Reader(bytes);
    if reader.u8() != Some(VERSION) {
        return Err(damaged("unknown version"));
    }
    let last = tasks.saturating_sub(first_task(chunk)).min(CHUNK);
    let mut answers = Answers::new();
    while !reader.is_empty() {
        let (Some(task), Some(class)) = (reader.u16(), reader.u16()) else { return Err(damaged("a record is cut off")) };
        if u32::from(task) >= last || class >= classes {
            return Err(damaged("an answer is out of range"));
        }
        if answers.last_key_value().is_some_and(|(before, _)| *before >= task) {
            return Err(damaged("the answers are not in order"));
        }
        answers.insert(task, class);
    }
    Ok(answers)
}

/// Whether the voters of a gold task void its answer: at least three of them, and at least three quarters of all, chose one same other class.
/// Two of three would not do: honest workers of skill 0.8 contradict one in ten truths of two classes so. Nor would two thirds of ten: three
/// who answer alike without looking would need half of the others to err, at three quarters nearly two thirds of them.
///
/// `votes` are the classes, or the sets, that the voters chose.
#[must_use]
pub fn is_void<T: Ord>(votes: impl IntoIterator<Item = T>, truth: T) -> bool {
    let (mut all, mut others) = (0_usize, BTreeMap::<T, usize>::new());
    for vote in votes {
        all = all.saturating_add(1);
        if vote != truth {
            let count = others.entry(vote).or_default();
            *count = count.saturating_add(1);
        }
    }
    let most = others.values().copied().max().unwrap_or(0);
    most >= 3 && most.saturating_mul(4) >= all.saturating_mul(3)
}

/// Whether a worker with so many right answers to so many gold questions of a job of `classes` is kept out by a gate of `bound_bits`.
///
/// # Errors
/// More right answers than questions, or numbers beyond those of a job.
pub fn is_gated(classes: u16, bound_bits: i32, right: u32, seen: u32) -> Result<bool, Error> {
    Gate::new(classes, bound_bits)?.excludes(right.into(), seen.into())
}

/// What the voters made of the opened gold, and the verdict that follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GoldVerdict {
    /// Gold answers opened.
    pub opened: u32,
    /// Those that the voters voided.
    pub void: u32,
}

impl GoldVerdict {
    /// More than a tenth is void, by more than one standard deviation of the number that a tenth would give: 10 void - opened >
    /// 3 sqrt(opened). Then gold decides nothing, no unearned money goes back to the requester, and the bond is slashed.
    pub fn is_false(&self) -> bool {
        let opened = u64::from(self.opened);
        let above = u64::from(self.void).saturating_mul(10).saturating_sub(opened);
        above.saturating_mul(above) > opened.saturating_mul(9)
    }

    /// Some gold was opened, and it is not false: it decides the gate, the model, and pay in jobs of one class.
    pub fn is_trusted(&self) -> bool {
        self.opened > 0 && !self.is_false()
    }

    /// The part of the gold bond that is lost: floor(bond * min(1, 2v)) for a void share v that makes the gold false, else nothing.
    ///
    /// # Errors
    /// Never for a verdict that an inference made.
    pub fn slash(&self, bond: u128) -> Result<u128, Error> {
        if !self.is_false() {
            return Ok(0);
        }
        exact::portion(bond, u64::from(self.void).saturating_mul(2), self.opened.into())
    }
}

/// The gate: a worker's gold answers, as evidence for a worker of 70 % against chance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    /// Bits (Q16) a right answer adds: log2(0.7 K).
    right: i64,
    /// Bits a wrong answer adds: log2(0.3 K / (K - 1)).
    wrong: i64,
    bound: i64,
}

impl Gate {
    pub(crate) fn new(classes: u16, bound_bits: i32) -> Result<Gate, Error> {
        let classes = u64::from(classes);
        let tenth = log2(10);
        let bits = |a: u64, b: i64| log2(a).checked_sub(b).ok_or(Error::Overflow);
        let others = tenth.checked_add(log2(exact::sub(classes, 1)?)).ok_or(Error::Overflow)?;
        Ok(Gate {
            right: bits(exact::mul(7, classes)?, tenth)?,
            wrong: bits(exact::mul(3, classes)?, others)?,
            bound: i64::from(bound_bits) << LOG_BITS,
        })
    }

    /// Whether a worker with so many right answers to so many gold questions is kept out.
    pub(crate) fn excludes(&self, right: u64, seen: u64) -> Result<bool, Error> {
        Ok(self.evidence(right, seen)? < self.bound)
    }

    /// What so many right answers to so many gold questions say for a worker, in bits (Q16).
    pub(crate) fn evidence(&self, right: u64, seen: u64) -> Result<i64, Error> {
        let bits = |each: i64, answers: u64| i64::try_from(answers).ok().and_then(|answers| each.checked_mul(answers));
        let (gained, lost) = (bits(self.right, right), bits(self.wrong, exact::sub(seen, right)?));
        gained.zip(lost).and_then(|(gained, lost)| gained.checked_add(lost)).ok_or(Error::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn three_voters_who_agree_and_are_three_quarters_of_all_void_an_answer() {
        assert!(!is_void([], 0));
        assert!(!is_void([1, 1], 0), "two voters are too few");
        assert!(!is_void([1, 1, 0], 0), "two who agree are too few");
        assert!(is_void([1, 1, 1], 0));
        assert!(is_void([1, 1, 1, 2], 0));
        assert!(!is_void([1, 2, 3], 0), "they must agree");
        assert!(!is_void([1, 1, 1, 0, 0], 0) && is_void([1, 1, 1, 1, 0], 0));
        assert!(!is_void([1, 1, 1, 1, 0, 2], 0), "four of six are less than three quarters");
        assert!(is_void([1, 1, 1, 1, 1, 2], 0));
        assert!(!is_void([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], 0) && is_void([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], 0));
        assert!(!is_void([0, 0, 0], 0));
    }

    #[test]
    fn clearly_more_than_a_tenth_void_makes_gold_false() {
        let verdict = |opened, void| GoldVerdict { opened, void };
        assert!(!verdict(0, 0).is_false() && !verdict(0, 0).is_trusted());
        assert!(verdict(10, 1).is_trusted());
        assert_eq!(verdict(10, 1).slash(1_000), Ok(0));
        assert!(verdict(10, 2).is_false());
        assert_eq!(verdict(10, 2).slash(1_000), Ok(400));
        // The least number of void answers: a tenth, and one standard deviation.
        for (opened, least) in [(1, 1), (10, 2), (20, 4), (23, 4), (30, 5), (40, 6), (50, 8), (100, 14), (415, 48), (10_000, 1_031)] {
            assert!(verdict(opened, least).is_false() && !verdict(opened, least - 1).is_false(), "{least} of {opened}");
        }
        assert!(verdict(19, 3).is_trusted());
        assert_eq!(verdict(19, 3).slash(1_000), Ok(0));
        assert!(verdict(u32::MAX, u32::MAX).is_false());
        assert_eq!(verdict(10, 5).slash(1_000), Ok(1_000));
        assert_eq!(verdict(10, 9).slash(u128::MAX), Ok(u128::MAX));
    }

    #[test]
    fn the_gate_follows_the_likelihood_ratio() {
        let gate = Gate::new(2, -2).unwrap();
        // log2(1.4) = 0.4854, log2(0.6) = -0.7370
        assert!(!gate.excludes(0, 0).unwrap());
        assert!(!gate.excludes(0, 2).unwrap());
        assert!(gate.excludes(0, 3).unwrap());
        assert!(!gate.excludes(1, 4).unwrap(), "0.49 - 2.21 = -1.73");
        assert!(gate.excludes(1, 5).unwrap(), "0.49 - 2.95 = -2.46");
        assert!(gate.excludes(2, 1).is_err());
        // log2(7) = 2.807, log2(1/3) = -1.585
        let ten = Gate::new(10, 0).unwrap();
        assert_eq!((ten.right, ten.wrong), (183_983, -103_872));
        assert!(!ten.excludes(4, 10).unwrap() && ten.excludes(3, 10).unwrap());
    }

    #[test]
    fn gold_pages_hold_one_answer_a_task_in_order() {
        let mut pages = Memory::default();
        write_gold(&mut pages, 2_000, 4, 1, &[(1_999, 3), (1_024, 0)]).unwrap();
        assert_eq!(read_gold(&pages, 2_000, 4, 1).unwrap(), Answers::from([(0, 0), (975, 3)]));
        assert!(read_gold(&pages, 2_000, 4, 0).unwrap().is_empty());
        write_gold(&mut pages, 2_000, 4, 1, &[(1_025, 1)]).unwrap();
        assert_eq!(read_gold(&pages, 2_000, 4, 1).unwrap(), Answers::from([(1, 1)]));
        let mut refused = |truths: &[(u32, u16)]| write_gold(&mut pages, 2_000, 4, 1, truths).unwrap_err();
        assert_eq!(refused(&[(0, 1)]), Error::OtherChunk { task: 0, chunk: 1 }.into());
        assert_eq!(refused(&[(2_000, 1)]), Error::NoSuchTask { task: 2_000, tasks: 2_000 }.into());
        assert_eq!(refused(&[(1_024, 4)]), Error::NoSuchClass { class: 4, classes: 4 }.into());
        assert_eq!(refused(&[(1_024, 1), (1_024, 2)]), Error::RepeatedGold { task: 1_024 }.into());
    }

    #[test]
    fn damaged_gold_is_noticed() {
        let reason = |bytes: &[u8]| match decode(0, bytes, 5, 2) {
            Err(Error::Damaged { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(&[0]), "unknown version");
        assert_eq!(reason(&[1, 0]), "a record is cut off");
        assert_eq!(reason(&[1, 0, 5, 0, 0]), "an answer is out of range");
        assert_eq!(reason(&[1, 0, 1, 0, 2]), "an answer is out of range");
        assert_eq!(reason(&[1, 0, 1, 0, 0, 0, 1, 0, 0]), "the answers are not in order");
    }
}
