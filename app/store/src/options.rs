//! What an operator may set.
use crate::{Error, Result};

/// Which old heights stay available to queries and proofs. The newest state is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pruning {
    /// The last 362,880 heights: three weeks of five-second blocks, an unbonding period of the usual length.
    #[default]
    Default,
    /// Every height: an archive.
    Nothing,
    /// The least that still allows to roll back one height: two.
    Everything,
    /// The last so many heights.
    Custom {
        /// How many heights answer, the newest included: at least two.
        keep_recent: u64,
        /// Old heights are forgotten every so many heights, at least 1; up to as many more answer until then.
        interval: u64,
    },
}

/// What a setting comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) recent: u64,
    pub(crate) interval: u64,
}

impl Pruning {
    const DEFAULT_KEPT: u64 = 362_880;
    const LEAST_KEPT: u64 = 2;

    /// How many heights stay, or `None` for all.
    pub(crate) fn kept(self) -> Result<Option<Kept>> {
        let (recent, interval) = match self {
            Self::Default => (Self::DEFAULT_KEPT, 1),
            Self::Nothing => return Ok(None),
            Self::Everything => (Self::LEAST_KEPT, 1),
            Self::Custom { keep_recent, interval } => (keep_recent, interval),
        };
        if recent < Self::LEAST_KEPT {
            return Err(Error::KeepRecent { least: Self::LEAST_KEPT, found: recent });
        }
        if interval == 0 {
            return Err(Error::Interval);
        }
        Ok(Some(Kept { recent, interval }))
    }
}

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Which old heights stay. May be changed between runs; what is pruned does not come back.
    pub pruning: Pruning,
    /// Whether a commit waits until the disk has it. Without it a power cut (not a killed process) may lose the newest heights,
    /// which consensus then replays.
    pub sync: bool,
    /// Bytes of the block cache that all columns share.
    pub block_cache: usize,
    /// Bytes of writes held in memory, which bounds the log to replay after a crash.
    pub write_buffer: usize,
    /// Tree nodes kept decoded, of about 1.2 KiB each.
    pub node_cache: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { pruning: Pruning::Default, sync: true, block_cache: 256 << 20, write_buffer: 128 << 20, node_cache: 1 << 17 }
    }
}
