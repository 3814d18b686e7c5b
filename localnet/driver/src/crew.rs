//! The fourteen annotators of the main job.
use crate::skill::Habit;

/// One member of the crew.
#[derive(Debug, Clone)]
pub struct Member {
    /// Name of its account.
    pub name: String,
    /// How it answers.
    pub habit: Habit,
}

/// Ten honest annotators of very different skill, a lazy one, a random one, and a pair that copies each other.
#[must_use]
pub fn crew() -> Vec<Member> {
    let skills = [0.55, 0.65, 0.75, 0.82, 0.88, 0.92, 0.94, 0.96, 0.97, 0.98];
    let honest = skills.into_iter().map(|p| Member { name: format!("honest-{:02.0}", p * 100.0), habit: Habit::Honest(p) });
    let pair = ["copier-a", "copier-b"].map(|n| Member { name: n.to_owned(), habit: Habit::Copier { skill: 0.75, sheet: 1_000 } });
    let lazy = Member { name: "lazy".to_owned(), habit: Habit::Lazy(1) };
    let random = Member { name: "random".to_owned(), habit: Habit::Random };
    honest.chain([lazy, random]).chain(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_fourteen_with_names_of_their_own() {
        let mut names: Vec<String> = crew().into_iter().map(|m| m.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 14);
    }
}
