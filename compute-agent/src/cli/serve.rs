//! `cairn-agent serve` and `cairn-agent receipt`: a model over HTTP, and what its answers are held to.
use std::{
    fs,
    io::{ErrorKind, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use cairn_client::{Chain, Signer, keys};
use cairn_device::{FLEX, open};
use cairn_models::ModelFile;
use cairn_proto::cairn::compute::v1::{QueryProgramRequest, QueryProgramResponse};
use clap::Args;
use k256::ecdsa::SigningKey;
use tokio::{runtime::Runtime, task::JoinHandle};

use super::{
    files::{self, For},
    run::{log, stopped},
};
use crate::serve::{Asked, Books, Offer, Receipt, Service, Sessions, Till, router};

/// Between two looks at the sessions.
const PAUSE: Duration = Duration::from_secs(2);

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
    /// The chain on which the model is registered; with `--node`, its own id.
    #[arg(long, default_value = "", conflicts_with = "nodes", hide_default_value = true)]
    chain_id: String,
    /// RPC of a node: calls are paid by vouchers of sessions of the model's asset, which are checked against the chain, kept, and redeemed. Several are tried in
    /// turn.
    #[arg(long = "node", value_delimiter = ',', value_name = "URL", requires_all = ["account", "home"], conflicts_with = "accept_with")]
    nodes: Vec<String>,
    /// The account that sessions pay, and that redeems vouchers: a file with its words, or 64 hexadecimal digits, that nobody else may read.
    #[arg(long, value_name = "FILE", requires = "nodes")]
    account: Option<PathBuf>,
    /// Where vouchers, and counts of what was served, are kept.
    #[arg(long, value_name = "DIR", requires = "nodes")]
    home: Option<PathBuf>,
    /// The asset whose licensees pay. [default: the one under which the model's program is registered]
    #[arg(long, value_name = "ID", requires = "nodes")]
    asset: Option<u64>,
    /// What a session may owe before its voucher is redeemed, in base units of its denomination. One that closes, or soon will, is redeemed in any case.
    #[arg(long, value_name = "AMOUNT", default_value_t = 1_000_000, requires = "nodes")]
    settle_at: u128,
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
        log();
        let model = files::model(&self.model)?;
        let device = open(&self.device)?;
        ensure!(device.reproducible(), "{} differs from the reference and signs nothing; see `cairn-agent doctor`", self.device);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let sessions = match (&self.account, &self.home) {
            (Some(account), Some(home)) => Some(Arc::new(self.sessions(&runtime, &model, account, home)?)),
            _ => None,
        };
        let chain_id = sessions.as_ref().map_or(&self.chain_id, |sessions| &sessions.offer().chain_id).clone();
        let till = match (&sessions, &self.accept_with, &self.served) {
            (Some(sessions), ..) => Some(Till::Chain(Arc::clone(sessions))),
            (None, Some(command), Some(served)) => Some(Till::Command(Asked::new(command, served.clone())?)),
            _ => None,
        };
        let service = Service { model, device, chain_id, key: key(&self.key)?, till };
        let tended = sessions.clone().map(|sessions| runtime.spawn(tend(sessions)));
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(self.listen).await.with_context(|| format!("cannot listen on {}", self.listen))?;
            println!("listening on http://{}", listener.local_addr()?);
            anyhow::Ok(axum::serve(listener, router(service)).with_graceful_shutdown(stopped()).await?)
        })?;
        tended.inspect(JoinHandle::abort);
        sessions.inspect(|sessions| sessions.tell());
        Ok(())
    }

    /// What takes vouchers of the chain behind the nodes.
    fn sessions(&self, runtime: &Runtime, model: &ModelFile, account: &Path, home: &Path) -> Result<Sessions> {
        let program_id = hex::encode(model.id());
        let chain = runtime.block_on(Chain::connect(&self.nodes)).context("no node answers")?;
        let asset = match self.asset {
            Some(asset) => asset,
            None => {
                let asked = QueryProgramRequest { program_id: program_id.clone() };
                let found: Result<QueryProgramResponse> = runtime.block_on(chain.query("/cairn.compute.v1.Query/Program", &asked));
                let found = found.with_context(|| format!("program {program_id} is not registered; --asset names whose licensees pay"))?;
                found.program.context("the chain tells nothing of the program")?.asset_id
            }
        };
        let signer = Signer::new(chain.clone(), keys::from_file(account)?)?;
        let (chain_id, provider) = (chain.id().to_owned(), signer.address().to_owned());
        tracing::info!(chain = chain_id, asset, provider, "vouchers are checked against the chain");
        let offer = Offer { chain_id, asset, provider, settle_at: self.settle_at };
        fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
        Ok(Sessions::new(Box::new(Books::new(runtime.handle().clone(), chain, signer)), offer, home))
    }
}

/// Looks at the sessions again and again.
async fn tend(sessions: Arc<Sessions>) {
    loop {
        let looked = Arc::clone(&sessions);
        if tokio::task::spawn_blocking(move || looked.tend()).await.is_err() {
            tracing::error!("a look at the sessions failed");
        }
        tokio::time::sleep(PAUSE).await;
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
