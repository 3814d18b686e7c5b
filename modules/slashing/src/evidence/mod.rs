//! Proven double signs: what they cost, and the record of them. A module of its own, since its genesis and its store are those of
//! `cosmos.evidence`.
mod messages;
mod state;

use std::sync::Arc;

use cairn_kernel::{Address, Ctx, Infraction, Module, Result, Router, Table};
use cairn_proto::{
    Timestamp,
    cosmos::{
        evidence::v1beta1::{Equivocation, GenesisState, msg_routes, query_routes},
        slashing::v1beta1::ValidatorSigningInfo,
        staking::v1beta1::BondStatus,
    },
    pack, unpack,
};
use cairn_staking::{
    CONSENSUS_PREFIX,
    time::{at, timestamp},
};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{Error, liveness::failed, params::rules, state::INFOS};
use state::EVIDENCE;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Evidence;

/// The end of the year 9999: a tombstone is for ever.
const FOREVER: Timestamp = Timestamp { seconds: 253_402_300_799, nanos: 0 };

/// What a record is stored and asked for under: SHA-256 of its bytes.
#[must_use]
pub fn evidence_hash(evidence: &Equivocation) -> [u8; 32] {
    Sha256::digest(evidence.encode_to_vec()).into()
}

/// Judges one proof. CometBFT has verified it, and that it is not too old. A validator pays once in its life.
fn judge(ctx: &mut Ctx, found: &Infraction) -> Result<()> {
    let address = Address::new(&found.validator)?;
    let Some(validator) = cairn_staking::by_consensus(ctx, &address)? else { return Ok(()) };
    if validator.status() == BondStatus::Unbonded {
        return Ok(());
    }
    let info = INFOS.get(ctx, &address)?.ok_or(Error::Corrupt("a validator without signing info"))?;
    if info.tombstoned {
        return Ok(());
    }
    let fault = i64::try_from(found.height).unwrap_or(i64::MAX).saturating_sub(1);
    let rules = rules(ctx)?;
    let burnt = cairn_staking::slash(ctx, &address, fault, found.power, &rules.double_sign)?;
    let (text, power, burnt) = (address.to_bech32(CONSENSUS_PREFIX), found.power.to_string(), burnt.to_string());
    let pairs = [("address", text.as_str()), ("power", &power), ("reason", "double_sign"), ("burned_coins", &burnt)];
    ctx.emit_raw("slash", &pairs);
    if !validator.jailed {
        cairn_staking::jail(ctx, &address)?;
        ctx.emit_raw("slash", &[("jailed", &text)]);
    }
    INFOS.set(ctx, &address, &ValidatorSigningInfo { jailed_until: Some(FOREVER), tombstoned: true, ..info })?;
    let record = Equivocation {
        height: i64::try_from(found.height).unwrap_or(i64::MAX),
        time: Some(timestamp(at(found.time, found.nanos))),
        power: i64::try_from(found.power).unwrap_or(i64::MAX),
        consensus_address: text,
    };
    EVIDENCE.set(ctx, &evidence_hash(&record), &record)
}

impl Module for Evidence {
    const NAME: &'static str = "evidence";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = GenesisState;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self));
    }
    fn init(&self, ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
        for any in &genesis.evidence {
            let record: Equivocation = unpack(any)?;
            Address::parse_with(CONSENSUS_PREFIX, &record.consensus_address)?;
            EVIDENCE.set(ctx, &evidence_hash(&record), &record)?;
        }
        Ok(())
    }
    fn export(&self, ctx: &Ctx) -> Result<GenesisState> {
        let records = EVIDENCE.range(ctx, &[]).map(|entry| entry.map(|(_, record)| pack(&record)));
        Ok(GenesisState { evidence: records.collect::<Result<_>>()? })
    }
    fn begin_block(&self, ctx: &mut Ctx) -> Result<()> {
        for found in &ctx.block().misbehavior {
            if let Err(error) = ctx.atomic(|ctx| judge(ctx, found)) {
                failed(ctx, "evidence", &Address::new(&found.validator)?, &error);
            }
        }
        Ok(())
    }
}
