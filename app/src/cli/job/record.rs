//! What only the requester knows of a job: seeds, the order of items, the gold. Written before the job is posted, so that a crash loses nothing.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::plan::Item;
use crate::cli::home::{Home, read_secret, replace_secret};

/// One job's record, `jobs/<manifest root>.json` below the home.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Number on the chain; absent until the chain has answered.
    pub(crate) job: Option<u64>,
    /// The chain it was made for.
    pub(crate) chain_id: String,
    /// Root of the manifest, hexadecimal.
    pub(crate) manifest_root: String,
    /// 32 bytes, hexadecimal: gold salts follow from it. Whoever knows it before the labels are in knows the gold.
    pub(crate) gold_seed: String,
    /// 32 bytes, hexadecimal: blinds of private items follow from it.
    pub(crate) item_seed: String,
    /// Names of the classes.
    pub(crate) classes: Vec<String>,
    /// Items in the order of tasks.
    pub(crate) items: Vec<Item>,
}

impl Record {
    fn path(home: &Home, root: &str) -> PathBuf {
        home.path().join("jobs").join(format!("{root}.json"))
    }
    /// Writes it, readable by its owner only.
    pub(crate) fn save(&self, home: &Home) -> Result<()> {
        replace_secret(&Self::path(home, &self.manifest_root), &serde_json::to_vec(self)?)
    }
    /// The record of job `job`, if this home posted it.
    pub(crate) fn of_job(home: &Home, chain_id: &str, job: u64) -> Result<Option<Self>> {
        let folder = home.path().join("jobs");
        if !folder.exists() {
            return Ok(None);
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let record: Self =
                serde_json::from_str(&read_secret(&path)?).with_context(|| format!("{} is no job record", path.display()))?;
            if record.job == Some(job) && record.chain_id == chain_id {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
    /// As [`Record::of_job`], or an error that says where it should be.
    pub(crate) fn need(home: &Home, chain_id: &str, job: u64) -> Result<Self> {
        match Self::of_job(home, chain_id, job)? {
            Some(record) => Ok(record),
            None => bail!("this home did not post job {job}: its record is not in {}", home.path().join("jobs").display()),
        }
    }
    /// A seed as bytes.
    pub(crate) fn seed(text: &str) -> Result<[u8; 32]> {
        hex::decode(text).ok().and_then(|b| b.try_into().ok()).context("the job record holds no valid seed")
    }
}
