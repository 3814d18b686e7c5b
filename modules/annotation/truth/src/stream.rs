//! The posterior of one task while its labels come in: what decides whether it needs another, and never what anybody is paid.

use crate::{
    Error,
    exact::mul,
    fixed::{log2, normalise},
    model::Matrix,
    params::{MAX_CLASSES, within},
    posterior::WHOLE,
};

/// Most labels of a task that are looked at.
const MOST_VOTES: usize = 1_024;

/// What is known so far of how often a worker is right. Nothing, by default: then only the smoothing speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skill {
    /// Right answers, in units of 1/65,535 answer; at most all of them.
    pub right: u64,
    /// Answers.
    pub seen: u32,
}

impl Skill {
    /// Takes in an answer to a task whose truth is known.
    ///
    /// # Errors
    /// [`Error::Overflow`] after 2^32 answers.
    pub fn gold(&mut self, hit: bool) -> Result<(), Error> {
        self.book(if hit { WHOLE } else { 0 })
    }

    /// Takes in an answer to a task of which so much is known.
    ///
    /// # Errors
    /// A class that the posterior does not have; [`Error::Overflow`] after 2^32 answers.
    pub fn learn(&mut self, posterior: &[u16], class: u16) -> Result<(), Error> {
        let classes = u16::try_from(posterior.len()).map_err(|_| Error::Overflow)?;
        self.book(*posterior.get(usize::from(class)).ok_or(Error::NoSuchClass { class, classes })?)
    }

    fn book(&mut self, right: u16) -> Result<(), Error> {
        self.seen = self.seen.checked_add(1).ok_or(Error::Overflow)?;
        self.right = self.right.checked_add(right.into()).ok_or(Error::Overflow)?;
        Ok(())
    }
}

/// A label, and what is known of the worker who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// The class chosen.
    pub class: u16,
    /// How the worker did elsewhere.
    pub skill: Skill,
}

/// The posterior of a task under the model "one coin, flat", each worker with the coin it has now: shares of 65,535. Without votes
/// all classes are alike.
///
/// # Errors
/// A number of classes out of range, an unknown class, more than 1,024 votes, more right answers than answers.
pub fn streaming_posterior(classes: u16, votes: &[Vote]) -> Result<Vec<u16>, Error> {
    within("number of classes", classes, 2, MAX_CLASSES)?;
    go_on(vec![0i64; classes.into()], votes)
}

/// The posterior of a task of which `prior` is known already (shares of 65,535, such as an inference found), after more votes: each moves
/// the log-odds as in [`streaming_posterior`]. Without votes it is the prior. A share of zero counts as one.
///
/// # Errors
/// As [`streaming_posterior`], with as many classes as the prior has.
pub fn streaming_update(prior: &[u16], votes: &[Vote]) -> Result<Vec<u16>, Error> {
    let classes = u16::try_from(prior.len()).map_err(|_| Error::Overflow)?;
    within("number of classes", classes, 2, MAX_CLASSES)?;
    if votes.is_empty() {
        return Ok(prior.to_vec());
    }
    go_on(prior.iter().map(|&share| log2(share.into())).collect(), votes)
}

/// Whether the likeliest class of a posterior is less probable than the bound, in 1/10,000.
#[must_use]
pub fn is_below(posterior: &[u16], bound_bps: u32) -> bool {
    let most = posterior.iter().copied().max().unwrap_or(0);
    u64::from(most).saturating_mul(10_000) < u64::from(bound_bps).saturating_mul(WHOLE.into())
}

/// The shares after votes, from log-likelihoods.
fn go_on(mut likelihoods: Vec<i64>, votes: &[Vote]) -> Result<Vec<u16>, Error> {
    let classes = u16::try_from(likelihoods.len()).map_err(|_| Error::Overflow)?;
    if votes.len() > MOST_VOTES {
        return Err(Error::Overflow);
    }
    let mut column = Vec::with_capacity(classes.into());
    for vote in votes {
        if vote.class >= classes {
            return Err(Error::NoSuchClass { class: vote.class, classes });
        }
        let coin = Matrix::coin(vote.skill.right, mul(vote.skill.seen.into(), WHOLE.into())?, classes.into())?;
        column.clear();
        coin.column(vote.class, classes.into(), &mut column)?;
        for (likelihood, &log) in likelihoods.iter_mut().zip(&column) {
            *likelihood = likelihood.checked_add(log).ok_or(Error::Overflow)?;
        }
    }
    let mut shares = vec![];
    normalise(&likelihoods, WHOLE.into(), &mut shares)?;
    shares.into_iter().map(|share| u16::try_from(share).map_err(|_| Error::Overflow)).collect()
}

