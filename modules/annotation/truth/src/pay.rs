//! What a worker's labels are worth: chance-corrected agreement with the posteriors of the others.

use crate::{
    Basis, Error, Params,
    exact::{add, mul, portion},
    fixed::ONE,
    ledger::Sums,
    params::Gold,
};

/// Labels' worth of doubt: a worker's kappa counts n / (n + 10).
const DOUBT: u64 = 10;
/// Where two tasks drawn at random differ with less than one part in so many, one class is nearly everywhere and kappa says nothing.
const LEAST_DIVERSITY: u128 = 20;

/// Labels that a worker must have given blind before it may give late ones, and for how many of them it may give one.
const BLIND_FIRST: u32 = 20;
const BLIND_FOR_LATE: u32 = 4;

/// What a worker is paid by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerResult {
    /// Accepted labels, n_w.
    pub labels: u32,
    /// Labels that could be scored, n.
    pub scored: u32,
    /// Kappa in Q32, rounded down; at most one, negative where the worker agrees less than chance would.
    pub kappa: i64,
    /// The share of the price paid for each accepted label, s_w in Q32: 0 to [`ONE`].
    pub share: u64,
    /// What the share rests on.
    pub basis: Basis,
}

impl WorkerResult {
    /// a_w = floor(price * n_w * s_w), in the unit of `price` (the price of one label).
    ///
    /// # Errors
    /// [`Error::Overflow`] where price * n_w does not fit; never where the job's escrow did.
    pub fn earned(&self, price: u128) -> Result<u128, Error> {
        self.late_pay(price, self.labels)
    }

    /// How many late labels the worker may give: one for each four blind ones, from 20 blind ones and a share of one half on; none
    /// where the gate keeps the worker out.
    pub fn late_limit(&self) -> u32 {
        let may = self.labels >= BLIND_FIRST && self.basis != Basis::Excluded && self.share >= ONE / 2;
        if may { self.labels / BLIND_FOR_LATE } else { 0 }
    }

    /// floor(price * late * s_w): what so many late labels earn, by the share that the blind ones found.
    ///
    /// # Errors
    /// As [`WorkerResult::earned`].
    pub fn late_pay(&self, price: u128, late: u32) -> Result<u128, Error> {
        portion(price.checked_mul(late.into()).ok_or(Error::Overflow)?, self.share, ONE)
    }
}

/// Agreement above chance, as a fraction.
pub(crate) struct Agreement {
    pub(crate) gain: i128,
    /// What is left above chance, in the unit of `gain`; gain is at most this.
    pub(crate) room: u128,
    /// One, in the unit of `gain`.
    one: u128,
}

impl Agreement {
    /// With n = `sums.labels` and probabilities in units of 1 / `unit`: gain = hit - chance and room = 1 - chance, each times n^2
    /// and `unit`. Chance is the sum over the classes of share of answers times share of truths, both over the same tasks, so that
    /// gain is exactly zero where all answers are the same.
    pub(crate) fn of(sums: &Sums<'_>, unit: u64) -> Result<Agreement, Error> {
        let (labels, hits) = (u128::from(sums.labels), u128::from(sums.hits));
        let mut chance = 0u128;
        for (&answers, &truths) in sums.answers.iter().zip(sums.truths) {
            let both = u128::from(answers).checked_mul(truths.into()).ok_or(Error::Overflow)?;
            chance = chance.checked_add(both).ok_or(Error::Overflow)?;
        }
        let one = labels.checked_mul(labels).and_then(|square| square.checked_mul(unit.into())).ok_or(Error::Overflow)?;
        let hit = labels.checked_mul(hits).and_then(|hit| i128::try_from(hit).ok()).ok_or(Error::Overflow)?;
        let gain = i128::try_from(chance).ok().and_then(|chance| hit.checked_sub(chance)).ok_or(Error::Overflow)?;
        Ok(Agreement { gain, room: one.checked_sub(chance).ok_or(Error::Overflow)?, one })
    }

    /// 1 - chance < 1/20: there is hardly anything to tell answers and truths of these tasks apart by.
    fn is_one_class(&self) -> Result<bool, Error> {
        Ok(self.room.checked_mul(LEAST_DIVERSITY).ok_or(Error::Overflow)? < self.one)
    }

    /// Kappa in Q32, rounded down; zero where there is no room.
    fn kappa(&self) -> Result<i64, Error> {
        if self.room == 0 {
            return Ok(0);
        }
        let scaled = self.gain.checked_mul(i128::from(ONE)).ok_or(Error::Overflow)?;
        let room = i128::try_from(self.room).map_err(|_| Error::Overflow)?;
        scaled.checked_div_euclid(room).and_then(|kappa| i64::try_from(kappa).ok()).ok_or(Error::Overflow)
    }
}

