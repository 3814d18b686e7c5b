//! The gateway's client: sign in with an account's key, hand items and manifests in, get leased items out.
use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::keyring::AccountKey;

/// Replies that are JSON are no larger.
const MAX_REPLY: u64 = 16 << 20;
/// Items are no larger, as gateways take them by default.
const MAX_ITEM: u64 = 64 << 20;

/// A gateway that this account has signed in to.
pub(crate) struct Gateway {
    url: String,
    token: String,
    agent: ureq::Agent,
}

impl Gateway {
    /// Signs in: the gateway names a text, the key signs it as wallets do (ADR-036).
    pub(crate) fn sign_in(url: &str, key: &AccountKey) -> Result<Self> {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).http_status_as_error(false).build();
        let mut gateway = Self { url: url.trim_end_matches('/').to_owned(), token: String::new(), agent: config.into() };
        let address = key.address().to_string();
        let challenge = gateway.get(&format!("/v1/auth/challenge?address={address}"))?;
        let data = challenge.get("data").and_then(Value::as_str).context("the gateway's challenge holds no data")?;
        let login = json!({
            "address": address,
            "pub_key": BASE64.encode(key.public()),
            "signature": BASE64.encode(key.sign(&cairn_proto::adr036::sign_bytes(&address, data.as_bytes()))),
            "data": data,
        });
        let (status, reply) = gateway.send("POST", "/v1/auth/login", login.to_string().as_bytes())?;
        check(status, &reply)?;
        gateway.token = reply.get("token").and_then(Value::as_str).context("the gateway gave no token")?.to_owned();
        Ok(gateway)
    }
    /// Hands in one item, unless the gateway has it.
    pub(crate) fn put_item(&self, sha256: &str, path: &Path) -> Result<()> {
        let content = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (status, reply) = self.send("PUT", &format!("/v1/content/{sha256}"), &content)?;
        check(status, &reply).with_context(|| format!("uploading {}", path.display()))
    }
    /// Hands in the manifest, which the gateway checks against its root.
    pub(crate) fn put_manifest(&self, root: &str, manifest: &Value) -> Result<()> {
        let (status, reply) = self.send("PUT", &format!("/v1/manifests/{root}"), manifest.to_string().as_bytes())?;
        check(status, &reply).context("uploading the manifest")
    }

    /// What a path answers, as JSON.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        Ok(parse(&self.get_bytes(path, MAX_REPLY)?))
    }
    /// The item of a task, not checked yet.
    pub(crate) fn item(&self, job: u64, task: u32) -> Result<Vec<u8>> {
        self.get_bytes(&format!("/v1/jobs/{job}/tasks/{task}"), MAX_ITEM)
    }
    fn get_bytes(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = if self.token.is_empty() { request } else { request.header("authorization", format!("Bearer {}", self.token)) };
        let mut response = request.call().with_context(|| self.unreachable())?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(limit).read_to_vec()?;
        if status != 200 {
            check(status, &parse(&body))?;
        }
        Ok(body)
    }
    fn send(&self, method: &str, path: &str, body: &[u8]) -> Result<(u16, Value)> {
        let url = format!("{}{path}", self.url);
        let request = if method == "PUT" { self.agent.put(url) } else { self.agent.post(url) };
        let request = request.header("content-type", if method == "POST" { "application/json" } else { "application/octet-stream" });
        let request = if self.token.is_empty() { request } else { request.header("authorization", format!("Bearer {}", self.token)) };
        let mut response = request.send(body).with_context(|| self.unreachable())?;
        Ok((response.status().as_u16(), parse(&response.body_mut().with_config().limit(MAX_REPLY).read_to_vec()?)))
    }
    fn unreachable(&self) -> String {
        format!("no gateway answers at {}; start one with 'cairn-gateway', or name another with --gateway", self.url)
    }
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| json!({ "message": String::from_utf8_lossy(bytes).chars().take(200).collect::<String>() }))
}

fn check(status: u16, reply: &Value) -> Result<()> {
    if !(200..300).contains(&status) {
        bail!("the gateway refused ({status}): {}", reply.get("message").and_then(Value::as_str).unwrap_or("no reason given"));
    }
    Ok(())
}
