//! The newest voucher of each session, on the disk of either side.
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_proto::cairn::licensing::v1::Session;

use crate::{Paper, paper::MAX_BYTES};

/// Whose side a voucher is kept on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The licensee signed it.
    Signed,
    /// The provider was handed it.
    Kept,
}

/// The newest voucher of each session, each in a file that only its owner reads. Vouchers are cumulative: the newest says everything.
pub struct Journal {
    folder: PathBuf,
    side: Side,
}

impl Journal {
    /// In a home, for a chain.
    #[must_use]
    pub fn new(home: &Path, chain_id: &str, side: Side) -> Self {
        let folder = match side {
            Side::Signed => "signed",
            Side::Kept => "kept",
        };
        Self { folder: home.join("vouchers").join(chain_id).join(folder), side }
    }
    fn path(&self, session: u64) -> PathBuf {
        self.folder.join(format!("{session}.json"))
    }
    /// The newest voucher of a session.
    ///
    /// # Errors
    /// A file that cannot be read, that others can read, or that is damaged.
    pub fn newest(&self, session: u64) -> Result<Option<Paper>> {
        let path = self.path(session);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!("{} can be read by others (mode {mode:o}); run 'chmod 600 {}'", path.display(), path.display());
        }
        let mut text = String::new();
        file.take((MAX_BYTES as u64).saturating_add(1))
            .read_to_string(&mut text)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Paper::parse(&text).map(Some).with_context(|| format!("{} is damaged", path.display()))
    }
    /// The newest voucher of a session, if the chain does not know it yet.
    ///
    /// # Errors
    /// As [`Journal::newest`].
    pub fn unredeemed(&self, session: &Session) -> Result<Option<Paper>> {
        Ok(self.newest(session.id)?.filter(|kept| kept.calls > session.calls))
    }
    /// Puts a voucher in place of the one before, on the disk before this returns. Refuses an older one, and another of the same calls:
    /// a newest one that is lost is money lost.
    ///
    /// # Errors
    /// What is kept already, or a disk that fails.
    pub fn keep(&self, paper: &Paper) -> Result<()> {
        if let Some(before) = self.newest(paper.session)? {
            let newer = (paper.calls, paper.amount) > (before.calls, before.amount) && paper.amount >= before.amount;
            if !newer && before != *paper {
                let verb = if self.side == Side::Signed { "signed" } else { "kept" };
                let (calls, amount) = (before.calls, before.amount);
                bail!("a voucher for {calls} calls and {amount} is {verb} already; a newer one states more calls and no less");
            }
        }
        let path = self.path(paper.session);
        self.write(&path, &serde_json::to_vec(paper)?).with_context(|| format!("cannot write {}", path.display()))
    }
    fn write(&self, path: &Path, text: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let part = path.with_extension("part");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        fs::File::open(&self.folder)?.sync_all()
    }
    /// The sessions with a voucher, in order.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn sessions(&self) -> Result<Vec<u64>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut sessions = Vec::new();
        for entry in fs::read_dir(&self.folder).with_context(|| format!("cannot read {}", self.folder.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            sessions.extend(name.strip_suffix(".json").and_then(|number| number.parse::<u64>().ok()));
        }
        sessions.sort_unstable();
        Ok(sessions)
    }
}
