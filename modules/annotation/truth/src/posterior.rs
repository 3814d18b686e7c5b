//! Posteriors of a chunk as they are stored: 16 bits a class, 65,535 a task.

use crate::{
    CHUNK, Error, Failure, Label, Model, Page, Params, ReadPages,
    bytes::Reader,
    exact::{self, raise},
};

/// What the stored posteriors of a task add up to.
pub const WHOLE: u16 = u16::MAX;
/// Format of the page.
const VERSION: u8 = 1;

/// The posteriors of the tasks of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posteriors {
    classes: usize,
    shares: Vec<u16>,
}

impl Posteriors {
    /// Equal shares for each of so many tasks.
    pub(crate) fn equal(tasks: u32, classes: u16) -> Result<Posteriors, Error> {
        let mut posterior = vec![0; classes.into()];
        vote_shares(std::iter::empty(), &mut posterior)?;
        Ok(Posteriors { classes: classes.into(), shares: posterior.repeat(exact::index(tasks.into())?) })
    }

    /// The posterior of a task by its number in the chunk: one share of 65,535 for each class. Empty for an unknown task.
    pub fn task(&self, task: u16) -> &[u16] {
        self.tasks().nth(task.into()).unwrap_or(&[])
    }

    /// The posteriors of all tasks in order.
    pub fn tasks(&self) -> impl Iterator<Item = &[u16]> {
        self.shares.chunks_exact(self.classes)
    }

    /// The posterior of a task, to be changed.
    pub(crate) fn task_mut(&mut self, task: u16) -> Result<&mut [u16], Error> {
        self.shares.chunks_exact_mut(self.classes).nth(task.into()).ok_or(Error::Inconsistent)
    }

