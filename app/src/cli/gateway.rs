//! The gateway's client: sign in with an account's key, hand items and manifests in, get leased items out.
use std::{cell::RefCell, fs::File, io::Seek, ops::Range, thread::sleep, time::Duration};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::keyring::AccountKey;

/// Replies that are JSON are no larger.
const MAX_REPLY: u64 = 16 << 20;
/// Items are no larger, as gateways take them by default.
const MAX_ITEM: u64 = 64 << 20;

/// Manifests are no larger.
const MAX_MANIFEST: u64 = 256 << 20;

/// How often a gateway that went away is asked again, and the pause before: as long as a restart takes.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// Status and body.
type Answer = (u16, Vec<u8>);

/// A gateway that this account has signed in to. It signs in again when the gateway has forgotten it, as after a restart.
pub(crate) struct Gateway {
    url: String,
    key: AccountKey,
    token: RefCell<String>,
    agent: ureq::Agent,
}

impl Gateway {
    /// Signs in: the gateway names a text, the key signs it as wallets do (ADR-036).
    pub(crate) fn sign_in(url: &str, key: &AccountKey) -> Result<Self> {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).http_status_as_error(false).build();
        let url = url.trim_end_matches('/').to_owned();
        let gateway = Self { url, key: key.clone(), token: RefCell::default(), agent: config.into() };
        gateway.renew()?;
        Ok(gateway)
    }
    fn renew(&self) -> Result<()> {
        let address = self.key.address().to_string();
        let challenge = parse(&self.answered(self.fetch(&format!("/v1/auth/challenge?address={address}"), MAX_REPLY)?)?);
        let data = challenge.get("data").and_then(Value::as_str).context("the gateway's challenge holds no data")?;
        let login = json!({
            "address": address,
            "pub_key": BASE64.encode(self.key.public()),
            "signature": BASE64.encode(self.key.sign(&cairn_proto::adr036::sign_bytes(&address, data.as_bytes()))),
            "data": data,
        });
        let reply = parse(&self.answered(self.send("POST", "/v1/auth/login", login.to_string().as_bytes())?)?);
        *self.token.borrow_mut() = reply.get("token").and_then(Value::as_str).context("the gateway gave no token")?.to_owned();
        Ok(())
    }
    /// Hands in one item, which the gateway checks against its hash.
    pub(crate) fn put_item(&self, sha256: &str, content: &[u8]) -> Result<()> {
        self.signed_in(|| self.send("PUT", &format!("/v1/content/{sha256}"), content)).map(drop)
    }
    /// Hands in the manifest, JSON lines, which the gateway checks against its root. It is streamed, however long it is.
    pub(crate) fn put_manifest(&self, root: &str, manifest: &File) -> Result<()> {
        let ask = || {
            let mut from_start = manifest;
            from_start.rewind()?;
            self.send("PUT", &format!("/v1/manifests/{root}"), ureq::SendBody::from_reader(&mut from_start))
        };
        self.signed_in(ask).context("uploading the manifest").map(drop)
    }
    /// What a path answers, as JSON.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        Ok(parse(&self.signed_in(|| self.fetch(path, MAX_REPLY))?))
    }
    /// The item of a task, not checked yet.
    pub(crate) fn item(&self, job: u64, task: u32) -> Result<Vec<u8>> {
        self.signed_in(|| self.fetch(&format!("/v1/jobs/{job}/tasks/{task}"), MAX_ITEM))
    }
    /// A draft of a job whose drafts are told by their hashes, as its producer uploaded it, not checked yet; none if it never did.
    pub(crate) fn draft(&self, job: u64, task: u32, sha256: &str) -> Result<Option<Vec<u8>>> {
        let answer =
            self.ask(|| self.fetch(&format!("/v1/jobs/{job}/tasks/{task}/drafts/{sha256}"), MAX_ITEM.saturating_add(MAX_REPLY)))?;
        let is_missing = answer.0 == 404 && parse(&answer.1).get("code").and_then(Value::as_str) == Some("not_served");
        if is_missing { Ok(None) } else { self.answered(answer).map(Some) }
    }
    /// What a path answers, as JSON lines.
    pub(crate) fn lines(&self, path: &str) -> Result<Vec<u8>> {
        self.signed_in(|| self.fetch(path, MAX_MANIFEST))
    }
    /// A range of what lies at a path; the caller sees to it that all of it came.
    pub(crate) fn range(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let limit = range.end.saturating_sub(range.start);
        let header = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        self.signed_in(|| self.receive(self.agent.get(format!("{}{path}", self.url)).header("range", &header), limit))
    }
    /// Asks, and again after signing in anew if the gateway no longer knows the token, or after a pause if it is away or busy. What is
    /// asked so may be asked twice: contents and manifests are named by their hashes.
    fn signed_in(&self, ask: impl Fn() -> Result<Answer>) -> Result<Vec<u8>> {
        self.answered(self.ask(ask)?)
    }
    fn ask(&self, ask: impl Fn() -> Result<Answer>) -> Result<Answer> {
        let mut answer = ask();
        for _ in 1..ATTEMPTS {
            match &answer {
                Ok((401, _)) => {
                    if let Err(e) = self.renew() {
                        eprintln!("{e:#}; trying again");
                        sleep(PAUSE);
                    }
                }
                Ok((503, _)) => sleep(PAUSE),
                Ok(_) => break,
                Err(e) => {
                    eprintln!("{e:#}; trying again");
                    sleep(PAUSE);
                }
            }
            answer = ask();
        }
        answer
    }
    fn fetch(&self, path: &str, limit: u64) -> Result<Answer> {
        self.receive(self.agent.get(format!("{}{path}", self.url)), limit)
    }
    fn receive(&self, request: ureq::RequestBuilder<ureq::typestate::WithoutBody>, limit: u64) -> Result<Answer> {
        let mut response = self.with_token(request).call().with_context(|| self.unreachable())?;
        // A refusal is told in full, however little was asked for.
        let limit = if response.status().is_success() { limit } else { MAX_REPLY };
        Ok((response.status().as_u16(), response.body_mut().with_config().limit(limit).read_to_vec()?))
    }
    fn send(&self, method: &str, path: &str, body: impl ureq::AsSendBody) -> Result<Answer> {
        let url = format!("{}{path}", self.url);
        let request = if method == "PUT" { self.agent.put(url) } else { self.agent.post(url) };
        let request = request.header("content-type", if method == "POST" { "application/json" } else { "application/octet-stream" });
        let mut response = self.with_token(request).send(body).with_context(|| self.unreachable())?;
        Ok((response.status().as_u16(), response.body_mut().with_config().limit(MAX_REPLY).read_to_vec()?))
    }
    fn with_token<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        let token = self.token.borrow();
        if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) }
    }
    /// The body of a good answer; the reason of a refusal as an error.
    fn answered(&self, (status, body): Answer) -> Result<Vec<u8>> {
        if !(200..300).contains(&status) {
            let reply = parse(&body);
            bail!("the gateway refused ({status}): {}", reply.get("message").and_then(Value::as_str).unwrap_or("no reason given"));
        }
        Ok(body)
    }
    fn unreachable(&self) -> String {
        format!("no gateway answers at {}; start one with 'cairn-gateway', or name another with --gateway", self.url)
    }
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| json!({ "message": String::from_utf8_lossy(bytes).chars().take(200).collect::<String>() }))
}
