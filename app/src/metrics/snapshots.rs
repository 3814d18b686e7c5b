//! Figures of snapshots: what the folder holds, and how taking them went.
use std::time::{Duration, SystemTime};

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

use super::signed;
use crate::App;

/// Handles: clones count the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshots {
    height: Gauge,
    taken: Gauge,
    age: Gauge,
    took: Gauge,
    bytes: Gauge,
    kept: Gauge,
    done: Counter,
    failed: Counter,
}

impl Snapshots {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("snapshot_height", "Height of the newest snapshot; 0 if there is none", self.height.clone());
        registry.register(
            "snapshot_taken_seconds",
            "When the newest snapshot was finished, in seconds since the epoch",
            self.taken.clone(),
        );
        registry.register("snapshot_age_seconds", "Age of the newest snapshot; 0 if there is none", self.age.clone());
        registry.register("snapshot_took_milliseconds", "Time that the last snapshot of this process took", self.took.clone());
        registry.register("snapshot_bytes", "Bytes of the newest snapshot", self.bytes.clone());
        registry.register("snapshots_kept", "Snapshots that stand on disk", self.kept.clone());
        registry.register("snapshots_taken", "Snapshots taken by this process", self.done.clone());
        registry.register("snapshots_failed", "Snapshots that this process failed to take", self.failed.clone());
    }

    /// One was taken.
    pub(crate) fn took(&self, time: Duration) {
        self.took.set(signed(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
        self.done.inc();
    }

    /// One could not be taken.
    pub(crate) fn failed(&self) {
        self.failed.inc();
    }

    pub(super) fn refresh(&self, app: &App) -> anyhow::Result<()> {
        let Some(folder) = app.snapshots() else { return Ok(()) };
        let heights = folder.heights()?;
        self.kept.set(signed(u64::try_from(heights.len()).unwrap_or(u64::MAX)));
        let newest = heights.into_iter().max().unwrap_or(0);
        self.height.set(signed(newest));
        if newest == 0 {
            return Ok(());
        }
        let (bytes, taken) = folder.size(newest, cairn_store::FORMAT)?;
        self.bytes.set(signed(bytes));
        self.taken.set(taken.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| signed(t.as_secs())));
        self.age.set(taken.elapsed().map_or(0, |age| signed(age.as_secs())));
        Ok(())
    }
}