/// Whether sums of posteriors by class say that nearly all tasks are of one class: two tasks drawn at random differ with less than 1/20.
pub(crate) fn is_one_class(sums: &[u64]) -> Result<bool, Error> {
    let square = |sum: u64| u128::from(sum).checked_mul(sum.into()).ok_or(Error::Overflow);
    let all = square(sums.iter().try_fold(0, |all, &sum| add(all, sum))?)?;
    let mut same = 0u128;
    for &sum in sums {
        same = same.checked_add(square(sum)?).ok_or(Error::Overflow)?;
    }
    Ok(all.checked_sub(same).and_then(|differ| differ.checked_mul(LEAST_DIVERSITY)).ok_or(Error::Overflow)? < all)
}

/// The job as a whole, as its workers are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole {
    /// Its gold is trusted.
    pub(crate) trusted: bool,
    /// Nearly all its tasks were found to be of one class.
    pub(crate) one_class: bool,
    /// Its gold is trusted and has truths of two classes or more.
    pub(crate) gold_of_two: bool,
}

/// By what a worker's answers are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// What the others answered.
    Others,
    /// The worker's gold answers, whose truths are of two classes or more.
    Gold,
    /// Nothing tells who looked from who did not.
    Nothing,
}

impl Whole {
    /// How to measure a worker. The others do not do where there is hardly anything to tell in the worker's tasks *and* in the job: in any
    /// other job, who gives the same answer everywhere has kappa zero, whatever tasks it met.
    pub(crate) fn measure(&self, agreement: &Agreement, tally: &Sums<'_>) -> Result<Measure, Error> {
        if !self.one_class || !agreement.is_one_class()? {
            return Ok(Measure::Others);
        }
        let met_two = tally.truths.iter().filter(|&&truths| truths > 0).count() > 1;
        Ok(match (self.trusted && met_two, self.gold_of_two) {
            (true, _) => Measure::Gold,
            (false, true) => Measure::Others,
            (false, false) => Measure::Nothing,
        })
    }
}

/// Kappa over a worker's gold answers. Where their truths are of two classes or more, no answers make chance one.
fn gold_kappa(tally: &Sums<'_>) -> Result<i64, Error> {
    let seen = tally.truths.iter().try_fold(0, |sum, &truths| add(sum, truths))?;
    Agreement::of(&Sums { labels: seen, ..*tally }, 1)?.kappa()
}

/// The kappa of who worked where nothing can be told: half the target.
pub(crate) fn half_target(target_bps: u32) -> Result<i64, Error> {
    i64::try_from(mul(ONE, target_bps.into())? / 20_000).map_err(|_| Error::Overflow)
}

impl Params {
    /// What kappa over so many labels is worth: all or nothing where promised gold was not opened.
    pub(crate) fn share(&self, scored: u64, kappa: i64) -> Result<u64, Error> {
        match self.gold {
            Gold::Unopened if kappa > 0 => Ok(ONE),
            Gold::Unopened => Ok(0),
            Gold::None | Gold::Opened => share(scored, kappa, self.target_bps),
        }
    }
}

/// min(1, max(0, n * kappa / (n + 10)) / target) in Q32.
fn share(scored: u64, kappa: i64, target_bps: u32) -> Result<u64, Error> {
    let kappa = u64::try_from(kappa).map_or(0, u128::from);
    let earned = kappa.checked_mul(scored.into()).and_then(|product| product.checked_mul(10_000)).ok_or(Error::Overflow)?;
    let full = mul(add(scored, DOUBT)?, target_bps.into())?;
    let share = earned.checked_div(full.into()).ok_or(Error::Overflow)?.min(ONE.into());
    u64::try_from(share).map_err(|_| Error::Overflow)
}

