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
    /// The last so many heights, at least two.
    Custom {
        /// How many heights answer, the newest included.
        keep_recent: u64,
    },
}

impl Pruning {
    const DEFAULT_KEPT: u64 = 362_880;
    const LEAST_KEPT: u64 = 2;

    /// How many heights stay, or `None` for all.
    pub(crate) fn kept(self) -> Result<Option<u64>> {
        match self {
            Self::Default => Ok(Some(Self::DEFAULT_KEPT)),
            Self::Nothing => Ok(None),
            Self::Everything => Ok(Some(Self::LEAST_KEPT)),
            Self::Custom { keep_recent } if keep_recent >= Self::LEAST_KEPT => Ok(Some(keep_recent)),
            Self::Custom { keep_recent } => Err(Error::KeepRecent { least: Self::LEAST_KEPT, found: keep_recent }),
        }
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