    /// The inferred label of a task: the class with the largest share, of equal ones the lowest.
    pub fn label(&self, task: u16) -> u16 {
        likeliest(self.task(task))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.shares.len().saturating_mul(2).saturating_add(1));
        bytes.push(VERSION);
        for share in &self.shares {
            bytes.extend(share.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn decode(page: Page, bytes: &[u8], tasks: u32, classes: u16) -> Result<Posteriors, Error> {
        let damaged = |reason| Error::Damaged { page, reason };
        let mut reader = Reader(bytes);
        if reader.u8() != Some(VERSION) {
            return Err(damaged("unknown version"));
        }
        let expected = exact::index(exact::mul(tasks.into(), classes.into())?)?;
        if reader.0.len() != expected.saturating_mul(2) {
            return Err(damaged("wrong length"));
        }
        let mut shares = Vec::with_capacity(expected);
        while let Some(share) = reader.u16() {
            shares.push(share);
        }
        let posteriors = Posteriors { classes: classes.into(), shares };
        if posteriors.tasks().any(|task| task.iter().map(|&share| u64::from(share)).sum::<u64>() != WHOLE.into()) {
            return Err(damaged("a posterior does not add up"));
        }
        Ok(posteriors)
    }
}

/// The class with the largest share, of equal ones the lowest.
pub(crate) fn likeliest(shares: &[u16]) -> u16 {
    let mut best = (0, 0);
    for (class, &share) in (0..).zip(shares) {
        if share > best.1 {
            best = (class, share);
        }
    }
    best.0
}

/// Posterior to start from: each class its share of the votes, rounded down; what is left over goes to the class with most votes, of
/// equal ones the lowest. A task without votes gets equal shares, what is left over class 0.
pub(crate) fn vote_shares<'a>(labels: impl Iterator<Item = &'a Label>, shares: &mut [u16]) -> Result<(), Error> {
    let mut votes = vec![0u64; shares.len()];
    for label in labels {
        raise(votes.get_mut(usize::from(label.class)).ok_or(Error::Inconsistent)?, 1)?;
    }
    if votes.iter().all(|&count| count == 0) {
        votes.fill(1);
    }
    let all = votes.iter().try_fold(0, |sum, &count| exact::add(sum, count))?;
    let (mut rest, mut most) = (WHOLE, (0, 0));
    for ((class, share), &count) in shares.iter_mut().enumerate().zip(&votes) {
        let part = exact::mul(count, WHOLE.into())?.checked_div(all).ok_or(Error::Overflow)?;
        *share = u16::try_from(part).map_err(|_| Error::Overflow)?;
        rest = rest.checked_sub(*share).ok_or(Error::Overflow)?;
        if count > most.1 {
            most = (class, count);
        }
    }
    let share = shares.get_mut(most.0).ok_or(Error::Inconsistent)?;
    *share = share.checked_add(rest).ok_or(Error::Overflow)?;
    Ok(())
}

/// The posteriors of a chunk under a model.
///
/// # Errors
/// [`Error::Damaged`] where the page is missing or does not follow its format.
pub fn read_posteriors<P: ReadPages>(pages: &P, params: &Params, model: Model, chunk: u32) -> Result<Posteriors, Failure<P::Error>> {
    let page = Page::Posteriors { model, chunk };
    let bytes = pages.read(page).map_err(Failure::Pages)?.ok_or(Error::Damaged { page, reason: "missing" })?;
    Ok(Posteriors::decode(page, &bytes, params.tasks_in(chunk), params.classes)?)
}

/// The posterior of one task under a model; reads one page.
///
/// # Errors
/// An unknown task, or as [`read_posteriors`].
pub fn read_posterior<P: ReadPages>(pages: &P, params: &Params, model: Model, task: u32) -> Result<Vec<u16>, Failure<P::Error>> {
    if task >= params.tasks {
        return Err(Error::NoSuchTask { task, tasks: params.tasks }.into());
    }
    let posteriors = read_posteriors(pages, params, model, task / CHUNK)?;
    let local = u16::try_from(task % CHUNK).map_err(|_| Error::Overflow)?;
    Ok(posteriors.task(local).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, Pages, params::Gold};

    fn shares(classes: usize, votes: &[u16]) -> Vec<u16> {
        let labels: Vec<Label> = votes.iter().zip(0..).map(|(&class, worker)| Label { task: 0, worker, class }).collect();
        let mut shares = vec![9; classes];
        vote_shares(labels.iter(), &mut shares).unwrap();
        shares
    }

    #[test]
    fn a_start_follows_the_votes_and_ties_go_to_the_lowest_class() {
        assert_eq!(shares(3, &[2, 2, 1]), [0, 21_845, 43_690]);
        assert_eq!(shares(2, &[0, 1]), [32_768, 32_767]);
        assert_eq!(shares(4, &[3, 1]), [0, 32_768, 0, 32_767]);
        assert_eq!(shares(2, &[1]), [0, WHOLE]);
        assert_eq!(shares(2, &[]), [32_768, 32_767]);
        let equal = shares(64, &[]);
        assert_eq!((equal[0], equal[63]), (1_086, 1_023));
    }

    #[test]
    fn a_page_holds_posteriors_that_add_up() {
        let params = Params::new(2, 2, 0, Gold::None);
        let page = Page::Posteriors { model: Model::OneCoin, chunk: 0 };
        let mut pages = Memory::default();
        let posteriors = Posteriors { classes: 2, shares: vec![WHOLE, 0, 32_767, 32_768] };
        pages.write(page, posteriors.encode()).unwrap();
        assert_eq!(read_posteriors(&pages, &params, Model::OneCoin, 0).unwrap(), posteriors);
        assert_eq!(read_posterior(&pages, &params, Model::OneCoin, 1).unwrap(), [32_767, 32_768]);
        assert_eq!((posteriors.label(0), posteriors.label(1), posteriors.task(2)), (0, 1, &[][..]));
        let unknown = Error::NoSuchTask { task: 2, tasks: 2 };
        assert_eq!(read_posterior(&pages, &params, Model::OneCoin, 2).unwrap_err(), unknown.into());
        let reason = |bytes: &[u8]| match Posteriors::decode(page, bytes, 1, 2) {
            Err(Error::Damaged { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(&[3, 0, 0, 0, 0]), "unknown version");
        assert_eq!(reason(&[1, 0, 0, 0]), "wrong length");
        assert_eq!(reason(&[1, 0, 0, 0, 1]), "a posterior does not add up");
        let missing = read_posteriors(&pages, &params, Model::DawidSkene, 0).unwrap_err();
        assert!(matches!(missing, Failure::Truth(Error::Damaged { reason: "missing", .. })));
    }
}
