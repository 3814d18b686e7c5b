//! What pay can rest on, with its numbers and names.

/// What a worker's share rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// No label was accepted: nothing to pay.
    Idle,
    /// The gate keeps the worker out: nothing is paid.
    Excluded,
    /// No label could be scored since others were silent: one half.
    Silence,
    /// Kappa over the scored labels.
    Kappa,
    /// One class is nearly everywhere in the job: kappa over the worker's gold answers.
    Gold,
    /// One class is nearly everywhere in the job, and in its gold: kappa is taken to be half the target.
    OneClass,
}

impl Basis {
    /// All of them, by number.
    const ALL: [Basis; 6] = [Basis::Idle, Basis::Excluded, Basis::Silence, Basis::Kappa, Basis::Gold, Basis::OneClass];

    /// Its number in formats and digests.
    pub fn number(self) -> u8 {
        match self {
            Basis::Idle => 0,
            Basis::Excluded => 1,
            Basis::Silence => 2,
            Basis::Kappa => 3,
            Basis::Gold => 4,
            Basis::OneClass => 5,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Basis> {
        Basis::ALL.into_iter().find(|basis| basis.number() == number)
    }

    /// A short name for people.
    pub fn name(self) -> &'static str {
        match self {
            Basis::Idle => "idle",
            Basis::Excluded => "excluded",
            Basis::Silence => "silence",
            Basis::Kappa => "kappa",
            Basis::Gold => "gold",
            Basis::OneClass => "one-class",
        }
    }
}
