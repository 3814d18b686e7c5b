//! Exit codes of `cairnd`: what a supervisor may act on. The README lists them.
use std::{fmt, io};

use crate::Fault;

/// Why the program ended. Attached to an error as its context (`error.context(Exit::Config)`), from where `main` reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Anything that has no code of its own.
    Failure = 1,
    /// A setting, a file of `config/` or an option is missing or cannot be read.
    Config = 10,
    /// The state is of another chain, or began with another genesis file.
    WrongChain = 11,
    /// The state was written by a newer program.
    Schema = 12,
    /// A file with a secret can be read by others.
    KeyMode = 13,
    /// Another process has this home.
    Locked = 14,
    /// An address cannot be listened on.
    Address = 15,
    /// The disk is full.
    DiskFull = 16,
    /// The state is damaged, or an invariant does not hold.
    Corrupt = 17,
    /// The state machine cannot go on; the log says why.
    Consensus = 18,
    /// CometBFT cannot be run, or ended too often.
    Comet = 19,
    /// The chain goes on with another program.
    Upgrade = 20,
    /// `pre-upgrade`: this program cannot carry the upgrade out.
    PreUpgrade = 30,
    /// `pre-upgrade`: not yet, but perhaps in a moment.
    PreUpgradeAgain = 31,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 14] = [
        Self::Failure,
        Self::Config,
        Self::WrongChain,
        Self::Schema,
        Self::KeyMode,
        Self::Locked,
        Self::Address,
        Self::DiskFull,
        Self::Corrupt,
        Self::Consensus,
        Self::Comet,
        Self::Upgrade,
        Self::PreUpgrade,
        Self::PreUpgradeAgain,
    ];

    /// The code.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The code that an error carries, else that of the first cause which tells one.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        let attached = error.downcast_ref::<Self>().copied();
        let told = || error.chain().find_map(|cause| cause.downcast_ref::<Fault>().map(Self::of_fault));
        let full = || error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_full).then_some(Self::DiskFull);
        attached.or_else(told).or_else(full).unwrap_or(Self::Failure)
    }

    /// The code of a state machine that cannot go on.
    #[must_use]
    pub fn of_fault(fault: &Fault) -> Self {
        match fault {
            Fault::Store(error) => Self::of_store(error),
            Fault::Genesis(_) => Self::Config,
            Fault::Broken(_) => Self::Corrupt,
            Fault::UpgradeNeeded { .. } | Fault::TooEarly(_) | Fault::OtherProgram(_) => Self::Upgrade,
            Fault::Migration { .. } | Fault::Announce(_) => Self::Consensus,
            Fault::Height { .. } | Fault::NoGenesis | Fault::NothingToCommit | Fault::Core(_) => Self::Consensus,
        }
    }

    fn of_store(error: &cairn_store::Error) -> Self {
        use cairn_store::Error;
        match error {
            Error::Locked(_) => Self::Locked,
            Error::Schema { .. } => Self::Schema,
            Error::KeepRecent { .. } => Self::Config,
            Error::Corrupt(_) | Error::Audit { .. } => Self::Corrupt,
            Error::Io { source, .. } if is_full(source) => Self::DiskFull,
            // A file that the database names is gone.
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Self::Corrupt,
            Error::Database(_) => Self::of_database(&error.to_string()),
            _ => Self::Failure,
        }
    }

    /// RocksDB tells kinds of failures in its texts only.
    fn of_database(text: &str) -> Self {
        if text.contains("No space left") {
            Self::DiskFull
        } else if text.contains("Column families not opened") {
            Self::Schema
        } else if text.contains("Corruption") {
            Self::Corrupt
        } else {
            Self::Failure
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failure => "failed",
            Self::Config => "configuration",
            Self::WrongChain => "wrong chain",
            Self::Schema => "the state was written by a newer program",
            Self::KeyMode => "a secret can be read by others",
            Self::Locked => "this home is in use",
            Self::Address => "cannot listen",
            Self::DiskFull => "the disk is full",
            Self::Corrupt => "the state is damaged",
            Self::Consensus => "the state machine cannot go on",
            Self::Comet => "CometBFT",
            Self::Upgrade => "upgrade",
            Self::PreUpgrade => "this program cannot carry out the upgrade",
            Self::PreUpgradeAgain => "try again",
        })
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn codes_are_told_apart_and_none_is_the_shells() {
        let mut codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        codes.dedup();
        assert_eq!(codes.len(), Exit::ALL.len());
        assert!(codes.iter().all(|code| (1..126).contains(code) && *code != 2), "2 is for wrong arguments");
        let readme = include_str!("../README.md");
        for exit in Exit::ALL {
            assert!(readme.contains(&format!("\n| {} | ", exit.code())), "the README has no row for {}", exit.code());
        }
    }

    #[test]
    fn the_attached_code_wins_and_others_are_found_among_the_causes() {
        let schema = || Fault::Store(cairn_store::Error::Schema { found: 9, expected: 1 });
        assert_eq!(Exit::of(&anyhow!("x").context(Exit::Config).context("y")), Exit::Config);
        assert_eq!(Exit::of(&anyhow::Error::from(schema()).context("cannot open the state")), Exit::Schema);
        assert_eq!(Exit::of(&anyhow::Error::from(schema()).context(Exit::Failure)), Exit::Failure);
        let full = Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull)).context("cannot write a").unwrap_err();
        assert_eq!(Exit::of(&full), Exit::DiskFull);
        assert_eq!(Exit::of(&anyhow!("anything")), Exit::Failure);
    }

    #[test]
    fn failures_of_the_store_have_their_codes() {
        use cairn_store::Error;
        for (error, exit) in [
            (Error::Locked("a".into()), Exit::Locked),
            (Error::Corrupt("a".into()), Exit::Corrupt),
            (Error::Io { path: "a".into(), source: io::ErrorKind::StorageFull.into() }, Exit::DiskFull),
            (Error::Io { path: "a".into(), source: io::ErrorKind::NotFound.into() }, Exit::Corrupt),
            (Error::Io { path: "a".into(), source: io::ErrorKind::PermissionDenied.into() }, Exit::Failure),
            (Error::Empty, Exit::Failure),
        ] {
            assert_eq!(Exit::of_fault(&Fault::Store(error)), exit);
        }
        assert_eq!(Exit::of_fault(&Fault::Broken("books".into())), Exit::Corrupt);
        assert_eq!(Exit::of_fault(&Fault::NoGenesis), Exit::Consensus);
        assert_eq!(Exit::of_database("database: IO error: No space left on device: x"), Exit::DiskFull);
        assert_eq!(Exit::of_database("database: Invalid argument: Column families not opened: x"), Exit::Schema);
        assert_eq!(Exit::of_database("database: Corruption: block checksum mismatch"), Exit::Corrupt);
    }
}
