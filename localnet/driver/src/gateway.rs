//! The gateway as an annotator sees it: sign in, fetch an item, check it against the manifest's root on chain.
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_annotation::formats;
use cairn_kernel::merkle;
use cosmrs::crypto::secp256k1::SigningKey;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

const MAX_ITEM: u64 = 64 << 20;

/// A gateway this account signed in to. It signs in again when the gateway has forgotten it, as after a restart.
pub struct Gateway {
    url: String,
    address: String,
    key: SigningKey,
    token: Mutex<String>,
    agent: ureq::Agent,
}

#[derive(Deserialize)]
struct Challenge {
    data: String,
}
#[derive(Deserialize)]
struct Login {
    token: String,
}
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
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).http_status_as_error(false).build();
        let (url, address) = (url.trim_end_matches('/').to_owned(), address.to_owned());
        let gateway = Self { url, address, key, token: Mutex::default(), agent: config.into() };
        gateway.renew()?;
        Ok(gateway)
    }
    /// Signs the text that the gateway names and keeps the token it gives.
    fn renew(&self) -> Result<()> {
        let address = &self.address;
        let (status, body) = self.ask(&format!("/v1/auth/challenge?address={address}"), "")?;
        if status != 200 {
            bail!("the gateway names no text to sign ({status}): {}", String::from_utf8_lossy(&body).trim());
        }
        let challenge: Challenge = serde_json::from_slice(&body)?;
        let bytes = cairn_proto::adr036::sign_bytes(address, challenge.data.as_bytes());
        let signature = self.key.sign(&bytes).map_err(|e| anyhow::anyhow!("{e}"))?;
        let login = json!({
            "address": address, "data": challenge.data,
            "pub_key": BASE64.encode(self.key.public_key().to_bytes()),
            "signature": BASE64.encode(signature.to_bytes()),
        });
        let request = self.agent.post(format!("{}/v1/auth/login", self.url)).header("content-type", "application/json");
        let mut response = request.send(login.to_string().as_bytes())?;
        let body = response.body_mut().read_to_vec()?;
        if response.status() != 200 {
            bail!("the gateway does not let {address} in ({}): {}", response.status(), String::from_utf8_lossy(&body).trim());
        }
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = serde_json::from_slice::<Login>(&body)?.token;
        Ok(())
    }
    fn ask(&self, path: &str, token: &str) -> Result<(u16, Vec<u8>)> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) };
        let mut response = request.call().with_context(|| format!("no gateway answers at {}", self.url))?;
        let body = response.body_mut().with_config().limit(MAX_ITEM).read_to_vec()?;
        Ok((response.status().as_u16(), body))
    }
    fn get(&self, path: &str) -> Result<Vec<u8>> {
        let token = || self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut answer = self.ask(path, &token())?;
        if answer.0 == 401 {
            self.renew()?;
            answer = self.ask(path, &token())?;
        }
        match answer {
            (200, body) => Ok(body),
            (status, body) => bail!("{path}: {status} {}", String::from_utf8_lossy(&body).trim()),
        }
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
