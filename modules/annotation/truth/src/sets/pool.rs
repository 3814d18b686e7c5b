//! What the labels of a set say of a worker together: gains and rooms added up, one result.

use super::SetParams;
use crate::{
    Basis, Error, Gold, ONE, WorkerResult,
    exact::{add, mul, portion, raise, shift_signed},
    ledger::Sums,
    pay::{Agreement, Measure, Whole, half_target},
};

/// Numbers of a worker on a page of pools.
pub(crate) const POOL_WIDTH: usize = 10;

/// What was added up for a worker. Gains and rooms are sums over labels of n * (hit - chance) and n * (1 - chance) in Q32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pool {
    /// Sets given, n_w.
    answers: u64,
    /// Labels for which the gate does not keep the worker out.
    open: u64,
    /// Of these, labels with something to score, and how much.
    scored: (u64, u64),
    /// Of these, labels measured by the others' answers, and how much was scored there.
    told: (u64, u64),
    gain: i64,
    room: u64,
    /// Over gold answers, of labels whose standing truths are of both classes.
    gold_gain: i64,
    gold_room: u64,
}

impl Pool {
    pub(super) fn read(row: &[u64]) -> Result<Pool, Error> {
        let [answers, open, scored, scored_labels, told, told_labels, gain, room, gold_gain, gold_room] = *row else {
            return Err(Error::Inconsistent);
        };
        Ok(Pool {
            answers,
            open,
            scored: (scored, scored_labels),
            told: (told, told_labels),
            gain: gain.cast_signed(),
            room,
            gold_gain: gold_gain.cast_signed(),
            gold_room,
        })
    }

    pub(super) fn row(&self) -> [u64; POOL_WIDTH] {
        let Pool { answers, open, scored, told, gain, room, gold_gain, gold_room } = *self;
        [answers, open, scored.0, scored.1, told.0, told.1, gain.cast_unsigned(), room, gold_gain.cast_unsigned(), gold_room]
    }

    /// Adds what one label tells.
    pub(super) fn add(&mut self, excluded: bool, whole: &Whole, tally: &Sums<'_>, score: &Sums<'_>) -> Result<(), Error> {
        self.answers = tally.labels;
        if excluded {
            return Ok(());
        }
        raise(&mut self.open, 1)?;
        if whole.trusted {
            self.add_gold(tally)?;
        }
        if score.labels == 0 {
            return Ok(());
        }
        raise(&mut self.scored.0, 1)?;
        raise(&mut self.scored.1, score.labels)?;
        let agreement = Agreement::of(score, ONE)?;
        if whole.measure(&agreement, tally)? != Measure::Others {
            return Ok(());
        }
        raise(&mut self.told.0, 1)?;
        raise(&mut self.told.1, score.labels)?;
        book(&agreement, score.labels, &mut self.gain, &mut self.room)
    }

    fn add_gold(&mut self, tally: &Sums<'_>) -> Result<(), Error> {
        if tally.truths.contains(&0) {
            return Ok(());
        }
        let seen = tally.truths.iter().try_fold(0, |sum, &truths| add(sum, truths))?;
        let truths = tally.truths.iter().map(|&truths| mul(truths, ONE)).collect::<Result<Vec<_>, _>>()?;
        let sums = Sums { labels: seen, hits: mul(tally.hits, ONE)?, answers: tally.answers, truths: &truths };
        book(&Agreement::of(&sums, ONE)?, seen, &mut self.gold_gain, &mut self.gold_room)
    }

    /// The worker's result.
    pub(super) fn judge(&self, params: &SetParams) -> Result<WorkerResult, Error> {
        let number = |labels: u64| u32::try_from(labels).map_err(|_| Error::Overflow);
        let labels = number(self.answers)?;
        // Each label of a set is worth its part of the price; what the gate refused is not paid.
        let part = |share: u64| portion(share.into(), self.open, params.labels.into()).map(|part| u64::try_from(part).unwrap_or(ONE));
        let plain = |share, basis| Ok(WorkerResult { labels, scored: 0, kappa: 0, share, basis });
        if self.answers == 0 {
            return plain(0, Basis::Idle);
        }
        if self.open == 0 {
            return plain(0, Basis::Excluded);
        }
        if self.scored.0 == 0 {
            return plain(part(ONE / 2)?, Basis::Silence);
        }
        let (kappa, basis, counted) = if self.told.0 > 0 {
            (kappa(self.gain, self.room)?, Basis::Kappa, self.told)
        } else if self.gold_room > 0 && params.gold == Gold::Opened {
            (kappa(self.gold_gain, self.gold_room)?, Basis::Gold, self.scored)
        } else {
            (half_target(params.target_bps)?, Basis::OneClass, self.scored)
        };
        // Labels of one set are no independent evidence: what counts is the sets scored, on average over the labels.
        let scored = counted.1.checked_div(counted.0).ok_or(Error::Overflow)?;
        let share = part(params.of_label().share(scored, kappa)?)?;
        Ok(WorkerResult { labels, scored: number(scored)?, kappa, share, basis })
    }
}

