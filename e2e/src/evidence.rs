//! Evidence as CometBFT makes it: two votes for different blocks at one height, signed by one key.
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_proto::{
    Timestamp,
    tendermint::types::{CanonicalBlockId, CanonicalPartSetHeader, CanonicalVote, SignedMsgType},
};
use ed25519_consensus::SigningKey;
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::twins::Side;

/// The address of a validator's consensus key.
#[must_use]
pub fn consensus_address(key: &[u8]) -> Vec<u8> {
    Sha256::digest(key)[..20].to_vec()
}

/// Proves to the nodes of a chain that the validator with this key voted twice at `height`; it was in the set then. Gives what CometBFT answers.
///
/// # Panics
/// If it was not in the set.
#[must_use]
pub fn broadcast(side: &Side, key: &SigningKey, height: u64) -> Value {
    let address = hex::encode_upper(consensus_address(key.verification_key().as_bytes()));
    let set = side.comet(&format!("/validators?height={height}&per_page=100"))["validators"].clone();
    let set = set.as_array().expect("validators");
    let power = |v: &Value| v["voting_power"].as_str().and_then(|p| p.parse::<u64>().ok()).expect("a power");
    let index = set.iter().position(|v| v["address"] == address.as_str()).expect("a validator of that height");
    let moment = side.comet(&format!("/block?height={height}"))["block"]["header"]["time"].clone();
    let votes = [1, 2].map(|block| vote(side, key, (&address, index), height, block));
    let (total, power) = (set.iter().map(power).sum::<u64>().to_string(), power(&set[index]).to_string());
    // CometBFT renamed these three within 0.38; what it does not know it passes over.
    let value = json!({
        "vote_a": votes[0], "vote_b": votes[1],
        "TotalVotingPower": total, "ValidatorPower": power, "Timestamp": moment,
        "total_voting_power": total, "validator_power": power, "timestamp": moment,
    });
    let evidence = json!({ "type": "tendermint/DuplicateVoteEvidence", "value": value });
    side.post(&side.rpc, &json!({ "jsonrpc": "2.0", "id": 1, "method": "broadcast_evidence", "params": { "evidence": evidence } }))
}

/// A prevote for a block whose hash is the byte `block` repeated.
fn vote(side: &Side, key: &SigningKey, (address, index): (&str, usize), height: u64, block: u8) -> Value {
    let (hash, moment) = (vec![block; 32], Timestamp { seconds: 1_700_000_000, nanos: 0 });
    let parts = CanonicalPartSetHeader { total: 1, hash: hash.clone() };
    let signed = CanonicalVote {
        r#type: SignedMsgType::Prevote.into(),
        height: i64::try_from(height).expect("a height"),
        round: 0,
        block_id: Some(CanonicalBlockId { hash: hash.clone(), part_set_header: Some(parts) }),
        timestamp: Some(moment),
        chain_id: side.chain_id.clone(),
    };
    let signature = key.sign(&signed.encode_length_delimited_to_vec()).to_bytes();
    let hash = hex::encode_upper(hash);
    json!({
        "type": 1, "height": height.to_string(), "round": 0, "block_id": { "hash": hash, "parts": { "total": 1, "hash": hash } },
        "timestamp": "2023-11-14T22:13:20Z", "validator_address": address, "validator_index": index, "signature": BASE64.encode(signature),
        "extension": null, "extension_signature": null,
    })
}
