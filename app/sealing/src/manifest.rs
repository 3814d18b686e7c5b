//! The manifest of sealed items, as gateways take it and the chain knows its root.
use anyhow::{Context, Result, bail};
use cairn_kernel::{merkle, tag};
use serde::{Deserialize, Serialize};

/// The manifest's file in a sealed folder.
pub const MANIFEST: &str = "manifest.jsonl";

const MEDIA_TYPE: &str = "application/octet-stream";

/// One sealed item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// SHA-256 of the sealed item.
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
    /// Its sealed size.
    pub bytes: u64,
    /// Zeros: nobody recognizes what is sealed under a fresh key by its hash.
    #[serde(with = "hex::serde")]
    blind: [u8; 32],
    media_type: String,
}

impl Entry {
    /// A sealed item.
    #[must_use]
    pub fn new(sha256: [u8; 32], bytes: u64) -> Self {
        Self { sha256, bytes, blind: [0; 32], media_type: MEDIA_TYPE.to_owned() }
    }
    fn leaf(&self, index: u32) -> merkle::Hash {
        let (tag, index, bytes) = (tag("cairn.item.v1"), index.to_be_bytes(), self.bytes.to_be_bytes());
        let leaf = [tag.as_slice(), &index, &self.sha256, &bytes, &self.blind];
        merkle::leaf_hash(&leaf.concat())
    }
}

/// The ordered list of sealed items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The items, the listing first.
    pub entries: Vec<Entry>,
}

impl Manifest {
    /// From JSON lines.
    ///
    /// # Errors
    /// What is not such a list, or has no items, or more than 2^32 - 1.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let entries: Vec<Entry> = lines.map(serde_json::from_slice).collect::<Result<_, _>>().context("the manifest is damaged")?;
        if entries.is_empty() || u32::try_from(entries.len()).is_err() {
            bail!("a manifest has 1 to 2^32 - 1 items, found {}", entries.len());
        }
        Ok(Self { entries })
    }
    /// JSON lines.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_lines(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for entry in &self.entries {
            serde_json::to_writer(&mut out, entry)?;
            out.push(b'\n');
        }
        Ok(out)
    }
    /// The RFC 6962 root that a version states.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let leaves: Vec<_> = (0_u32..).zip(&self.entries).map(|(index, entry)| entry.leaf(index)).collect();
        merkle::root(&leaves)
    }
    /// Size of all items together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes))
    }
}
