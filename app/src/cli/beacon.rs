//! `cairnd beacon`: the keys of a validator's share in the chain's randomness. A new key lies beside the old one in the home; the node takes
//! the one that the chain says acts, without being started again.
use std::fs;

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_beacon::{possession, vrf};
use cairn_proto::{
    cairn::beacon::v1::{
        MsgRegisterBeaconKey, MsgRotateBeaconKey, MsgRotateBeaconKeyResponse, QueryValidatorsRequest, QueryValidatorsResponse, Validator,
    },
    cosmos::base::query::v1beta1::PageRequest,
    pack,
};
use clap::Subcommand;
use prost::Message;
use serde_json::json;

use super::{
    comet::ConsensusKey,
    home::{BeaconKey, Home},
    job::Sender,
    output::Output,
    rpc::{Refused, Rpc},
    sign::{Signer, answers},
};

/// The keys of this validator's share in the chain's randomness.
#[derive(Debug, Subcommand)]
pub(crate) enum BeaconCommand {
    /// The keys in this home, and which of them the chain wants.
    Keys,
    /// Name this home's key for the validator that the signer is about to create; without it 'cairnd tx staking create-validator' is refused.
    Register {
        #[command(flatten)]
        sender: Sender,
    },
    /// Make a new key in this home and register it. It acts from the end of the next epoch; until then the old one does, so keep both.
    Rotate {
        /// Consensus address of the validator in hexadecimal; without it, that of this home's consensus key.
        #[arg(long, value_name = "HEX", value_parser = parse_address)]
        validator: Option<[u8; 20]>,
        #[command(flatten)]
        sender: Sender,
    },
}

fn parse_address(text: &str) -> Result<[u8; 20]> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.with_context(|| format!("a consensus address has 40 hexadecimal digits; found {text:?}"))
}

impl BeaconCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Keys => keys(home, &rpc, output),
            Self::Register { sender } => register(home, &rpc, &sender, output),
            Self::Rotate { validator, sender } => rotate(home, &rpc, validator, &sender, output),
        }
    }
}

/// The validator with this consensus address as the chain knows it.
pub(super) fn validator(rpc: &Rpc, address: &[u8; 20]) -> Result<Option<Validator>> {
    let mut next = Vec::new();
    loop {
        let pagination = Some(PageRequest { key: next, limit: 200, ..PageRequest::default() });
        let page: QueryValidatorsResponse = rpc.ask("/cairn.beacon.v1.Query/Validators", &QueryValidatorsRequest { pagination })?;
        if let Some(found) = page.validators.into_iter().find(|v| v.address == address) {
            return Ok(Some(found));
        }
        next = page.pagination.map(|page| page.next_key).unwrap_or_default();
        if next.is_empty() {
            return Ok(None);
        }
    }
}

fn keys(home: &Home, rpc: &Rpc, output: Output) -> Result<()> {
    let record = validator(rpc, &ConsensusKey::load(home)?.address)?;
    let found = home.vrf_keys()?;
    let mut rows: Vec<Vec<String>> = found
        .iter()
        .map(|BeaconKey { path, key }| {
            let public = key.public().as_bytes();
            vec![hex::encode(public), path.display().to_string(), role(record.as_ref(), public)]
        })
        .collect();
    for (wanted, use_) in record.iter().flat_map(wanted) {
        if !found.iter().any(|at_hand| at_hand.key.public().as_bytes() == wanted) {
            rows.push(vec![hex::encode(wanted), "MISSING".into(), use_]);
        }
    }
    output.table(&["key", "file", "use"], &rows)
}

/// The keys that the chain has of a validator, with their use in words.
fn wanted(record: &Validator) -> Vec<(&[u8], String)> {
    let mut wanted = vec![(record.vrf_key.as_slice(), "acts".to_owned())];
    wanted.extend(record.next.as_ref().map(|next| (next.vrf_key.as_slice(), format!("acts from height {}", next.active_from))));
    wanted
}

/// What a key of the home is good for.
fn role(record: Option<&Validator>, public: &[u8; 32]) -> String {
    let Some(record) = record else { return "none: this node is no validator".to_owned() };
    let found = wanted(record).into_iter().find(|(key, _)| key == public);
    found.map_or_else(|| "none: the file may be deleted".to_owned(), |(_, role)| role)
}