/// Whether a task needs another label: its likeliest class is less probable than the bound, in 1/10,000 (5,000 to 9,999).
///
/// # Errors
/// As [`streaming_posterior`], or a bound out of range.
pub fn needs_more(classes: u16, votes: &[Vote], bound_bps: u32) -> Result<bool, Error> {
    within("bound", bound_bps, 5_000, 9_999)?;
    Ok(is_below(&streaming_posterior(classes, votes)?, bound_bps))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(class: u16, right: u64, seen: u32) -> Vote {
        Vote { class, skill: Skill { right: right.saturating_mul(WHOLE.into()), seen } }
    }

    /// Whether the posterior of a class is so much, in 1/1,000.
    fn is(classes: u16, votes: &[Vote], class: usize, thousandths: u32) -> bool {
        let share = u32::from(streaming_posterior(classes, votes).unwrap()[class]);
        share.saturating_mul(1_000).abs_diff(thousandths.saturating_mul(65_535)) < 65_535
    }

    #[test]
    fn a_newcomer_is_taken_to_be_right_three_times_in_four() {
        assert!(is(2, &[vote(1, 0, 0)], 1, 750));
        // Two of three: 3 to 1 for each vote, two of them cancel out.
        assert!(is(2, &[vote(1, 0, 0), vote(0, 0, 0), vote(1, 0, 0)], 1, 750));
        // 9 of 10: 12/14 against 1/14 for each of two wrong classes.
        assert!(is(3, &[vote(2, 9, 10)], 2, 857) && is(3, &[vote(2, 9, 10)], 0, 71));
        assert_eq!(streaming_posterior(3, &[]), Ok(vec![21_845; 3]));
        assert_eq!(streaming_posterior(64, &[vote(63, 0, 0)]).map(|posterior| posterior.iter().map(|&p| u32::from(p)).sum()), Ok(65_535));
    }

    #[test]
    fn known_skill_outweighs_a_majority_of_strangers() {
        let votes = [vote(0, 99, 100), vote(1, 0, 0), vote(1, 0, 0)];
        // 102 to 2 against 9 to 1.
        assert!(is(2, &votes, 0, 850));
        // Who is as good as chance says nothing: 49 of 100 and the smoothing make 52/104.
        assert!(is(2, &[vote(0, 49, 100)], 0, 500));
    }

    #[test]
    fn a_task_needs_more_until_its_likeliest_class_passes_the_bound() {
        let agreed = |votes: usize| vec![vote(1, 0, 0); votes];
        assert_eq!(needs_more(2, &[], 5_001), Ok(true));
        // 3/4, 9/10, 27/28, 81/82
        let more: Vec<bool> = (0..5).map(|votes| needs_more(2, &agreed(votes), 9_500).unwrap()).collect();
        assert_eq!(more, [true, true, true, false, false]);
        assert_eq!(needs_more(2, &[vote(0, 0, 0), vote(1, 0, 0)], 5_000), Ok(false));
    }

    #[test]
    fn hostile_votes_are_refused() {
        assert_eq!(streaming_posterior(2, &[vote(2, 0, 0)]), Err(Error::NoSuchClass { class: 2, classes: 2 }));
        assert_eq!(streaming_posterior(2, &[vote(0, 11, 10)]), Err(Error::Overflow));
        assert_eq!(streaming_posterior(2, &[vote(0, 0, 0); 1_025]), Err(Error::Overflow));
        assert!(streaming_posterior(1, &[]).is_err() && streaming_posterior(65, &[]).is_err());
        assert!(needs_more(2, &[], 4_999).is_err() && needs_more(2, &[], 10_000).is_err());
        let mut skill = Skill { right: 0, seen: u32::MAX };
        assert_eq!(skill.gold(true), Err(Error::Overflow));
        assert_eq!(Skill::default().learn(&[65_535, 0], 2), Err(Error::NoSuchClass { class: 2, classes: 2 }));
    }

    #[test]
    fn skill_is_learnt_from_gold_and_from_posteriors() {
        let mut skill = Skill::default();
        skill.gold(true).unwrap();
        skill.gold(false).unwrap();
        skill.learn(&[60_000, 5_535], 1).unwrap();
        assert_eq!(skill, Skill { right: 65_535 + 5_535, seen: 3 });
        let sure = vec![Vote { class: 0, skill: Skill { right: u64::from(u32::MAX) * 65_535, seen: u32::MAX } }; 1_024];
        assert_eq!(streaming_posterior(2, &sure), Ok(vec![65_535, 0]));
    }

    #[test]
    fn votes_go_on_from_what_is_known() {
        let flat = [32_768, 32_767];
        assert_eq!(streaming_update(&[60_000, 5_535], &[]), Ok(vec![60_000, 5_535]));
        let votes = [vote(1, 9, 10), vote(0, 6, 10)];
        let (whole, gone_on) = (streaming_posterior(2, &votes).unwrap(), streaming_update(&flat, &votes).unwrap());
        assert!(whole[0].abs_diff(gone_on[0]) <= 2, "{whole:?} {gone_on:?}");
        let (first, rest) = votes.split_at(1);
        let halfway = streaming_update(&streaming_posterior(2, first).unwrap(), rest).unwrap();
        assert!(whole[0].abs_diff(halfway[0]) <= 4, "{whole:?} {halfway:?}");
        assert_eq!(streaming_update(&[65_535, 0], &[vote(0, 9, 10)]).unwrap(), [65_535, 0], "a share of zero counts as one");
        assert!(streaming_update(&[65_535], &[]).is_err() && streaming_update(&flat, &[vote(2, 1, 1)]).is_err());
        assert!(is_below(&[58_981, 6_554], 9_000) && !is_below(&[58_982, 6_553], 9_000) && is_below(&[], 1));
    }
}
