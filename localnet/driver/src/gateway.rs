//! The gateway as an annotator sees it: sign in, fetch an item, check it against the manifest's root on chain.
use anyhow::{Context, Result, bail};
use cairn_annotation::formats;
use cairn_kernel::merkle;
use cosmrs::crypto::secp256k1::SigningKey;
use serde::Deserialize;
use sha2::{Digest, Sha256};

const MAX_ITEM: u64 = 64 << 20;

/// A gateway this account signed in to.
pub struct Gateway(cairn_client::Gateway);

#[derive(Deserialize)]
struct Proof {
    sha256: String,
    bytes: u64,
    blind: String,
    path: Vec<String>,
}

/// An item whose place in the job's manifest was checked.
pub struct Item {
    /// The content.
    pub content: Vec<u8>,
    /// SHA-256 of it.
    pub hash: [u8; 32],
}

impl Gateway {
    /// Signs in at `url` as `address` (ADR-036). Blocks.
    pub fn sign_in(url: &str, address: &str, key: SigningKey) -> Result<Self> {
        let gateway = cairn_client::Gateway::new(url, address, key);
        gateway.sign_in()?;
        Ok(Self(gateway))
    }
    fn get(&self, path: &str) -> Result<Vec<u8>> {
        self.0.get(path, MAX_ITEM).with_context(|| path.to_owned())
    }
    /// Fetches the item of a task and checks that it is the one that the job committed to. Blocks.
    pub fn item(&self, job: u64, task: u32, tasks: u32, root: &[u8; 32]) -> Result<Item> {
        let content = self.get(&format!("/v1/jobs/{job}/tasks/{task}"))?;
        let proof: Proof = serde_json::from_slice(&self.get(&format!("/v1/jobs/{job}/tasks/{task}/proof"))?)?;
        let hash: [u8; 32] = Sha256::digest(&content).into();
        if hex::encode(hash) != proof.sha256 || u64::try_from(content.len())? != proof.bytes {
            bail!(
                "task {task}: the gateway served {} bytes of SHA-256 {}, its proof is for {}",
                content.len(),
                hex::encode(hash),
                proof.sha256
            );
        }
        let leaf = formats::item_leaf(task, &hash, proof.bytes, &hash32(&proof.blind)?);
        let path = proof.path.iter().map(|h| hash32(h)).collect::<Result<Vec<_>>>()?;
        if !merkle::verify(root, &leaf, task.into(), tasks.into(), &path) {
            bail!("task {task}: the gateway's proof does not lead to the manifest root on chain");
        }
        Ok(Item { content, hash })
    }
}

fn hash32(text: &str) -> Result<[u8; 32]> {
    hex::decode(text).ok().and_then(|b| b.try_into().ok()).with_context(|| format!("{text:?} is not 32 bytes in hexadecimal"))
}
