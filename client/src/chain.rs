//! The chain as a client sees it: queries, signed transactions, blocks; over CometBFT's RPC, with several nodes to fall back on.
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_proto::cosmos::{
    auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse},
    base::abci::v1beta1::TxMsgData,
    tx::v1beta1::{SimulateRequest, SimulateResponse},
};
use cosmrs::{
    Any, Coin,
    crypto::secp256k1::SigningKey,
    tendermint::block::Height,
    tx::{Body, Fee, SignDoc, SignerInfo},
};
use prost::{Message, Name};
use tendermint_rpc::{Client, HttpClient, endpoint};
use tokio::{sync::Mutex, time::sleep};

use crate::keys;

/// Fee per 1,000 units of gas, in ucairn.
const FEE_PER_KILO_GAS: u64 = 1;
/// How long a transaction may take to be in a block.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks for it.
const POLL: Duration = Duration::from_millis(200);

/// The chain behind one or more nodes.
#[derive(Clone)]
pub struct Chain {
    nodes: Arc<Vec<HttpClient>>,
    current: Arc<AtomicUsize>,
    id: String,
}

/// A transaction in a block.
#[derive(Debug, Clone)]
pub struct Done {
    /// The block.
    pub height: u64,
    /// The answer of the first message.
    pub response: Vec<u8>,
}

/// The chain refused a transaction or a query.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Who refused.
    pub codespace: String,
    /// Its code.
    pub code: u32,
    /// Its text.
    pub log: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused ({} {}): {}", self.codespace, self.code, self.log)
    }
}
impl std::error::Error for Refused {}

