//! `cosmos.base.tendermint.v1beta1.Service`: blocks and validators.
use cairn_kernel::Address;
use cairn_proto::{
    cosmos::{
        base::{
            query::v1beta1::{PageRequest, PageResponse},
            tendermint::v1beta1 as api,
        },
        crypto::{ed25519, secp256k1},
    },
    pack, tendermint as wire,
};
use prost::Message;
use serde_json::{Map, Value, json};
use tendermint_proto::v0_38::{crypto::public_key::Sum, types::Validator};

use super::{
    Node, page, page_params,
    rpc::{self, RpcError},
};
use crate::api::doors::Refusal;

/// Prefix of the addresses of consensus keys.
pub(super) const CONSENSUS_PREFIX: &str = "cairnvalcons";

/// A block and its id, as the wire types of clients.
pub(super) struct Block {
    pub(super) id: wire::types::BlockId,
    pub(super) block: wire::types::Block,
}

/// The block at `height`, or the last one.
pub(super) fn block(node: &Node, height: Option<i64>) -> Result<Block, Refusal> {
    let params = height.map_or_else(|| json!({}), |h| json!({"height": h.to_string()}));
    let found: rpc::Block = node.rpc.call("block", &params).map_err(RpcError::into_invalid)?;
    Ok(Block { id: transcode(&found.block_id)?, block: transcode(&found.block)? })
}

/// The header at `height`.
pub(super) fn header(node: &Node, height: i64) -> Result<wire::types::Header, Refusal> {
    let found: rpc::Header = node.rpc.call("header", &json!({"height": height.to_string()})).map_err(RpcError::into_invalid)?;
    transcode(&found.header)
}

/// The last height CometBFT knows.
pub(super) fn last_height(node: &Node) -> Result<i64, Refusal> {
    Ok(node.rpc.call::<rpc::Status>("status", &json!({}))?.sync_info.latest_block_height)
}

/// `height` if it names a block that may exist.
pub(super) fn existing(node: &Node, height: i64) -> Result<i64, Refusal> {
    if height < 1 {
        return Err(Refusal::invalid(format!("height must be greater than 0, but got {height}")));
    }
    if height > last_height(node)? {
        return Err(Refusal::invalid("requested block height is bigger then the chain length"));
    }
    Ok(height)
}

/// The same bytes as another type for one wire format.
fn transcode<T: Message + Default>(message: &impl Message) -> Result<T, Refusal> {
    T::decode(message.encode_to_vec().as_slice()).map_err(|e| Refusal::internal(format!("unexpected answer of CometBFT: {e}")))
}

pub(super) fn latest(node: &Node, _: api::GetLatestBlockRequest) -> Result<api::GetLatestBlockResponse, Refusal> {
    let Block { id, block } = block(node, None)?;
    Ok(api::GetLatestBlockResponse { block_id: Some(id), sdk_block: Some(sdk_block(&block)), block: Some(block) })
}

pub(super) fn by_height(node: &Node, request: api::GetBlockByHeightRequest) -> Result<api::GetBlockByHeightResponse, Refusal> {
    let Block { id, block } = block(node, Some(existing(node, request.height)?))?;
    Ok(api::GetBlockByHeightResponse { block_id: Some(id), sdk_block: Some(sdk_block(&block)), block: Some(block) })
}

/// The block with its proposer as an address in text.
fn sdk_block(block: &wire::types::Block) -> api::Block {
    api::Block {
        header: block.header.as_ref().map(sdk_header),
        data: block.data.clone(),
        evidence: block.evidence.clone(),
        last_commit: block.last_commit.clone(),
    }
}

fn sdk_header(h: &wire::types::Header) -> api::Header {
    api::Header {
        version: h.version,
        chain_id: h.chain_id.clone(),
        height: h.height,
        time: h.time,
        last_block_id: h.last_block_id.clone(),
        last_commit_hash: h.last_commit_hash.clone(),
        data_hash: h.data_hash.clone(),
        validators_hash: h.validators_hash.clone(),
        next_validators_hash: h.next_validators_hash.clone(),
        consensus_hash: h.consensus_hash.clone(),
        app_hash: h.app_hash.clone(),
        last_results_hash: h.last_results_hash.clone(),
        evidence_hash: h.evidence_hash.clone(),
        proposer_address: consensus_address(&h.proposer_address),
    }
}

/// `cairnvalcons1...`; empty where there is none.
fn consensus_address(raw: &[u8]) -> String {
    Address::new(raw).map(|a| a.to_bech32(CONSENSUS_PREFIX)).unwrap_or_default()
}

pub(super) fn latest_validators(
    node: &Node,
    request: api::GetLatestValidatorSetRequest,
) -> Result<api::GetLatestValidatorSetResponse, Refusal> {
    let set = validators(node, None, request.pagination)?;
    Ok(api::GetLatestValidatorSetResponse { block_height: set.height, validators: set.validators, pagination: Some(set.page) })
}

pub(super) fn validators_at(
    node: &Node,
    request: api::GetValidatorSetByHeightRequest,
) -> Result<api::GetValidatorSetByHeightResponse, Refusal> {
    let set = validators(node, Some(existing(node, request.height)?), request.pagination)?;
    Ok(api::GetValidatorSetByHeightResponse { block_height: set.height, validators: set.validators, pagination: Some(set.page) })
}

struct Set {
    height: i64,
    validators: Vec<api::Validator>,
    page: PageResponse,
}

fn validators(node: &Node, height: Option<i64>, asked: Option<PageRequest>) -> Result<Set, Refusal> {
    let asked = asked.unwrap_or_default();
    let (page, per_page) = page(asked.offset, asked.limit);
    let mut params = Map::from_iter(page_params(page, per_page));
    if let Some(height) = height {
        params.insert("height".to_owned(), json!(height.to_string()));
    }
    let set: rpc::Validators = node.rpc.call("validators", &Value::Object(params)).map_err(RpcError::into_invalid)?;
    let validators = set.validators.into_iter().map(validator).collect();
    Ok(Set { height: set.block_height, validators, page: PageResponse { next_key: Vec::new(), total: set.total } })
}

fn validator(v: Validator) -> api::Validator {
    let pub_key = v.pub_key.and_then(|k| k.sum).map(|sum| match sum {
        Sum::Ed25519(key) => pack(&ed25519::PubKey { key }),
        Sum::Secp256k1(key) => pack(&secp256k1::PubKey { key }),
    });
    api::Validator { address: consensus_address(&v.address), pub_key, voting_power: v.voting_power, proposer_priority: v.proposer_priority }
}
