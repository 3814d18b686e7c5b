//! How the scripted annotators answer: by skill, by habit, or by looking at another's sheet.
use rand::{Rng, SeedableRng, rngs::StdRng};

/// What an annotator does with a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Habit {
    /// Right with this probability, else a class that the true one is confused with.
    Honest(f64),
    /// Always this class.
    Lazy(u16),
    /// Any class.
    Random,
    /// As an honest annotator of this skill, but answers are those of the given sheet: all who share it answer alike.
    Copier {
        /// Probability of the right class.
        skill: f64,
        /// Whose answers.
        sheet: u64,
    },
}

impl Habit {
    /// The probability of a right answer over `classes` equally frequent classes.
    #[must_use]
    pub fn skill(self, classes: u16) -> f64 {
        match self {
            Self::Honest(p) | Self::Copier { skill: p, .. } => p,
            Self::Lazy(_) | Self::Random => 1.0 / f64::from(classes.max(1)),
        }
    }
}

/// One annotator's answers: a function of the item and the seed alone, so that a restart answers the same.
#[derive(Debug, Clone)]
pub struct Sheet {
    habit: Habit,
    classes: u16,
    seed: u64,
}

impl Sheet {
    /// Answers of an annotator numbered `number`; `seed` is the run's.
    #[must_use]
    pub fn new(habit: Habit, classes: u16, seed: u64, number: u64) -> Self {
        let own = match habit {
            Habit::Copier { sheet, .. } => sheet,
            _ => number,
        };
        Self { habit, classes, seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ own.wrapping_add(1) }
    }

    /// The answer for item number `item` whose true class is `truth`.
    #[must_use]
    pub fn answer(&self, item: u64, truth: u16) -> u16 {
        let mut rng = StdRng::seed_from_u64(self.seed ^ item.wrapping_mul(0xd134_2543_de82_ef95));
        match self.habit {
            Habit::Lazy(class) => class,
            Habit::Random => rng.gen_range(0..self.classes),
            Habit::Honest(skill) | Habit::Copier { skill, .. } if rng.gen_bool(skill) => truth,
            Habit::Honest(_) | Habit::Copier { .. } => self.confuse(truth, &mut rng),
        }
    }

    /// A wrong class: one of three that this annotator mistakes the true one for, three times out of four; else any other.
    fn confuse(&self, truth: u16, rng: &mut StdRng) -> u16 {
        let mut table = StdRng::seed_from_u64(self.seed.rotate_left(17) ^ u64::from(truth));
        let others: Vec<u16> = (0..self.classes).filter(|c| *c != truth).collect();
        let pick = |rng: &mut StdRng| others.get(rng.gen_range(0..others.len().max(1))).copied().unwrap_or(truth);
        let usual: Vec<u16> = (0..3).map(|_| pick(&mut table)).collect();
        if rng.gen_bool(0.75) { usual.get(rng.gen_range(0..3)).copied().unwrap_or(truth) } else { pick(rng) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(habit: Habit) -> f64 {
        let sheet = Sheet::new(habit, 10, 1, 4);
        let hits = (0..20_000_u64).filter(|i| sheet.answer(*i, (*i % 10) as u16) == (*i % 10) as u16).count();
        hits as f64 / 20_000.0
    }

    #[test]
    fn answers_are_as_right_as_the_skill_says() {
        for p in [0.55, 0.82, 0.98] {
            assert!((right(Habit::Honest(p)) - p).abs() < 0.015, "{p}");
        }
        assert!((right(Habit::Random) - 0.1).abs() < 0.015 && (right(Habit::Lazy(3)) - 0.1).abs() < 0.001);
    }

    #[test]
    fn copiers_answer_alike_and_nobody_else_does() {
        let copy = |n| Sheet::new(Habit::Copier { skill: 0.75, sheet: 99 }, 10, 1, n);
        let other = Sheet::new(Habit::Honest(0.75), 10, 1, 3);
        assert!((0..500).all(|i| copy(1).answer(i, 5) == copy(2).answer(i, 5)));
        assert!((0..500).any(|i| copy(1).answer(i, 5) != other.answer(i, 5)));
    }
}
