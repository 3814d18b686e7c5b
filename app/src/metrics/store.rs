//! Figures of the database and the disk under it.
use std::{fs, path::PathBuf};

use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Gauges, signed};
use crate::{App, disk::Space};

/// What RocksDB tells of each column, and of all: the name of `cairn_store::Metric`, ours, and what it is.
const BY_COLUMN: [(&str, &str, &str); 4] = [
    ("keys_estimate", "state_keys", "Keys of a column of the state, estimated"),
    ("live_files_bytes", "state_bytes", "Bytes of a column of the state on disk"),
    ("memtable_bytes", "state_memtable_bytes", "Bytes of a column that are written and not in a file yet"),
    ("pending_compaction_bytes", "state_pending_compaction_bytes", "Bytes of a column that wait for compaction"),
];
const OVERALL: [(&str, &str, &str); 7] = [
    ("running_compactions", "state_compactions", "Compactions that run"),
    ("running_flushes", "state_flushes", "Flushes that run"),
    ("delayed_write_bytes_per_second", "state_delayed_write_bytes_per_second", "Rate to which writes are slowed down; 0: they are not"),
    ("writes_stopped", "state_writes_stopped", "1 while writes wait for compaction"),
    ("background_errors", "state_background_errors", "Failures of flushes and compactions"),
    ("snapshots", "state_views", "Views of the state that queries hold"),
    ("block_cache_bytes", "state_block_cache_bytes", "Bytes of the block cache in use"),
];

pub(super) struct Figures {
    folder: PathBuf,
    by_column: Vec<(&'static str, Gauges<1>)>,
    overall: Vec<(&'static str, Gauge)>,
    wal: Gauge,
    files: Gauge,
    free: Gauge,
    size: Gauge,
}

impl Figures {
    pub(super) fn new(registry: &mut Registry, folder: PathBuf) -> Self {
        let mut by_column = Vec::new();
        for (source, name, help) in BY_COLUMN {
            let gauges: Gauges<1> = Family::default();
            registry.register(name, help, gauges.clone());
            by_column.push((source, gauges));
        }
        let mut overall = Vec::new();
        for (source, name, help) in OVERALL {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            overall.push((source, gauge));
        }
        let [wal, files, free, size] = <[Gauge; 4]>::default();
        registry.register("state_wal_bytes", "Bytes of the write-ahead logs, which a start after a crash replays", wal.clone());
        registry.register("state_files_bytes", "Bytes of all files of the state", files.clone());
        registry.register("disk_free_bytes", "Bytes free on the disk that holds the state", free.clone());
        registry.register("disk_size_bytes", "Bytes of the disk that holds the state", size.clone());
        Self { folder, by_column, overall, wal, files, free, size }
    }

    pub(super) fn refresh(&self, app: &App) -> anyhow::Result<()> {
        for metric in app.store().metrics()? {
            if let Some((_, gauges)) = self.by_column.iter().find(|(source, _)| *source == metric.name) {
                gauges.get_or_create(&[("column", metric.column.to_owned())]).set(signed(metric.value));
            } else if let Some((_, gauge)) = self.overall.iter().find(|(source, _)| *source == metric.name) {
                gauge.set(signed(metric.value));
            }
        }
        let (mut all, mut wal) = (0_u64, 0_u64);
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // A file that compaction removed meanwhile has no size.
            let bytes = entry.metadata().map_or(0, |m| m.len());
            all = all.saturating_add(bytes);
            if entry.path().extension().is_some_and(|e| e == "log") {
                wal = wal.saturating_add(bytes);
            }
        }
        self.files.set(signed(all));
        self.wal.set(signed(wal));
        let space = Space::of(&self.folder)?;
        self.free.set(signed(space.free));
        self.size.set(signed(space.size));
        Ok(())
    }
}
