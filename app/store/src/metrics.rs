//! RocksDB's own figures.
use rocksdb::properties;

use crate::{Result, StateStore, disk::Column};

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// What it measures, with its unit.
    pub name: &'static str,
    /// The column family, or `all`.
    pub column: &'static str,
    /// The figure.
    pub value: u64,
}

impl StateStore {
    /// Sizes, pending work and stalls, for a metrics endpoint. Reads counters only.
    ///
    /// # Errors
    /// [`crate::Error::Database`] if RocksDB refuses.
    pub fn metrics(&self) -> Result<Vec<Metric>> {
        let by_column = [
            ("keys_estimate", properties::ESTIMATE_NUM_KEYS),
            ("live_files_bytes", properties::LIVE_SST_FILES_SIZE),
            ("memtable_bytes", properties::CUR_SIZE_ALL_MEM_TABLES),
            ("pending_compaction_bytes", properties::ESTIMATE_PENDING_COMPACTION_BYTES),
        ];
        let overall = [
            ("running_compactions", properties::NUM_RUNNING_COMPACTIONS),
            ("running_flushes", properties::NUM_RUNNING_FLUSHES),
            ("delayed_write_bytes_per_second", properties::ACTUAL_DELAYED_WRITE_RATE),
            ("writes_stopped", properties::IS_WRITE_STOPPED),
            ("background_errors", properties::BACKGROUND_ERRORS),
            ("snapshots", properties::NUM_SNAPSHOTS),
        ];
        let mut metrics = Vec::new();
        for column in Column::ALL {
            let handle = self.disk.column(column)?;
            for (name, property) in by_column {
                let value = self.disk.db().property_int_value_cf(handle, property)?.unwrap_or_default();
                metrics.push(Metric { name, column: column.name(), value });
            }
        }
        for (name, property) in overall {
            let value = self.disk.db().property_int_value(property)?.unwrap_or_default();
            metrics.push(Metric { name, column: "all", value });
        }
        let value = u64::try_from(self.disk.cache().get_usage()).unwrap_or(u64::MAX);
        metrics.push(Metric { name: "block_cache_bytes", column: "all", value });
        Ok(metrics)
    }
}