fn register(home: &Home, rpc: &Rpc, sender: &Sender, output: Output) -> Result<()> {
    let own = ConsensusKey::load(home)?;
    if validator(rpc, &own.address)?.is_some() {
        bail!("this home's validator has a key already; 'cairnd beacon rotate' replaces it");
    }
    home.ensure_vrf_key()?;
    let BeaconKey { path, key: vrf } = home.vrf_keys()?.into_iter().next().context("this home has no beacon key")?;
    let (key, options) = sender.open(home)?;
    let (operator, public) = (key.address(), vrf.public().as_bytes());
    let proof = vrf.prove(&possession(&rpc.chain_id()?, &operator, &[], public)).map_err(no_proof)?.to_vec();
    let message = MsgRegisterBeaconKey { operator: operator.to_string(), vrf_key: public.to_vec(), proof };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    // What 'create-validator' asks for beside the operator's own choices.
    let consensus = json!({ "@type": "/cosmos.crypto.ed25519.PubKey", "key": BASE64.encode(own.pub_key) });
    output.value(&json!({
        "operator": operator.to_string(), "key": hex::encode(public), "file": path.display().to_string(), "pubkey": consensus.to_string(),
        "hash": done.hash, "height": done.height,
    }))?;
    eprintln!("next: cairnd tx staking create-validator --from {} --pubkey '{consensus}' ... (see its --help)", sender.name());
    Ok(())
}

fn rotate(home: &Home, rpc: &Rpc, address: Option<[u8; 20]>, sender: &Sender, output: Output) -> Result<()> {
    let address = address.map_or_else(|| ConsensusKey::load(home).map(|key| key.address), Ok)?;
    let name = hex::encode(address);
    let record = validator(rpc, &address)?.with_context(|| format!("the chain has no validator {name}"))?;
    if let Some(next) = &record.next {
        bail!("validator {name} has a new key already, which acts from height {}; rotate again after it", next.active_from);
    }
    let (key, options) = sender.open(home)?;
    let operator = key.address();
    if record.operator != operator.to_string() {
        let named = if record.operator.is_empty() { "nobody: genesis named no operator" } else { &record.operator };
        bail!("the key of validator {name} may be rotated by {named}; {} is {operator}", sender.name());
    }
    let made = home.new_vrf_key()?;
    let public = made.key.public().as_bytes();
    let shown = possession(&rpc.chain_id()?, &operator, &address, public);
    let proof = made.key.prove(&shown).map_err(no_proof)?.to_vec();
    let message = MsgRotateBeaconKey { operator: operator.to_string(), validator: address.to_vec(), vrf_key: public.to_vec(), proof };
    let sent = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options);
    if sent.as_ref().is_err_and(|e| e.is::<Refused>()) {
        // After any other error the key may still be registered, and then this file is all there is of it.
        fs::remove_file(&made.path).with_context(|| format!("cannot remove {}", made.path.display()))?;
    }
    let done = sent.with_context(|| format!("the new key lies in {} where the chain took it", made.path.display()))?;
    let answer = answers(&done)?.into_iter().next().context("the transaction answers nothing")?;
    let active_from = MsgRotateBeaconKeyResponse::decode(&*answer.value)?.active_from;
    output.value(&json!({
        "validator": name, "key": hex::encode(public), "file": made.path.display().to_string(), "active_from": active_from,
        "hash": done.hash, "height": done.height,
    }))?;
    eprintln!("the validator's node must find this file in its config by height {active_from}; the old key acts until then, so keep both");
    Ok(())
}

fn no_proof(reason: vrf::Invalid) -> anyhow::Error {
    anyhow::anyhow!("cannot prove possession of the new key: {reason}")
}

#[cfg(test)]
mod tests {
    use cairn_proto::cairn::beacon::v1::NextKey;

    use super::*;

    #[test]
    fn each_key_has_its_use() {
        let next = Some(NextKey { vrf_key: vec![2; 32], active_from: 300 });
        let record = Validator { vrf_key: vec![1; 32], next, ..Validator::default() };
        assert_eq!(role(Some(&record), &[1; 32]), "acts");
        assert_eq!(role(Some(&record), &[2; 32]), "acts from height 300");
        assert_eq!(role(Some(&record), &[3; 32]), "none: the file may be deleted");
        assert_eq!(role(None, &[1; 32]), "none: this node is no validator");
    }

    #[test]
    fn addresses_have_forty_digits() {
        assert_eq!(parse_address(&"0f".repeat(20)).unwrap(), [15; 20]);
        for bad in ["", "0f", "zz", &"0f".repeat(21)] {
            assert!(parse_address(bad).unwrap_err().to_string().contains("40 hexadecimal digits"));
        }
    }
}
