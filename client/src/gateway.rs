//! A gateway as a program with an account's key sees it: sign in, fetch.
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cosmrs::crypto::secp256k1::SigningKey;
use serde::Deserialize;
use serde_json::json;

/// Answers other than contents are no larger, in bytes.
const MAX_REPLY: u64 = 1 << 20;

/// A gateway and an account that signs in to it, anew when the gateway has forgotten it, as after a restart. Calls block.
pub struct Gateway {
    url: String,
    address: String,
    key: SigningKey,
    token: Mutex<String>,
    agent: ureq::Agent,
}

/// A gateway's refusal: asking again is of no use before something changes.
#[derive(Debug)]
pub struct NotGiven {
    /// The HTTP status.
    pub status: u16,
    /// Its words.
    pub message: String,
}

impl std::fmt::Display for NotGiven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the gateway refused ({}): {}", self.status, self.message)
    }
}
impl std::error::Error for NotGiven {}

#[derive(Deserialize)]
struct Challenge {
    data: String,
}
#[derive(Deserialize)]
struct Login {
    token: String,
}

impl Gateway {
    /// For the key of `address` at `url`. Nothing is asked yet.
    #[must_use]
    pub fn new(url: &str, address: &str, key: SigningKey) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).http_status_as_error(false).build();
        let (url, address) = (url.trim_end_matches('/').to_owned(), address.to_owned());
        Self { url, address, key, token: Mutex::default(), agent: config.into() }
    }

    /// Signs the text that the gateway names (ADR-036) and keeps the token that it gives.
    ///
    /// # Errors
    /// A gateway that does not answer, or does not let the account in.
    pub fn sign_in(&self) -> Result<()> {
        let address = &self.address;
        let challenge = given(self.ask(&format!("/v1/auth/challenge?address={address}"), "", MAX_REPLY)?)?;
        let challenge: Challenge = serde_json::from_slice(&challenge).context("the gateway names no text to sign")?;
        let bytes = cairn_proto::adr036::sign_bytes(address, challenge.data.as_bytes());
        let signature = self.key.sign(&bytes).map_err(|e| anyhow::anyhow!("{e}"))?;
        let login = json!({
            "address": address, "data": challenge.data,
            "pub_key": BASE64.encode(self.key.public_key().to_bytes()),
            "signature": BASE64.encode(signature.to_bytes()),
        });
        let request = self.agent.post(format!("{}/v1/auth/login", self.url)).header("content-type", "application/json");
        let mut response = request.send(login.to_string().as_bytes()).with_context(|| self.away())?;
        let body = response.body_mut().with_config().limit(MAX_REPLY).read_to_vec()?;
        let login: Login = serde_json::from_slice(&given((response.status().as_u16(), body))?).context("the gateway gives no token")?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = login.token;
        Ok(())
    }

    /// What lies at a path, at most `most` bytes. It is whatever the gateway likes.
    ///
    /// # Errors
    /// [`NotGiven`] where the gateway refuses; anything else where it does not answer, or is busy.
    pub fn get(&self, path: &str, most: u64) -> Result<Vec<u8>> {
        let token = || self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut answer = self.ask(path, &token(), most)?;
        if answer.0 == 401 {
            self.sign_in()?;
            answer = self.ask(path, &token(), most)?;
        }
        given(answer)
    }

    fn ask(&self, path: &str, token: &str, most: u64) -> Result<(u16, Vec<u8>)> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) };
        let mut response = request.call().with_context(|| self.away())?;
        let limit = if response.status().is_success() { most } else { MAX_REPLY };
        let body = response.body_mut().with_config().limit(limit).read_to_vec()?;
        Ok((response.status().as_u16(), body))
    }

    fn away(&self) -> String {
        format!("no gateway answers at {}", self.url)
    }
}

/// The body of a good answer.
fn given((status, body): (u16, Vec<u8>)) -> Result<Vec<u8>> {
    if status == 200 {
        return Ok(body);
    }
    let told: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let told = told.as_ref().and_then(|told| told.get("message")?.as_str()).unwrap_or("no reason given");
    let message: String = told.chars().take(400).collect();
    if status >= 500 {
        bail!("the gateway failed ({status}): {message}");
    }
    Err(NotGiven { status, message }.into())
}
