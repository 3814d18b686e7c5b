//! RocksDB: its columns and settings, reads, and batches.
use std::{io, path::Path};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBPinnableSlice, DBRecoveryMode, ErrorKind,
    IteratorMode, LogLevel, ReadOptions, WriteBatch, WriteOptions,
};

use crate::{Error, Options, Result, error::corrupt};

/// A column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// State key -> since, value: the newest values.
    Flat,
    /// State key, until -> since, value: what values were before.
    History,
    /// Version, store, path -> tree node.
    Nodes,
    /// Store, key hash -> key inside the store.
    Preimages,
    /// Height, chunk -> what the height superseded.
    Journal,
    /// Layout, newest height, store roots by height.
    Meta,
}

impl Column {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [Self::Flat, Self::History, Self::Nodes, Self::Preimages, Self::Journal, Self::Meta];

    /// The name in RocksDB.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::History => "history",
            Self::Nodes => "nodes",
            Self::Preimages => "preimages",
            Self::Journal => "journal",
            Self::Meta => "meta",
        }
    }

    fn settings(self, cache: &Cache, write_buffer: usize) -> rocksdb::Options {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(cache);
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
        blocks.set_bloom_filter(10.0, false);
        let mut settings = rocksdb::Options::default();
        match self {
            // Hashes do not compress; a block of four nodes keeps a look-up short.
            Self::Nodes => {
                blocks.set_block_size(4 << 10);
                settings.set_compression_type(DBCompressionType::None);
            }
            Self::Preimages => settings.set_compression_type(DBCompressionType::None),
            Self::Flat | Self::History | Self::Journal | Self::Meta => settings.set_compression_type(DBCompressionType::Lz4),
        }
        settings.set_block_based_table_factory(&blocks);
        settings.set_write_buffer_size(write_buffer / 4);
        settings.set_level_compaction_dynamic_level_bytes(true);
        settings
    }
}

/// A key and its value.
pub(crate) type Row = (Box<[u8]>, Box<[u8]>);

/// The open database.
pub(crate) struct Disk {
    db: DB,
    cache: Cache,
    sync: bool,
}

impl Disk {
    /// Opens the folder, or makes it.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self> {
        let cache = Cache::new_lru_cache(options.block_cache);
        let mut settings = rocksdb::Options::default();
        settings.create_if_missing(true);
        settings.create_missing_column_families(true);
        // After a crash the log is replayed up to the first record that is not whole: a prefix of the commits, never a part of one.
        settings.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        settings.set_paranoid_checks(true);
        // One writer writes rows in order, which is quickest without the bookkeeping for several.
        settings.set_allow_concurrent_memtable_write(false);
        settings.set_db_write_buffer_size(options.write_buffer);
        settings.set_max_total_wal_size(u64::try_from(options.write_buffer).unwrap_or(u64::MAX).saturating_mul(2));
        settings.set_max_background_jobs(4);
        settings.set_bytes_per_sync(1 << 20);
        settings.set_max_open_files(1024);
        settings.set_keep_log_file_num(4);
        settings.set_log_level(LogLevel::Warn);
        let columns = Column::ALL.map(|c| ColumnFamilyDescriptor::new(c.name(), c.settings(&cache, options.write_buffer)));
        let db = DB::open_cf_descriptors(&settings, path, columns).map_err(|e| explain(path, e))?;
        Ok(Self { db, cache, sync: options.sync })
    }

    /// The handle of a column.
    pub(crate) fn column(&self, column: Column) -> Result<&ColumnFamily> {
        self.db.cf_handle(column.name()).ok_or_else(|| corrupt(format!("no column {}", column.name())))
    }

    /// The newest row at `key`.
    pub(crate) fn get(&self, column: Column, key: &[u8]) -> Result<Option<DBPinnableSlice<'_>>> {
        Ok(self.db.get_pinned_cf(self.column(column)?, key)?)
    }

    /// The rows from `from` to below `to`, in order.
    pub(crate) fn scan<'a>(&'a self, column: Column, from: &[u8], to: &[u8]) -> Result<impl Iterator<Item = Result<Row>> + use<'a>> {
        let mut bounds = ReadOptions::default();
        bounds.set_iterate_range(from..to);
        let rows = self.db.iterator_cf_opt(self.column(column)?, bounds, IteratorMode::Start);
        Ok(rows.map(|row| Ok(row?)))
    }

    /// RocksDB itself, for snapshots, iterators, properties and checkpoints.
    pub(crate) fn db(&self) -> &DB {
        &self.db
    }

    /// The cache of blocks.
    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Rewrites every column without what was deleted, so that its space is free.
    pub(crate) fn compact(&self) -> Result<()> {
        for column in Column::ALL {
            self.db.compact_range_cf(self.column(column)?, None::<&[u8]>, None::<&[u8]>);
        }
        Ok(())
    }

    /// A batch that is written as one.
    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch { disk: self, rows: WriteBatch::default(), limit: usize::MAX }
    }

    /// A batch that is written piece by piece while it grows: for rows that count only once a later batch says so.
    pub(crate) fn stream(&self) -> Batch<'_> {
        Batch { limit: 16 << 20, ..self.batch() }
    }

    fn write(&self, rows: WriteBatch, sync: bool) -> Result<()> {
        let mut how = WriteOptions::default();
        how.set_sync(sync);
        crash_point();
        self.db.write_opt(rows, &how)?;
        crash_point();
        Ok(())
    }
}

/// Rows on their way to the disk.
pub(crate) struct Batch<'a> {
    disk: &'a Disk,
    rows: WriteBatch,
    limit: usize,
}

impl Batch<'_> {
    /// Adds or replaces a row.
    pub(crate) fn put(&mut self, column: Column, key: &[u8], value: &[u8]) -> Result<()> {
        self.rows.put_cf(self.disk.column(column)?, key, value);
        self.grown()
    }

    /// Removes a row.
    pub(crate) fn delete(&mut self, column: Column, key: &[u8]) -> Result<()> {
        self.rows.delete_cf(self.disk.column(column)?, key);
        self.grown()
    }

    /// Removes the rows from `from` to below `to`.
    pub(crate) fn delete_range(&mut self, column: Column, from: &[u8], to: &[u8]) -> Result<()> {
        self.rows.delete_range_cf(self.disk.column(column)?, from, to);
        self.grown()
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes what is held, and waits for the disk where the options say so.
    pub(crate) fn commit(self) -> Result<()> {
        self.disk.write(self.rows, self.disk.sync)
    }

    /// Writes what is held without waiting for the disk: for rows that count only once a later batch says so.
    pub(crate) fn commit_unsynced(self) -> Result<()> {
        self.disk.write(self.rows, false)
    }

    fn grown(&mut self) -> Result<()> {
        if self.rows.size_in_bytes() >= self.limit {
            self.disk.write(std::mem::take(&mut self.rows), false)?;
        }
        Ok(())
    }
}

/// A moment at which the tests abort the process: before and after everything that reaches the disk.
pub(crate) fn crash_point() {
    #[cfg(test)]
    crate::tests::crash::point();
}

fn explain(path: &Path, error: rocksdb::Error) -> Error {
    let text = error.as_ref();
    let locked = error.kind() == ErrorKind::IOError && (text.contains("lock file") || text.contains("lock hold by"));
    if locked && !text.contains(&io::Error::from(io::ErrorKind::PermissionDenied).to_string()) {
        Error::Locked(path.to_path_buf())
    } else {
        Error::Database(error)
    }
}
