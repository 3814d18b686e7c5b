//! Why the store refuses.
use std::path::PathBuf;

/// What can go wrong with the store. Nothing here is a transaction's fault: a node that meets one of these stops or answers a query with it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds the folder.
    #[error("the store at {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// RocksDB failed: disk full, I/O error, damaged file.
    #[error("database: {0}")]
    Database(#[from] rocksdb::Error),
    /// A file of the store cannot be read or cut.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A row does not say what it should; the text names the row.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The folder was written by software with another layout.
    #[error("the store has layout {found}, this binary reads layout {expected}")]
    Schema {
        /// What the folder says.
        found: u32,
        /// What this build writes.
        expected: u32,
    },
    /// The height was pruned away.
    #[error("height {height} is pruned, the oldest available height is {oldest}")]
    Pruned {
        /// What was asked.
        height: u64,
        /// The oldest height that still answers.
        oldest: u64,
    },
    /// The height is not committed yet.
    #[error("height {height} is not committed, the newest height is {latest}")]
    Future {
        /// What was asked.
        height: u64,
        /// The newest height that answers.
        latest: u64,
    },
    /// There is no state yet: genesis comes first.
    #[error("the store holds no state: genesis comes first")]
    Empty,
    /// Blocks follow each other by one.
    #[error("expected height {expected}, found height {found}")]
    Height {
        /// The next height.
        expected: u64,
        /// What was asked.
        found: u64,
    },
    /// The very same height with the very same state is committed already.
    #[error("height {0} is committed already, with the same app hash")]
    AlreadyCommitted(u64),
    /// What was staged does not follow from what is committed.
    #[error("height {height} was staged on another state than the committed height {committed}")]
    Stale {
        /// The staged height.
        height: u64,
        /// The committed height.
        committed: u64,
    },
    /// Neither genesis nor a snapshot takes the place of a state that blocks have made.
    #[error("refused: height {0} is committed")]
    HasBlocks(u64),
    /// Chains start at height 1 or above.
    #[error("expected an initial height of at least 1")]
    InitialHeight,
    /// A state key has the form `<store>/<key>`; the store is 1 to 64 printable ASCII bytes, the key is not empty.
    #[error("expected a state key of the form store/key, found {0:?}")]
    Key(String),
    /// The newest heights must stay.
    #[error("expected at least {least} heights to be kept, found {found}")]
    KeepRecent {
        /// The least allowed.
        least: u64,
        /// What was asked.
        found: u64,
    },
    /// Old heights cannot be forgotten every 0 heights.
    #[error("expected a pruning interval of at least 1")]
    Interval,
    /// There is no height before this one to go back to.
    #[error("height {0} cannot be rolled back: nothing older is kept")]
    NoRollback(u64),
    /// A snapshot in another form than this build reads.
    #[error("the snapshot has format {found}, this binary reads format {expected}")]
    Format {
        /// What was offered.
        found: u32,
        /// What this build writes.
        expected: u32,
    },
    /// A snapshot's metadata is refused.
    #[error("the snapshot's metadata is refused: {0}")]
    Metadata(String),
    /// A chunk is not the one that the metadata announced: its sender's fault.
    #[error("chunk {index} is refused: {why}")]
    Chunk {
        /// Its number.
        index: u32,
        /// Why.
        why: String,
    },
    /// What the metadata announced is no state with the trusted app hash: the fault of whoever made it.
    #[error("the snapshot is forged or damaged: {0}")]
    Forged(String),
    /// Chunks are taken in their order.
    #[error("expected chunk {expected}, found chunk {found}")]
    Order {
        /// The next chunk.
        expected: u32,
        /// What came.
        found: u32,
    },
    /// A snapshot was not finished because the node stops.
    #[error("the snapshot was given up")]
    GivenUp,
    /// There is no such snapshot.
    #[error("there is no snapshot of height {height} and format {format}")]
    NoSnapshot {
        /// What was asked.
        height: u64,
        /// What was asked.
        format: u32,
    },
    /// A file with a snapshot cannot be read or written.
    #[error("the snapshot's file: {0}")]
    Archive(String),
    /// The newest values do not hash to the committed app hash.
    #[error("the newest values hash to {found}, the committed app hash is {committed}")]
    Audit {
        /// The app hash that was committed.
        committed: String,
        /// The app hash that the values on disk give.
        found: String,
    },
}

/// The store's result.
pub type Result<T> = std::result::Result<T, Error>;

/// A row that cannot be read.
pub(crate) fn corrupt(what: impl Into<String>) -> Error {
    Error::Corrupt(what.into())
}
