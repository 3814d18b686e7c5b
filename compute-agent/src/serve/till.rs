//! What calls are paid with: vouchers of a licence's session, which are checked against the chain, or by a command of the provider's.
use std::{fs, path::PathBuf, process::Command, sync::Arc};

use anyhow::{Context, Result, anyhow, ensure};
use cairn_vouchers::MAX_BYTES;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{served::Served, sessions::Sessions};

/// Why a call is not served.
#[derive(Debug)]
pub enum Unpaid {
    /// It is not paid.
    Refused(anyhow::Error),
    /// Whether it is paid cannot be told now.
    Away(anyhow::Error),
}

impl Unpaid {
    /// All calls of a voucher were served.
    pub(super) fn served(session: u64, calls: u64) -> Self {
        Self::Refused(anyhow!("the voucher pays for {calls} calls of session {session}, which were served"))
    }
}

/// Takes vouchers for calls.
pub enum Till {
    /// By a command.
    Command(Asked),
    /// By the chain.
    Chain(Arc<Sessions>),
}

impl Till {
    /// Takes a voucher for one more call, and gives its session. One for many calls may come again until these are served.
    ///
    /// # Errors
    /// Where the voucher is refused, pays for no more than was served, or cannot be checked.
    pub fn take(&self, voucher: &str) -> Result<u64, Unpaid> {
        match self {
            Self::Command(asked) => asked.take(voucher),
            Self::Chain(sessions) => sessions.take(voucher),
        }
    }

    /// Counts a call of a session as not served, because it has no answer.
    ///
    /// # Errors
    /// Where the count cannot be written.
    pub fn give_back(&self, session: u64) -> Result<()> {
        match self {
            Self::Command(asked) => asked.served.give_back(session),
            Self::Chain(sessions) => sessions.give_back(session),
        }
    }

    /// What a client must know to pay.
    #[must_use]
    pub fn terms(&self) -> Value {
        match self {
            Self::Command(_) => json!({}),
            Self::Chain(sessions) => sessions.terms(),
        }
    }
}

/// A command that checks and keeps vouchers.
#[derive(Debug)]
pub struct Asked {
    /// The command and its first words; a voucher's file is its last.
    command: Vec<String>,
    served: Served,
}

/// What `cairnd license session accept` prints.
#[derive(Deserialize)]
struct Accepted {
    session: u64,
    calls: u64,
}

impl Asked {
    /// With a command that checks and keeps a voucher, and the file that counts what was served.
    ///
    /// # Errors
    /// Where the command has no words.
    pub fn new(command: &str, served: PathBuf) -> Result<Self> {
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        ensure!(!command.is_empty(), "name the command that takes vouchers, as 'cairnd license session accept'");
        Ok(Self { command, served: Served::new(served) })
    }

    fn take(&self, voucher: &str) -> Result<u64, Unpaid> {
        let Accepted { session, calls } = self.accept(voucher).map_err(Unpaid::Refused)?;
        if self.served.take(session, calls).map_err(Unpaid::Away)? { Ok(session) } else { Err(Unpaid::served(session, calls)) }
    }

    fn accept(&self, voucher: &str) -> Result<Accepted> {
        ensure!(!voucher.is_empty() && voucher.len() <= MAX_BYTES, "a voucher comes with each call, in the header x-cairn-voucher");
        let paper = self.served.beside("voucher");
        fs::write(&paper, voucher).with_context(|| format!("cannot write {}", paper.display()))?;
        let (program, words) = self.command.split_first().context("no command")?;
        let out = Command::new(program).args(words).arg(&paper).output().with_context(|| format!("cannot run {program}"))?;
        ensure!(out.status.success(), "the voucher is refused: {}", String::from_utf8_lossy(&out.stderr).trim());
        serde_json::from_slice(&out.stdout).context("the command that takes vouchers does not say session and calls")
    }
}
