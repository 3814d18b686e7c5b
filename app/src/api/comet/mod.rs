//! The services that the node answers for itself and not from state: transactions, blocks, validators, the node. Nothing else asks CometBFT.
mod blocks;
mod describe;
mod rpc;
mod status;
mod tx;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use cairn_kernel::Error;
use prost::Message;
use serde_json::{Value, json};

pub(crate) use status::COSMOS_SDK_VERSION;

use super::{Chain, doors::Refusal};

/// The node as these services see it.
pub(super) struct Node {
    chain: Arc<dyn Chain>,
    rpc: rpc::Rpc,
}

impl Node {
    /// Asks CometBFT at `url` (`http://host:port`, or `tcp://`, as its own settings spell it).
    pub(super) fn new(chain: Arc<dyn Chain>, url: &str, timeout: Duration) -> Self {
        Self { chain, rpc: rpc::Rpc::new(url, timeout) }
    }
}

/// Decodes the request, answers, encodes the response.
pub(super) type Call = fn(&Node, &[u8]) -> Result<Vec<u8>, Refusal>;

/// Every path answered here.
pub(super) const CALLS: &[(&str, Call)] = &[
    ("/cosmos.base.node.v1beta1.Service/Config", |n, d| typed(n, d, status::config)),
    ("/cosmos.base.node.v1beta1.Service/Status", |n, d| typed(n, d, status::status)),
    ("/cosmos.base.reflection.v1beta1.ReflectionService/ListAllInterfaces", |n, d| typed(n, d, describe::all_interfaces)),
    ("/cosmos.base.reflection.v1beta1.ReflectionService/ListImplementations", |n, d| typed(n, d, describe::implementations_of)),
    ("/cosmos.base.reflection.v2alpha1.ReflectionService/GetAuthnDescriptor", |n, d| typed(n, d, describe::authn)),
    ("/cosmos.base.reflection.v2alpha1.ReflectionService/GetChainDescriptor", |n, d| typed(n, d, describe::chain)),
    ("/cosmos.base.reflection.v2alpha1.ReflectionService/GetCodecDescriptor", |n, d| typed(n, d, describe::codec)),
    ("/cosmos.base.reflection.v2alpha1.ReflectionService/GetConfigurationDescriptor", |n, d| typed(n, d, describe::configuration)),
    ("/cosmos.base.reflection.v2alpha1.ReflectionService/GetQueryServicesDescriptor", |n, d| typed(n, d, describe::queries)),
    ("/cosmos.base.reflection.v2alpha1.ReflectionService/GetTxDescriptor", |n, d| typed(n, d, describe::tx)),
    ("/cosmos.base.tendermint.v1beta1.Service/ABCIQuery", |n, d| typed(n, d, status::abci_query)),
    ("/cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight", |n, d| typed(n, d, blocks::by_height)),
    ("/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock", |n, d| typed(n, d, blocks::latest)),
    ("/cosmos.base.tendermint.v1beta1.Service/GetLatestValidatorSet", |n, d| typed(n, d, blocks::latest_validators)),
    ("/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo", |n, d| typed(n, d, status::node_info)),
    ("/cosmos.base.tendermint.v1beta1.Service/GetSyncing", |n, d| typed(n, d, status::syncing)),
    ("/cosmos.base.tendermint.v1beta1.Service/GetValidatorSetByHeight", |n, d| typed(n, d, blocks::validators_at)),
    ("/cosmos.params.v1beta1.Query/Params", |n, d| typed(n, d, describe::parameter)),
    ("/cosmos.params.v1beta1.Query/Subspaces", |n, d| typed(n, d, describe::subspaces)),
    ("/cosmos.reflection.v1.ReflectionService/FileDescriptors", describe::files),
    ("/cosmos.tx.v1beta1.Service/BroadcastTx", |n, d| typed(n, d, tx::broadcast)),
    ("/cosmos.tx.v1beta1.Service/GetBlockWithTxs", |n, d| typed(n, d, tx::block_with_txs)),
    ("/cosmos.tx.v1beta1.Service/GetTx", |n, d| typed(n, d, tx::get)),
    ("/cosmos.tx.v1beta1.Service/GetTxsEvent", |n, d| typed(n, d, tx::search)),
    ("/cosmos.tx.v1beta1.Service/TxDecode", |n, d| typed(n, d, tx::decode)),
    ("/cosmos.tx.v1beta1.Service/TxDecodeAmino", |n, d| typed(n, d, tx::decode_amino)),
    ("/cosmos.tx.v1beta1.Service/TxEncode", |n, d| typed(n, d, tx::encode)),
    ("/cosmos.tx.v1beta1.Service/TxEncodeAmino", |n, d| typed(n, d, tx::encode_amino)),
];

/// How long CometBFT may take over an answer that goes back to it by ABCI `Query`: its other queries wait meanwhile.
const ABCI_PATIENCE: Duration = Duration::from_secs(5);

/// These services for whoever asks them by ABCI `Query`, where the Cosmos SDK has them too: CosmJS finds transactions so.
pub struct Services(Node);

impl Services {
    /// Asks CometBFT at `comet_rpc`.
    #[must_use]
    pub fn new(chain: Arc<dyn Chain>, comet_rpc: &str) -> Self {
        Self(Node::new(chain, comet_rpc, ABCI_PATIENCE))
    }
    /// Answers one path; `None` if none of these services has it. Blocks. `ABCIQuery` is left out: CometBFT would ask whoever waits for it.
    pub(crate) fn answer(&self, path: &str, data: &[u8]) -> Option<Result<Vec<u8>, Error>> {
        let (_, call) = CALLS.iter().find(|(p, _)| *p == path && !path.ends_with("/ABCIQuery"))?;
        let error = |Refusal { status, text, .. }: Refusal| Error { codespace: "sdk", code: 6, log: text, status };
        Some(call(&self.0, data).map_err(error))
    }
}

fn typed<Q: Message + Default, R: Message>(
    node: &Node,
    data: &[u8],
    answer: fn(&Node, Q) -> Result<R, Refusal>,
) -> Result<Vec<u8>, Refusal> {
    Ok(answer(node, request(data)?)?.encode_to_vec())
}

fn request<Q: Message + Default>(data: &[u8]) -> Result<Q, Refusal> {
    Q::decode(data).map_err(|e| Refusal::invalid(format!("cannot decode the request: {e}")))
}

/// CometBFT's page for an offset and a limit: it counts pages from 1 and shows at most 100 entries.
fn page(offset: u64, limit: u64) -> (u64, u64) {
    let per_page = if limit == 0 { 100 } else { limit.min(100) };
    (offset.checked_div(per_page).unwrap_or(0).saturating_add(1), per_page)
}

/// Parameters that name a page, spelt as CometBFT's RPC wants integers.
fn page_params(page: u64, per_page: u64) -> Vec<(String, Value)> {
    vec![("page".to_owned(), json!(page.to_string())), ("per_page".to_owned(), json!(per_page.to_string()))]
}
