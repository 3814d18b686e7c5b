//! What only the requester knows of a job: seeds, the order of items, the gold. Written before the job is posted, so that a crash loses nothing.
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::plan::Item;
use crate::cli::home::{Home, read_secret, replace_secret};

/// One job's record, `jobs/<manifest root>.json` below the home.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Number on the chain; absent until the chain has answered. For people: a record is found by the manifest root that the chain tells,
    /// so that it serves also where the program ended before the answer came.
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
    /// The record of the job with this manifest root, if this home posted it.
    pub(crate) fn find(home: &Home, chain_id: &str, root: &[u8]) -> Result<Option<Self>> {
        let path = Self::path(home, &hex::encode(root));
        if !path.exists() {
            return Ok(None);
        }
        let record: Self = serde_json::from_str(&read_secret(&path)?).with_context(|| format!("{} is no job record", path.display()))?;
        Ok(Some(record).filter(|r| r.chain_id == chain_id))
    }
    /// As [`Record::find`], or an error that says where it should be.
    pub(crate) fn need(home: &Home, chain_id: &str, root: &[u8]) -> Result<Self> {
        Self::find(home, chain_id, root)?
            .with_context(|| format!("this home did not post that job: {} is not there", Self::path(home, &hex::encode(root)).display()))
    }
    /// A seed as bytes.
    pub(crate) fn seed(text: &str) -> Result<[u8; 32]> {
        hex::decode(text).ok().and_then(|b| b.try_into().ok()).context("the job record holds no valid seed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_by_its_root_even_if_the_chain_never_answered() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let record = Record {
            job: None,
            chain_id: "cairn-test-1".into(),
            manifest_root: hex::encode([7; 32]),
            gold_seed: hex::encode([1; 32]),
            item_seed: hex::encode([2; 32]),
            classes: vec!["a".into(), "b".into()],
            items: vec![],
        };
        record.save(&home).unwrap();
        assert_eq!(Record::find(&home, "cairn-test-1", &[7; 32]).unwrap().unwrap().gold_seed, record.gold_seed);
        // Another chain of another name, or a chain made anew under the same one, whose job has another root.
        assert!(Record::find(&home, "cairn-test-2", &[7; 32]).unwrap().is_none());
        assert!(Record::need(&home, "cairn-test-1", &[8; 32]).unwrap_err().to_string().contains("did not post"));
    }
}