/// Adds an agreement over n labels, which is in the unit n^2, to sums in the unit n. A gain of zero stays zero.
fn book(agreement: &Agreement, labels: u64, gain: &mut i64, room: &mut u64) -> Result<(), Error> {
    let by_label = agreement.gain.checked_div_euclid(labels.into()).and_then(|gain| i64::try_from(gain).ok());
    shift_signed(gain, by_label.ok_or(Error::Overflow)?)?;
    let left = agreement.room.checked_div(labels.into()).and_then(|room| u64::try_from(room).ok());
    raise(room, left.ok_or(Error::Overflow)?)
}

/// floor(gain / room) in Q32; zero where there is no room.
fn kappa(gain: i64, room: u64) -> Result<i64, Error> {
    if room == 0 {
        return Ok(0);
    }
    let scaled = i128::from(gain).checked_mul(ONE.into()).ok_or(Error::Overflow)?;
    scaled.checked_div_euclid(room.into()).and_then(|kappa| i64::try_from(kappa).ok()).ok_or(Error::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(gold: Gold) -> SetParams {
        SetParams::new(100, 4, 1, gold)
    }

    fn sums<'a>(labels: u64, hits: u64, answers: &'a [u64], truths: &'a [u64]) -> Sums<'a> {
        Sums { labels, hits, answers, truths }
    }

    const NONE: [u64; 2] = [0, 0];

    const MIXED: Whole = Whole { trusted: false, one_class: false, gold_of_two: false };
    const ALIKE: Whole = Whole { one_class: true, ..MIXED };

    fn pooled(labels: &[Sums<'_>]) -> Pool {
        pooled_in(ALIKE, labels)
    }

    /// Of labels that are nearly everywhere off, or not.
    fn pooled_in(whole: Whole, labels: &[Sums<'_>]) -> Pool {
        let mut pool = Pool::default();
        for score in labels {
            pool.add(false, &whole, &sums(40, 0, &NONE, &NONE), score).unwrap();
        }
        assert_eq!(Pool::read(&pool.row()), Ok(pool));
        pool
    }

    #[test]
    fn gains_and_rooms_are_added_before_they_are_divided() {
        let even = [20 * ONE, 20 * ONE];
        let rare = [36 * ONE, 4 * ONE];
        // hit 7/8, chance 1/2; hit 1, chance 0.82: (0.375 + 0.18) / (0.5 + 0.18) = 0.816
        let pool = pooled(&[sums(40, 35 * ONE, &[20, 20], &even), sums(40, 40 * ONE, &[36, 4], &rare)]);
        let result = pool.judge(&SetParams { labels: 2, ..params(Gold::None) }).unwrap();
        assert_eq!((result.basis, result.labels, result.scored), (Basis::Kappa, 40, 40));
        assert!((result.kappa - (ONE as i64) * 555 / 680).abs() <= 1, "{}", result.kappa);
        assert_eq!(result.share, ONE);
    }

    #[test]
    fn constant_answers_add_nothing_but_room() {
        let (all_off, mostly_off) = ([40, 0], [27 * ONE + 1_234_567, 13 * ONE - 1_234_567]);
        let constant = sums(40, mostly_off[0], &all_off, &mostly_off);
        let result = pooled(&[constant; 4]).judge(&params(Gold::None)).unwrap();
        assert_eq!((result.kappa, result.share, result.basis), (0, 0, Basis::Kappa));
    }

    #[test]
    fn labels_of_nearly_one_class_are_left_out_unless_the_answers_are_not() {
        let rare = [3_960 * ONE / 100, 40 * ONE / 100];
        let good = sums(40, 35 * ONE, &[20, 20], &[20 * ONE, 20 * ONE]);
        let kappa = |rare: Sums<'_>| pooled(&[good, rare]).judge(&params(Gold::None)).unwrap().kappa;
        let alone = pooled(&[good]).judge(&params(Gold::None)).unwrap().kappa;
        assert_eq!(kappa(sums(40, rare[0], &[40, 0], &rare)), alone, "there is nothing to find");
        assert!(kappa(sums(40, rare[1], &[0, 40], &rare)) < alone, "who says yes everywhere has not looked");
        // Where the label is not that rare in the whole job, all-off answers do not hide behind the worker's own tasks: their room counts.
        let pool = pooled_in(MIXED, &[good, sums(40, rare[0], &[40, 0], &rare)]);
        assert!(pool.judge(&params(Gold::None)).unwrap().kappa < alone);
        let nothing = [40 * ONE, 0];
        let pool = pooled_in(MIXED, &[sums(40, 40 * ONE, &[40, 0], &nothing)]);
        assert_eq!(pool.judge(&params(Gold::None)).unwrap().basis, Basis::Kappa);
        assert_eq!(pool.judge(&params(Gold::None)).unwrap().share, 0);
    }

    #[test]
    fn where_every_label_is_of_one_class_gold_of_both_decides() {
        let (rare, off) = ([40 * ONE, 0], [40, 0]);
        let score = sums(40, 40 * ONE, &off, &rare);
        let judged = |tally: Sums<'_>, gold| {
            let mut pool = Pool::default();
            pool.add(false, &Whole { trusted: gold == Gold::Opened, ..ALIKE }, &tally, &score).unwrap();
            pool.judge(&params(gold)).unwrap()
        };
        let right = sums(40, 10, &[8, 2], &[8, 2]);
        let result = judged(right, Gold::Opened);
        assert_eq!((result.basis, result.kappa), (Basis::Gold, ONE as i64));
        // 40 / 50 / 0.6 > 1, for one of four labels.
        assert_eq!(result.share, ONE / 4);
        assert_eq!(judged(sums(40, 8, &[10, 0], &[8, 2]), Gold::Opened).share, 0);
        assert_eq!(judged(sums(40, 10, &[10, 0], &[10, 0]), Gold::Opened).basis, Basis::OneClass);
        assert_eq!(judged(right, Gold::None).basis, Basis::OneClass);
    }

    #[test]
    fn labels_that_the_gate_refuses_are_not_paid() {
        let good = sums(40, 40 * ONE, &[20, 20], &[20 * ONE, 20 * ONE]);
        let (tally, silent) = (sums(40, 0, &NONE, &NONE), sums(0, 0, &NONE, &NONE));
        let judged = |excluded: [bool; 4], score: &Sums<'_>| {
            let mut pool = Pool::default();
            excluded.iter().for_each(|&excluded| pool.add(excluded, &Whole { trusted: true, ..ALIKE }, &tally, score).unwrap());
            pool.judge(&params(Gold::Opened)).unwrap()
        };
        assert_eq!(judged([false; 4], &good).share, ONE);
        assert_eq!(judged([true, false, false, true], &good).share, ONE / 2);
        assert_eq!((judged([true; 4], &good).basis, judged([true; 4], &good).share), (Basis::Excluded, 0));
        assert_eq!((judged([false; 4], &silent).basis, judged([false; 4], &silent).share), (Basis::Silence, ONE / 2));
        assert_eq!(judged([true, true, true, false], &silent).share, ONE / 8);
        assert_eq!(Pool::default().judge(&params(Gold::None)).unwrap().basis, Basis::Idle);
    }

    #[test]
    fn the_largest_job_does_not_overflow() {
        let labels = u64::from(crate::MAX_TASKS);
        let (halves, truths) = ([labels / 2; 2], [labels / 2 * ONE; 2]);
        let (score, tally) = (sums(labels, labels * ONE, &halves, &truths), sums(labels, labels, &halves, &halves));
        let mut pool = Pool::default();
        (0..64).for_each(|_| pool.add(false, &Whole { trusted: true, ..ALIKE }, &tally, &score).unwrap());
        let result = pool.judge(&SetParams { labels: 64, ..params(Gold::Opened) }).unwrap();
        assert_eq!((result.kappa, result.share, result.scored), (ONE as i64, ONE, crate::MAX_TASKS));
    }
}
