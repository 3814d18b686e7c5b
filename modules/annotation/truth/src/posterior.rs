//! Posteriors of a chunk as they are stored: 16 bits a class, 65,535 a task.

use crate::{
    CHUNK, Error, Failure, Model, Page, Params, ReadPages,
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

/// Posterior to start from: each class its share of the weight of the votes, given as (class, weight), rounded down; what is left over goes
/// to the class with most weight, of equal ones the lowest. Votes that all weigh nothing count alike. A task without votes gets equal shares,
/// what is left over class 0.
pub(crate) fn vote_shares(votes: impl Iterator<Item = (u16, u64)> + Clone, shares: &mut [u16]) -> Result<(), Error> {
    let weightless = votes.clone().all(|(_, weight)| weight == 0);
    let mut weights = vec![0u64; shares.len()];
    for (class, weight) in votes {
        raise(weights.get_mut(usize::from(class)).ok_or(Error::Inconsistent)?, if weightless { 1 } else { weight })?;
    }
    if weights.iter().all(|&weight| weight == 0) {
        weights.fill(1);
    }
    let all = weights.iter().try_fold(0, |sum, &weight| exact::add(sum, weight))?;
    let (mut rest, mut most) = (WHOLE, (0, 0));
    for ((class, share), &weight) in shares.iter_mut().enumerate().zip(&weights) {
        let part = exact::mul(weight, WHOLE.into())?.checked_div(all).ok_or(Error::Overflow)?;
        *share = u16::try_from(part).map_err(|_| Error::Overflow)?;
        rest = rest.checked_sub(*share).ok_or(Error::Overflow)?;
        if weight > most.1 {
            most = (class, weight);
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
        weighed(classes, &votes.iter().map(|&class| (class, 1)).collect::<Vec<_>>())
    }

    fn weighed(classes: usize, votes: &[(u16, u64)]) -> Vec<u16> {
        let mut shares = vec![9; classes];
        vote_shares(votes.iter().copied(), &mut shares).unwrap();
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
    fn votes_weigh_what_they_are_given_and_alike_where_none_has_weight() {
        assert_eq!(weighed(2, &[(0, 3), (1, 0), (1, 1)]), [49_152, 16_383]);
        assert_eq!(weighed(3, &[(2, 0), (2, 0), (1, 0)]), shares(3, &[2, 2, 1]));
        // The most that gold can say: every task of the largest job is gold and answered right, of 64 classes.
        let most = 6 * (1 << 16) * u64::from(crate::MAX_TASKS);
        assert_eq!(weighed(2, &[(1, most), (0, most)]), [32_768, 32_767]);
        assert_eq!(vote_shares([(0, u64::MAX), (0, 1)].into_iter(), &mut [0; 2]), Err(Error::Overflow));
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
