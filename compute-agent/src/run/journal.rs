//! What the agent wrote down: what it found out, so that it is not worked out twice after a restart.
//!
//! Lines `<first 8 digits of SHA-256 of the rest> <JSON>`, appended and synced one by one. A line that was torn by a crash can only be the last one: it is cut off
//! when the journal is opened; a fault before it is refused. Whether a message was effective is asked of the chain, never of the journal. What opens a sealed root follows from
//! the account's key and the program; of an ask the journal holds the price, for an agent that is started with another one before it is opened.
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Entry {
    /// The agent is about to take a job.
    Taking {
        /// The job.
        job: u64,
    },
    /// The agent worked out the trace of a job.
    Traced {
        /// The job.
        job: u64,
        /// Root of the trace.
        root: String,
    },
    /// The agent is about to deliver a result.
    Delivering {
        /// The job.
        job: u64,
    },
    /// The agent found that a delivered result is right, or wrong.
    Judged {
        /// The job.
        job: u64,
        /// Whether it is right.
        right: bool,
    },
    /// The agent is about to stand behind a root.
    Backing {
        /// The job.
        job: u64,
        /// The root.
        root: String,
    },
    /// The agent is about to seal a root, of a redundant job or an audit.
    Sealing {
        /// The job.
        job: u64,
        /// The root.
        root: String,
    },
    /// The agent is about to put a sealed ask into an auction.
    Asking {
        /// The class.
        class: u64,
        /// The auction's epoch.
        epoch: u32,
        /// The price, in `ucairn`.
        price: String,
    },
    /// The agent leaves a job alone.
    Left {
        /// The job.
        job: u64,
        /// Why.
        why: String,
    },
}

/// What is known of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Root of the trace that the agent worked out.
    pub root: Option<String>,
    /// What it found of the delivered result.
    pub right: Option<bool>,
    /// Whether it stood behind a root.
    pub backed: bool,
    /// Why it leaves the job alone.
    pub left: Option<String>,
}

/// What all lines come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Notes {
    jobs: BTreeMap<u64, Known>,
    asks: BTreeMap<u64, (u32, u128)>,
}

/// The journal, open.
pub struct Journal {
    file: File,
    known: Notes,
    fault: Option<anyhow::Error>,
}

impl Journal {
    /// Opens a journal, or begins one; only one process can have it.
    ///
    /// # Errors
    /// A file that cannot be written, that another agent has open, or that is damaged before its last line.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = opened.with_context(|| format!("cannot open the journal {shown}"))?;
        file.try_lock().with_context(|| format!("another agent has the journal {shown} open"))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let (mut known, mut whole, mut number) = (Notes::default(), 0, 0);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            number += 1;
            match parse(line) {
                Some(entry) => note(&mut known, entry),
                None if whole + line.len() == text.len() => break,
                None => bail!(
                    "line {number} of the journal {shown} is damaged; move the file away to begin anew: jobs are looked up on the chain"
                ),
            }
            whole += line.len();
        }
        if whole < text.len() {
            file.set_len(whole as u64)?;
            file.seek(SeekFrom::End(0))?;
        }
        Ok(Self { file, known, fault: None })
    }

    /// Writes a line; it is on the disk when this returns.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn write(&mut self, entry: Entry) -> Result<()> {
        let text = serde_json::to_string(&entry)?;
        self.file.write_all(format!("{} {text}\n", sum(text.as_bytes())).as_bytes()).context("the journal cannot be written")?;
        self.file.sync_data().context("the journal cannot be written")?;
        note(&mut self.known, entry);
        Ok(())
    }

    /// Writes a line, and remembers where the disk refuses: [`Journal::fault`] tells.
    pub(super) fn write_or_remember(&mut self, entry: Entry) {
        if let Err(error) = self.write(entry) {
            self.fault.get_or_insert(error);
        }
    }

    /// The first time that the disk refused.
    ///
    /// # Errors
    /// That.
    pub(super) fn fault(&mut self) -> Result<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// What is known of a job.
    #[must_use]
    pub fn job(&self, job: u64) -> Known {
        self.known.jobs.get(&job).cloned().unwrap_or_default()
    }

    /// Epoch and price of the last ask that was made in each class.
    #[must_use]
    pub fn asks(&self) -> &BTreeMap<u64, (u32, u128)> {
        &self.known.asks
    }
}

fn sum(text: &[u8]) -> String {
    hex::encode(&Sha256::digest(text)[..4])
}

fn parse(line: &[u8]) -> Option<Entry> {
    let line = line.strip_suffix(b"\n")?;
    let (head, text) = line.split_at_checked(9)?;
    (head == format!("{} ", sum(text)).as_bytes()).then(|| serde_json::from_slice(text).ok())?
}

fn note(known: &mut Notes, entry: Entry) {
    let jobs = &mut known.jobs;
    match entry {
        Entry::Traced { job, root } => jobs.entry(job).or_default().root = Some(root),
        Entry::Judged { job, right } => jobs.entry(job).or_default().right = Some(right),
        Entry::Backing { job, .. } => jobs.entry(job).or_default().backed = true,
        Entry::Left { job, why } => jobs.entry(job).or_default().left = Some(why),
        Entry::Asking { class, epoch, price } => {
            if let Ok(price) = price.parse() {
                known.asks.insert(class, (epoch, price));
            }
        }
        Entry::Taking { .. } | Entry::Delivering { .. } | Entry::Sealing { .. } => (),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        vec![
            Entry::Taking { job: 1 },
            Entry::Traced { job: 1, root: "ab".into() },
            Entry::Delivering { job: 1 },
            Entry::Judged { job: 2, right: false },
            Entry::Backing { job: 2, root: "cd".into() },
            Entry::Left { job: 3, why: "its inputs cannot be had".into() },
            Entry::Sealing { job: 4, root: "ef".into() },
            Entry::Asking { class: 1, epoch: 2, price: u128::MAX.to_string() },
        ]
    }

    #[test]
    fn a_journal_survives_a_cut_at_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::open(&path).unwrap();
        assert!(Journal::open(&path).is_err_and(|error| error.to_string().contains("another agent")));
        let mut ends = vec![0];
        for entry in entries() {
            journal.write(entry).unwrap();
            ends.push(std::fs::metadata(&path).unwrap().len() as usize);
        }
        let whole = journal.known.clone();
        drop(journal);
        let text = std::fs::read(&path).unwrap();
        for length in 0..=text.len() {
            std::fs::write(&path, &text[..length]).unwrap();
            let mut journal = Journal::open(&path).unwrap();
            let kept = ends.iter().filter(|end| **end <= length).count() - 1;
            assert_eq!(std::fs::metadata(&path).unwrap().len() as usize, ends[kept], "a torn line is cut off");
            for entry in entries().into_iter().skip(kept) {
                journal.write(entry).unwrap();
            }
            assert_eq!(journal.known, whole, "cut at {length}");
        }
        assert_eq!((whole.jobs[&2].right, whole.asks[&1]), (Some(false), (2, u128::MAX)));
    }

    #[test]
    fn damage_before_the_last_line_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::open(&path).unwrap();
        entries().into_iter().for_each(|entry| journal.write(entry).unwrap());
        drop(journal);
        let mut text = std::fs::read(&path).unwrap();
        text[20] ^= 1;
        std::fs::write(&path, &text).unwrap();
        assert!(Journal::open(&path).is_err_and(|error| error.to_string().contains("line 1")));
    }
}
