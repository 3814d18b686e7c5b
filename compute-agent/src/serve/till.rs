//! What calls are paid with: vouchers of a licence's session, which a command of the provider's checks and keeps.
use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::cli::files::{self, For};

/// The longest voucher.
const MAX_VOUCHER: usize = 4_096;

/// Takes vouchers for calls.
#[derive(Debug)]
pub struct Till {
    /// The command and its first words; a voucher's file is its last.
    command: Vec<String>,
    /// Calls that were served by session, on the disk before each is.
    served: PathBuf,
}

/// What `cairnd license session accept` prints.
#[derive(Deserialize)]
struct Accepted {
    session: u64,
    calls: u64,
}

impl Till {
    /// With a command that checks and keeps a voucher, and the file that counts what was served.
    ///
    /// # Errors
    /// Where the command has no words.
    pub fn new(command: &str, served: PathBuf) -> Result<Self> {
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        ensure!(!command.is_empty(), "name the command that takes vouchers, as 'cairnd license session accept'");
        Ok(Self { command, served })
    }

    /// Takes a voucher for one more call, and gives its session. One for many calls may come again until these are served.
    ///
    /// # Errors
    /// Where the voucher is refused, or pays for no more than was served.
    pub fn take(&self, voucher: &str) -> Result<u64> {
        ensure!(!voucher.is_empty() && voucher.len() <= MAX_VOUCHER, "a voucher comes with each call, in the header x-cairn-voucher");
        let paper = self.served.with_extension("voucher");
        fs::write(&paper, voucher).with_context(|| format!("cannot write {}", paper.display()))?;
        let (program, words) = self.command.split_first().context("no command")?;
        let out = Command::new(program).args(words).arg(&paper).output().with_context(|| format!("cannot run {program}"))?;
        ensure!(out.status.success(), "the voucher is refused: {}", String::from_utf8_lossy(&out.stderr).trim());
        let accepted: Accepted =
            serde_json::from_slice(&out.stdout).context("the command that takes vouchers does not say session and calls")?;
        let mut served = self.served()?;
        let count = served.entry(accepted.session).or_default();
        if *count >= accepted.calls {
            bail!("the voucher pays for {} calls of session {}, which were served", accepted.calls, accepted.session);
        }
        *count += 1;
        self.write(&served)?;
        Ok(accepted.session)
    }

    /// Counts a call of a session as not served, because it has no answer.
    ///
    /// # Errors
    /// Where the count cannot be written.
    pub fn give_back(&self, session: u64) -> Result<()> {
        let mut served = self.served()?;
        if let Some(count) = served.get_mut(&session) {
            *count = count.saturating_sub(1);
        }
        self.write(&served)
    }

    fn write(&self, served: &BTreeMap<u64, u64>) -> Result<()> {
        let text = serde_json::to_vec(served)?;
        files::replace(&self.served, For::Owner, |out: &mut dyn Write| Ok(out.write_all(&text)?))
    }

    fn served(&self) -> Result<BTreeMap<u64, u64>> {
        match fs::read(&self.served) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", self.served.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.served.display())),
        }
    }
}