impl Chain {
    /// Connects to the first of `urls` that answers.
    pub async fn connect(urls: &[String]) -> Result<Self> {
        let nodes = urls.iter().map(|u| HttpClient::new(u.as_str())).collect::<Result<Vec<_>, _>>()?;
        let mut chain = Self { nodes: Arc::new(nodes), current: Arc::default(), id: String::new() };
        chain.id = chain.status().await?.node_info.network.to_string();
        Ok(chain)
    }
    /// The chain's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
    /// Runs `call` on the current node; if it does not answer, on the next one, until each was asked.
    async fn ask<T, F>(&self, call: impl Fn(HttpClient) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, tendermint_rpc::Error>>,
    {
        let mut last = None;
        for _ in 0..self.nodes.len() {
            let at = self.current.load(Ordering::Relaxed);
            let node = at.checked_rem(self.nodes.len()).and_then(|i| self.nodes.get(i)).context("no node is named")?.clone();
            match tokio::time::timeout(Duration::from_secs(10), call(node)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(e)) if matches!(e.detail(), tendermint_rpc::error::ErrorDetail::Response(_)) => return Err(e.into()),
                Ok(Err(e)) => last = Some(anyhow::Error::from(e)),
                Err(_) => last = Some(anyhow::anyhow!("a node does not answer within 10 s")),
            }
            let _moved = self.current.compare_exchange(at, at.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no node is named")))
    }
    /// CometBFT's status.
    pub async fn status(&self) -> Result<endpoint::status::Response> {
        self.ask(|n| async move { n.status().await }).await
    }
    /// The newest height.
    pub async fn height(&self) -> Result<u64> {
        Ok(self.status().await?.sync_info.latest_block_height.value())
    }
    /// What a block did.
    pub async fn block_results(&self, height: u64) -> Result<endpoint::block_results::Response> {
        let height = u32::try_from(height).context("a height beyond 2^32")?;
        self.ask(|n| async move { n.block_results(height).await }).await
    }
    /// Asks a query of the chain. A refusal is a [`Refused`].
    pub async fn query<R: Message + Default>(&self, path: &str, request: &impl Message) -> Result<R> {
        self.query_at(path, request, None).await
    }
    /// As [`Chain::query`], of the state after the block at a height.
    pub async fn query_at<R: Message + Default>(&self, path: &str, request: &impl Message, height: Option<u64>) -> Result<R> {
        let data = request.encode_to_vec();
        let height = height.map(Height::try_from).transpose()?;
        let answer = self
            .ask(|n| {
                let (path, data) = (path.to_owned(), data.clone());
                async move { n.abci_query(Some(path), data, height, false).await }
            })
            .await?;
        if answer.code.is_err() {
            return Err(Refused { codespace: answer.codespace, code: answer.code.value(), log: format!("{path}: {}", answer.log) }.into());
        }
        Ok(R::decode(&*answer.value)?)
    }
    /// Number and next sequence of an account.
    async fn account(&self, address: &str) -> Result<BaseAccount> {
        let request = QueryAccountRequest { address: address.to_owned() };
        let answer: QueryAccountResponse = self.query("/cosmos.auth.v1beta1.Query/Account", &request).await?;
        Ok(BaseAccount::decode(&*answer.account.context("the account is empty")?.value)?)
    }
}

/// An account that signs, one transaction after the other.
pub struct Signer {
    chain: Chain,
    key: SigningKey,
    address: String,
    turn: Mutex<()>,
}

impl Signer {
    /// Signs with `key`.
    pub fn new(chain: Chain, key: SigningKey) -> Result<Self> {
        let address = keys::address(&key)?.to_string();
        Ok(Self { chain, key, address, turn: Mutex::default() })
    }
    /// Who signs.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
    /// The key, for signing in to a gateway.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }
    /// Signs `message` alone in a transaction, hands it in and waits for its block. A refusal is a [`Refused`].
    pub async fn send<M: Message + Name>(&self, message: &M) -> Result<Done> {
        self.send_any(cairn_proto::pack(message)).await
    }
    /// As [`Signer::send`], of a message that is packed.
    pub async fn send_any(&self, message: cairn_proto::Any) -> Result<Done> {
        let _turn = self.turn.lock().await;
        let any = Any { type_url: message.type_url, value: message.value.to_vec() };
        let account = self.chain.account(&self.address).await?;
        let gas = self.simulate(&any, &account).await?;
        let tx = self.sign(any, &account, gas)?;
        let accepted = self
            .chain
            .ask(|n| {
                let tx = tx.clone();
                async move { n.broadcast_tx_sync(tx).await }
            })
            .await?;
        if accepted.code.is_err() {
            return Err(Refused { codespace: accepted.codespace, code: accepted.code.value(), log: accepted.log }.into());
        }
        self.wait(accepted.hash).await
    }

    async fn wait(&self, hash: cosmrs::tendermint::Hash) -> Result<Done> {
        let start = tokio::time::Instant::now();
        loop {
            sleep(POLL).await;
            match self.chain.ask(|n| async move { n.tx(hash, false).await }).await {
                Ok(found) if found.tx_result.code.is_err() => {
                    let result = found.tx_result;
                    return Err(Refused { codespace: result.codespace, code: result.code.value(), log: result.log }.into());
                }
                Ok(found) => {
                    // The client library hands on CometBFT's base64 as it stands; no encoded TxMsgData is base64.
                    let data = BASE64.decode(&found.tx_result.data).unwrap_or_else(|_| found.tx_result.data.to_vec());
                    let data = TxMsgData::decode(&*data)?;
                    let response = data.msg_responses.into_iter().next().map(|r| r.value).unwrap_or_default();
                    return Ok(Done { height: found.height.value(), response });
                }
                Err(e) if start.elapsed() > PATIENCE => return Err(e).context("a transaction was accepted but is in no block"),
                Err(_) => {}
            }
        }
    }

    fn sign(&self, any: Any, account: &BaseAccount, gas: u64) -> Result<Vec<u8>> {
        let fee = gas.div_ceil(1_000).saturating_mul(FEE_PER_KILO_GAS);
        let coin = Coin::new(fee.into(), cairn_kernel::BASE_DENOM).map_err(|e| anyhow::anyhow!("{e}"))?;
        let body = Body::new([any], "", 0_u32);
        let auth = SignerInfo::single_direct(Some(self.key.public_key()), account.sequence).auth_info(Fee::from_amount_and_gas(coin, gas));
        let id = self.chain.id.parse().map_err(|e| anyhow::anyhow!("chain id: {e}"))?;
        let doc = SignDoc::new(&body, &auth, &id, account.account_number).map_err(|e| anyhow::anyhow!("{e}"))?;
        doc.sign(&self.key).and_then(|tx| tx.to_bytes()).map_err(|e| anyhow::anyhow!("{e}"))
    }

    /// Half as much again as the simulation used.
    async fn simulate(&self, any: &Any, account: &BaseAccount) -> Result<u64> {
        let request = SimulateRequest { tx_bytes: self.sign(any.clone(), account, 0)?, ..SimulateRequest::default() };
        let answer: SimulateResponse = self.chain.query("/cosmos.tx.v1beta1.Service/Simulate", &request).await?;
        let used = answer.gas_info.context("the simulation tells no gas")?.gas_used;
        Ok(used.saturating_add(used / 2))
    }
}