/// Judges a worker by its tally and its score.
pub(crate) fn judge(params: &Params, excluded: bool, whole: &Whole, tally: &Sums<'_>, score: &Sums<'_>) -> Result<WorkerResult, Error> {
    let number = |labels: u64| u32::try_from(labels).map_err(|_| Error::Overflow);
    let labels = number(tally.labels)?;
    let plain = |share, basis| Ok(WorkerResult { labels, scored: 0, kappa: 0, share, basis });
    if tally.labels == 0 {
        return plain(0, Basis::Idle);
    }
    if excluded {
        return plain(0, Basis::Excluded);
    }
    if score.labels == 0 {
        return plain(ONE / 2, Basis::Silence);
    }
    let agreement = Agreement::of(score, ONE)?;
    let (kappa, basis) = match whole.measure(&agreement, tally)? {
        Measure::Others => (agreement.kappa()?, Basis::Kappa),
        Measure::Gold => (gold_kappa(tally)?, Basis::Gold),
        Measure::Nothing => (half_target(params.target_bps)?, Basis::OneClass),
    };
    let share = params.share(score.labels, kappa)?;
    Ok(WorkerResult { labels, scored: number(score.labels)?, kappa, share, basis })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Stream;

    const HALF: u64 = ONE / 2;

    fn params(gold: Gold) -> Params {
        Params::new(100, 2, 1, gold)
    }

    fn sums<'a>(labels: u64, hits: u64, answers: &'a [u64], truths: &'a [u64]) -> Sums<'a> {
        Sums { labels, hits, answers, truths }
    }

    const MIXED: Whole = Whole { trusted: false, one_class: false, gold_of_two: false };
    const ALIKE: Whole = Whole { one_class: true, ..MIXED };

    /// A worker of a job in which nearly all tasks are of one class.
    fn judged(gold: Gold, trusted: bool, tally: &Sums<'_>, score: &Sums<'_>) -> WorkerResult {
        judge(&params(gold), false, &Whole { trusted, ..ALIKE }, tally, score).unwrap()
    }

    #[test]
    fn kappa_is_hit_less_chance_over_what_is_left_above_chance() {
        // 40 labels, 20 of each class; the others are sure, 20 of each class; 35 hits: (7/8 - 1/2) / (1 - 1/2) = 3/4.
        let score = sums(40, 35 * ONE, &[20, 20], &[20 * ONE, 20 * ONE]);
        let result = judged(Gold::None, false, &sums(50, 0, &[0, 0], &[0, 0]), &score);
        assert_eq!((result.labels, result.scored, result.basis), (50, 40, Basis::Kappa));
        assert_eq!(result.kappa, (ONE / 4 * 3) as i64);
        // 40 * 0.75 / 50 / 0.6 = 1
        assert_eq!(result.share, ONE);
        let fewer = judged(Gold::None, false, &sums(50, 0, &[0, 0], &[0, 0]), &sums(40, 30 * ONE, &[20, 20], &[20 * ONE, 20 * ONE]));
        // kappa 1/2: 40 * 0.5 / 50 / 0.6 = 2/3
        assert_eq!((fewer.kappa, fewer.share), (HALF as i64, ONE * 2 / 3));
        assert_eq!(fewer.earned(1_000), Ok(33_333));
        let worse = judged(Gold::None, false, &sums(50, 0, &[0, 0], &[0, 0]), &sums(40, 0, &[20, 20], &[20 * ONE, 20 * ONE]));
        assert_eq!((worse.kappa, worse.share), (-(ONE as i64), 0));
    }

    #[test]
    fn constant_answers_get_exactly_zero() {
        let mut stream = Stream::new(8);
        for _ in 0..10_000 {
            let labels = 1 + stream.below(4_000_000);
            let hits = stream.below(labels * ONE * 9 / 10);
            let (answers, truths) = ([labels, 0], [hits, labels * ONE - hits]);
            let score = sums(labels, hits, &answers, &truths);
            let result = judged(Gold::None, false, &sums(labels, 0, &[0, 0], &[0, 0]), &score);
            assert_eq!((result.kappa, result.share, result.basis), (0, 0, Basis::Kappa));
        }
    }

    #[test]
    fn one_class_begins_where_chance_leaves_less_than_a_twentieth() {
        let basis = |rare: u64| {
            let truths = [(1_000 - rare) * ONE, rare * ONE];
            let score = sums(1_000, (1_000 - rare) * ONE, &[1_000, 0], &truths);
            judged(Gold::None, false, &sums(1_000, 0, &[0, 0], &[0, 0]), &score).basis
        };
        assert_eq!((basis(50), basis(49), basis(0)), (Basis::Kappa, Basis::OneClass, Basis::OneClass));
    }

    #[test]
    fn in_a_job_of_one_class_trusted_gold_of_two_decides() {
        let score = sums(90, 90 * ONE, &[90, 0], &[90 * ONE, 0]);
        // 8 of 10 gold truths are of class 0, all answered right: kappa 1, 90 / 100 / 0.6 > 1.
        let right = sums(90, 10, &[8, 2], &[8, 2]);
        let result = judged(Gold::Opened, true, &right, &score);
        assert_eq!((result.basis, result.kappa, result.share), (Basis::Gold, ONE as i64, ONE));
        let lazy = sums(90, 8, &[10, 0], &[8, 2]);
        assert_eq!(judged(Gold::Opened, true, &lazy, &score).share, 0);
        // False gold, or gold of one class, cannot tell: half the target, 90 / 100 of it.
        for (trusted, tally) in [(false, right), (true, sums(90, 9, &[9, 1], &[10, 0]))] {
            let result = judged(Gold::Opened, trusted, &tally, &score);
            assert_eq!(result.basis, Basis::OneClass);
            assert!(result.share.abs_diff(ONE * 45 / 100) <= 2);
        }
    }

    #[test]
    fn the_same_answer_everywhere_earns_nothing_unless_the_whole_job_is_of_one_class() {
        let (score, tally) = (sums(90, 90 * ONE, &[90, 0], &[90 * ONE, 0]), sums(90, 9, &[9, 0], &[9, 0]));
        let basis = |whole| {
            let result = judge(&params(Gold::Opened), false, &whole, &tally, &score).unwrap();
            (result.basis, result.share > 0)
        };
        assert_eq!(basis(ALIKE), (Basis::OneClass, true));
        assert_eq!(basis(MIXED), (Basis::Kappa, false), "others' tasks are of other classes");
        assert_eq!(basis(Whole { trusted: true, ..ALIKE }), (Basis::OneClass, true));
        assert_eq!(basis(Whole { trusted: true, gold_of_two: true, ..ALIKE }), (Basis::Kappa, false), "there is something to find");
    }

    #[test]
    fn a_job_is_of_one_class_where_two_tasks_hardly_ever_differ() {
        // 2 * 0.025 * 0.975 < 1/20 < 2 * 0.026 * 0.974
        assert_eq!((is_one_class(&[975, 25]), is_one_class(&[974, 26])), (Ok(true), Ok(false)));
        assert_eq!((is_one_class(&[0, 7]), is_one_class(&[0, 0]), is_one_class(&[5, 5, 5])), (Ok(true), Ok(false), Ok(false)));
        assert_eq!(is_one_class(&[u64::MAX, 1]), Err(Error::Overflow));
    }

    #[test]
    fn who_has_nothing_to_score_is_idle_excluded_or_met_by_silence() {
        let (none, some) = (sums(0, 0, &[0, 0], &[0, 0]), sums(7, 0, &[0, 0], &[0, 0]));
        let plain = |labels, share, basis| WorkerResult { labels, scored: 0, kappa: 0, share, basis };
        assert_eq!(judged(Gold::None, false, &none, &none), plain(0, 0, Basis::Idle));
        assert_eq!(judged(Gold::None, false, &some, &none), plain(7, HALF, Basis::Silence));
        assert_eq!(
            judge(&params(Gold::Opened), true, &Whole { trusted: true, ..MIXED }, &some, &none).unwrap(),
            plain(7, 0, Basis::Excluded)
        );
    }

    #[test]
    fn unopened_gold_pays_in_full_above_kappa_zero() {
        let tally = sums(40, 0, &[0, 0], &[0, 0]);
        let share = |hits| judged(Gold::Unopened, false, &tally, &sums(40, hits, &[20, 20], &[20 * ONE, 20 * ONE])).share;
        assert_eq!((share(20 * ONE + 41), share(20 * ONE), share(0)), (ONE, 0, 0));
    }

    #[test]
    fn late_labels_are_for_workers_of_twenty_blind_ones_and_half_a_share() {
        let result = |labels, share, basis| WorkerResult { labels, scored: labels, kappa: 0, share, basis };
        assert_eq!(result(20, HALF, Basis::Kappa).late_limit(), 5);
        assert_eq!(result(23, ONE, Basis::Silence).late_limit(), 5);
        assert_eq!(result(24, ONE, Basis::OneClass).late_limit(), 6);
        assert_eq!(result(19, ONE, Basis::Kappa).late_limit(), 0);
        assert_eq!(result(400, HALF - 1, Basis::Kappa).late_limit(), 0);
        assert_eq!(result(400, ONE, Basis::Excluded).late_limit(), 0);
        assert_eq!(result(20, HALF, Basis::Kappa).late_pay(1_001, 5), Ok(2_502));
        assert_eq!(result(20, ONE, Basis::Kappa).late_pay(u128::MAX, 2), Err(Error::Overflow));
    }

    #[test]
    fn the_largest_job_and_price_do_not_overflow() {
        let labels = u64::from(crate::MAX_TASKS);
        let (answers, truths) = ([labels / 2; 2], [labels / 2 * ONE; 2]);
        let score = sums(labels, labels * ONE, &answers, &truths);
        let result = judged(Gold::None, false, &sums(labels, 0, &[0, 0], &[0, 0]), &score);
        assert_eq!((result.kappa, result.share), (ONE as i64, ONE));
        let price = u128::MAX / u128::from(labels);
        assert_eq!(result.earned(price), Ok(price * u128::from(labels)));
        assert_eq!(result.earned(u128::MAX), Err(Error::Overflow));
        assert_eq!(result.earned(0), Ok(0));
        assert_eq!(WorkerResult { share: 1, ..result }.earned(1), Ok(0));
    }
}
