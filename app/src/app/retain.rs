//! Which blocks CometBFT may forget.
use super::{App, Fault, snapshots::Snapshotting};

/// What must stay available in blocks.
#[derive(Debug, Clone, Copy)]
struct Needs {
    /// The setting: so many blocks stay; 0: all.
    blocks: u64,
    /// Consensus takes evidence about so many blocks; 0: no bound.
    evidence: u64,
    /// Snapshots are taken every so many heights; 0: none.
    interval: u64,
    /// So many of them stay; 0: all.
    snapshots: u64,
    /// The oldest that is there.
    oldest: Option<u64>,
}

/// The lowest height that CometBFT must keep after block `height`; 0: it keeps all. As the Cosmos SDK has it, and never above the oldest snapshot:
/// whoever restores that one replays the blocks after it.
fn retain(height: u64, needs: &Needs) -> u64 {
    if needs.blocks == 0 {
        return 0;
    }
    let snapshots = match (needs.interval, needs.snapshots) {
        (0, _) => None,
        (_, 0) => Some(0),
        (interval, kept) => Some(height.saturating_sub(interval.saturating_mul(kept))),
    };
    let evidence = (needs.evidence > 0).then(|| height.saturating_sub(needs.evidence));
    let lowest = [evidence, snapshots, needs.oldest].into_iter().flatten().min().unwrap_or(u64::MAX);
    lowest.min(height.saturating_sub(needs.blocks))
}

impl App {
    /// The lowest height whose block CometBFT must keep; 0: it keeps all of them.
    ///
    /// # Errors
    /// [`Fault`], if the folder of snapshots cannot be read.
    pub fn retain_height(&self) -> Result<u64, Fault> {
        let settings = &self.0.settings;
        let Some(tip) = self.0.tip().filter(|_| settings.min_retain_blocks > 0) else { return Ok(0) };
        let heights = self.snapshots().map(cairn_store::Snapshots::heights).transpose()?.unwrap_or_default();
        let (interval, snapshots) = settings.snapshots.as_ref().map_or((0, 0), |s: &Snapshotting| (s.interval, s.keep_recent.into()));
        let needs = Needs {
            blocks: settings.min_retain_blocks,
            evidence: tip.limits.evidence,
            interval,
            snapshots,
            oldest: heights.first().copied(),
        };
        Ok(retain(tip.block.height, &needs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Needs = Needs { blocks: 1, evidence: 0, interval: 0, snapshots: 0, oldest: None };

    #[test]
    fn the_most_cautious_need_wins() {
        assert_eq!(retain(1_000, &Needs { blocks: 0, ..ALL }), 0);
        assert_eq!(retain(1_000, &Needs { blocks: 100, ..ALL }), 900);
        assert_eq!(retain(1_000, &Needs { blocks: 100, evidence: 300, ..ALL }), 700);
        assert_eq!(retain(1_000, &Needs { blocks: 100, evidence: 300, interval: 200, snapshots: 2, ..ALL }), 600);
        assert_eq!(retain(1_000, &Needs { blocks: 100, interval: 200, snapshots: 2, oldest: Some(150), ..ALL }), 150);
        assert_eq!(retain(1_000, &Needs { blocks: 100, interval: 200, snapshots: 0, ..ALL }), 0);
        assert_eq!(retain(50, &Needs { blocks: 100, ..ALL }), 0);
    }

    proptest! {
        #[test]
        fn nothing_that_is_needed_goes(
            height in 1..u64::MAX, blocks in 0..5_000u64, evidence in 0..5_000u64, interval in 0..500u64, snapshots in 0..10u64,
            oldest in proptest::option::of(0..5_000u64),
        ) {
            let needs = Needs { blocks, evidence, interval, snapshots, oldest };
            let kept = retain(height, &needs);
            prop_assert!(kept < height && kept <= height.saturating_sub(blocks));
            prop_assert!(blocks > 0 || kept == 0);
            prop_assert!(evidence == 0 || kept <= height.saturating_sub(evidence));
            prop_assert!(interval == 0 || kept <= height.saturating_sub(interval.saturating_mul(snapshots)));
            prop_assert!(oldest.is_none_or(|oldest| kept <= oldest));
            // It never falls while the snapshots that are there stay.
            prop_assert!(retain(height.saturating_add(1), &needs) >= kept);
        }
    }
}
