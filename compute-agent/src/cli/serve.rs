//! `cairn-agent serve` and `cairn-agent receipt`: a model over HTTP, and what its answers are held to.
use std::{
    fs,
    io::{ErrorKind, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use cairn_device::{FLEX, open};
use clap::Args;
use k256::ecdsa::SigningKey;

use super::files::{self, For};
use crate::serve::{Receipt, Service, Till, router};

/// Serve a model over HTTP; each answer carries a signed receipt.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The model's file.
    #[arg(long)]
    model: PathBuf,
    /// The device: reference, flex, wgpu, wgpu:0 ..
    #[arg(long, default_value = FLEX)]
    device: String,
    /// What receipts are signed with: a file of 64 hexadecimal digits, made where there is none.
    #[arg(long)]
    key: PathBuf,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8645")]
    listen: SocketAddr,
    /// The chain on which the model is registered.
    #[arg(long, default_value = "")]
    chain_id: String,
    /// A command that checks and keeps the voucher in the file that is its last word, as 'cairnd license session accept'. Without, calls are free.
    #[arg(long, requires = "served")]
    accept_with: Option<String>,
    /// The file that counts the calls that were served.
    #[arg(long)]
    served: Option<PathBuf>,
}

/// Check a receipt; with the model, run it again and say whether its signer computed something else.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The receipt: JSON, by itself or in the answer that carried it.
    receipt: PathBuf,
    /// The model's file.
    #[arg(long)]
    model: Option<PathBuf>,
}

impl Serve {
    pub(crate) fn run(self) -> Result<()> {
        let model = files::model(&self.model)?;
        let device = open(&self.device)?;
        ensure!(device.reproducible(), "{} differs from the reference and signs nothing; see `cairn-agent doctor`", self.device);
        let till = match (self.accept_with, self.served) {
            (Some(command), Some(served)) => Some(Till::new(&command, served)?),
            _ => None,
        };
        let service = Service { model, device, chain_id: self.chain_id, key: key(&self.key)?, till };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(self.listen).await.with_context(|| format!("cannot listen on {}", self.listen))?;
            println!("listening on http://{}", listener.local_addr()?);
            let stop = async { drop(tokio::signal::ctrl_c().await) };
            Ok(axum::serve(listener, router(service)).with_graceful_shutdown(stop).await?)
        })
    }
}

impl Check {
    pub(crate) fn run(self) -> Result<()> {
        let mut value: serde_json::Value = files::read_json(&self.receipt)?;
        if let Some(inner) = value.get_mut("receipt") {
            value = inner.take();
        }
        let receipt: Receipt = serde_json::from_value(value).context("no receipt")?;
        match self.model {
            Some(model) => receipt.repeat(&files::model(&model)?)?,
            None => receipt.check()?,
        }
        println!("signed by {}", receipt.signer);
        Ok(())
    }
}

/// The key in a file, or a new one.
fn key(path: &Path) -> Result<SigningKey> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let bytes = hex::decode(text.trim()).ok().with_context(|| format!("{} is no key", path.display()))?;
            SigningKey::from_slice(&bytes).ok().with_context(|| format!("{} is no key", path.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = SigningKey::random(&mut rand::rngs::OsRng);
            let text = hex::encode(key.to_bytes());
            files::create(path, For::Owner, |out: &mut dyn Write| Ok(writeln!(out, "{text}")?))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
