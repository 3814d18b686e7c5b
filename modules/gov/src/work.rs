//! What ending proposals may cost a block.

/// Entries of state that a block may still read and write for proposals that end. The last piece may go over it, by at most what one
/// voter delegates to the set.
#[derive(Debug)]
pub(crate) struct Work(usize);

impl Work {
    /// Room for so many entries.
    pub(crate) fn of(entries: usize) -> Self {
        Self(entries)
    }
    /// For queries, which pay gas for what they read.
    pub(crate) fn unlimited() -> Self {
        Self(usize::MAX)
    }
    /// Whether nothing more may be begun.
    pub(crate) fn is_done(&self) -> bool {
        self.0 == 0
    }
    /// What is left.
    pub(crate) fn left(&self) -> usize {
        self.0
    }
    /// Takes entries off.
    pub(crate) fn spend(&mut self, entries: usize) {
        self.0 = self.0.saturating_sub(entries);
    }
}
