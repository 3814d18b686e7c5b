//! The state before the first block, from the genesis file and back.
use bytes::Bytes;
use cairn_kernel::{BlockInfo, Ctx, Gas, MemStore, Overlay, sdk};
use cairn_proto::{cosmos::tx::v1beta1::Tx as CosmosTx, tendermint::types::ConsensusParams};
use prost::Name;
use serde_json::{Map, Value};

use super::{App, Fault, Inner, committed::Committed, consensus, params, run::contained};
use crate::{ante::Mode, upgrades::versions};

/// What consensus hands over at the start of a chain.
#[derive(Debug, Clone, Default)]
pub struct Genesis {
    /// The chain's name.
    pub chain_id: String,
    /// Seconds since the epoch.
    pub time: u64,
    /// Nanoseconds within that second.
    pub nanos: u32,
    /// Height of the first block.
    pub initial_height: u64,
    /// Limits of blocks and what else CometBFT keeps.
    pub params: ConsensusParams,
    /// Who votes on the first block.
    pub validators: Vec<Validator>,
    /// The modules' parts: a JSON object with an entry for each.
    pub app_state: Vec<u8>,
}

/// A validator as CometBFT's part of the genesis file has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Validator {
    /// The first 20 bytes of SHA-256 of its consensus key.
    pub address: Vec<u8>,
    /// Its voting power.
    pub power: u64,
}

/// A validator that staking elects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elected {
    /// What it calls itself.
    pub moniker: String,
    /// Its consensus key, Ed25519.
    pub key: Vec<u8>,
    /// Its voting power.
    pub power: u64,
}

impl Genesis {
    /// What stands for the block before the first one.
    fn before_first(&self) -> BlockInfo {
        BlockInfo {
            height: self.initial_height.saturating_sub(1),
            time: self.time,
            nanos: self.nanos,
            chain_id: self.chain_id.clone(),
            ..BlockInfo::default()
        }
    }
}

impl App {
    /// Makes the genesis state, in place of an earlier one: consensus asks again if a crash came before the first commit.
    /// Returns its app hash.
    ///
    /// # Errors
    /// [`Fault::Genesis`] with everything that is wrong; [`Fault::Store`] once a block is committed.
    pub fn init_chain(&self, genesis: &Genesis) -> Result<Vec<u8>, Fault> {
        let inner = &self.0;
        let (nothing, gas) = (MemStore::default(), Gas::unlimited());
        let block = genesis.before_first();
        let mut overlay = Overlay::new(&nothing);
        let mut ctx = Ctx::new(&mut overlay, &block, &gas, &inner.router);
        let faults = inner.fill(&mut ctx, genesis);
        if !faults.is_empty() {
            return Err(Fault::Genesis(faults.join("; ")));
        }
        consensus::set_params(&mut ctx, &genesis.params).map_err(|e| Fault::Genesis(format!("consensus_params: {}", e.log)))?;
        consensus::set_last(&mut ctx)?;
        let writes = overlay.into_writes();
        let version = inner.store.reset_genesis(&genesis.chain_id, genesis.initial_height.max(1), writes)?;
        inner.pending().take();
        inner.set_tip(inner.load_tip()?);
        Ok(version.app_hash.to_vec())
    }

    /// Everything that keeps a chain from beginning with `genesis`, by the entry that is at fault. Nothing is kept.
    #[must_use]
    pub fn examine(&self, genesis: &Genesis) -> Vec<String> {
        let (nothing, gas) = (MemStore::default(), Gas::unlimited());
        let block = genesis.before_first();
        let mut overlay = Overlay::new(&nothing);
        let mut faults = self.0.fill(&mut Ctx::new(&mut overlay, &block, &gas, &self.0.router), genesis);
        faults.extend(params::check(&genesis.params).err().map(|e| format!("consensus_params.{}", e.log)));
        faults
    }

    /// Who validates after the newest state, each with its key: for consensus, where the genesis file leaves it to the state.
    ///
    /// # Errors
    /// [`Fault`], if the state cannot be read.
    pub fn validators(&self) -> Result<Vec<Elected>, Fault> {
        let tip = self.0.need_tip()?;
        self.0.read(&tip.block, elected)
    }

    /// The modules' parts of a genesis file that starts a chain from the newest state.
    ///
    /// # Errors
    /// [`Fault`], if the state cannot be read.
    pub fn export(&self) -> Result<Value, Fault> {
        Ok(self.export_at(None)?.app_state)
    }

    /// The state after `height`, or the newest, as a chain can start from it.
    ///
    /// # Errors
    /// [`Fault`], if the state of that height is not kept, or cannot be read.
    pub fn export_at(&self, height: Option<u64>) -> Result<Exported, Fault> {
        let (inner, gas, unknown) = (&self.0, Gas::unlimited(), BlockInfo::default());
        let view = height.map_or_else(|| inner.store.view(), |height| inner.store.view_at(height))?;
        let base = Committed::new(view);
        let exported = {
            let mut overlay = Overlay::new(&base);
            let block = consensus::last(&Ctx::new(&mut overlay, &unknown, &gas, &inner.router))?;
            let ctx = Ctx::new(&mut overlay, &block, &gas, &inner.router);
            let (params, validators, app_state) = (consensus::params(&ctx)?, elected(&ctx)?, inner.exported(&ctx)?);
            Exported { block, params, validators, app_state }
        };
        base.check()?;
        Ok(exported)
    }

    /// Checks every module's invariants on the newest state. For tests and tools: it reads everything.
    ///
    /// # Errors
    /// The first that is broken, by module and name.
    pub fn check_invariants(&self) -> Result<(), Fault> {
        let tip = self.0.need_tip()?;
        self.0.read(&tip.block, |ctx| {
            for module in &self.0.modules {
                for (name, holds) in module.invariants() {
                    holds(ctx).map_err(|e| Fault::Broken(format!("{}: {name}: {e}", module.name())))?;
                }
            }
            Ok(())
        })
    }
}

/// A state from which a chain can start.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The block after which it stands.
    pub block: BlockInfo,
    /// What blocks may hold.
    pub params: ConsensusParams,
    /// Who validates.
    pub validators: Vec<Elected>,
    /// The modules' parts.
    pub app_state: Value,
}

/// What a genesis file holds: a part for each module, and the transactions that it brings, encoded.
struct Parts {
    modules: Vec<Vec<u8>>,
    txs: Vec<Bytes>,
}

/// The entry of the file whose transactions are delivered at its beginning.
const GENESIS_TXS: &str = "genutil";

impl Inner {
    /// Every module's part of a genesis file, of the state in `ctx`.
    fn exported(&self, ctx: &Ctx) -> Result<Value, Fault> {
        let mut parts = Map::new();
        for module in &self.modules {
            let part = self.dialect.encode_bytes(&module.genesis_type(), &module.export(ctx)?);
            parts.insert(module.name().to_owned(), part.map_err(|e| Fault::Genesis(format!("{}: {e}", module.name())))?);
        }
        Ok(Value::Object(parts))
    }

    /// Writes the state of `genesis`; gives what is wrong with it, and then the state is worth nothing.
    fn fill(&self, ctx: &mut Ctx, genesis: &Genesis) -> Vec<String> {
        let Parts { modules, txs } = match self.parts(&genesis.app_state) {
            Ok(found) => found,
            Err(faults) => return faults,
        };
        let mut faults = vec![];
        for (module, part) in self.modules.iter().zip(modules) {
            if let Err(e) = contained(|| ctx.atomic(|ctx| module.init(ctx, &part))) {
                faults.push(format!("{}: {e}", module.name()));
            }
        }
        for (place, tx) in txs.iter().enumerate() {
            let block_gas = consensus::Limits::of(&genesis.params).gas;
            let done = self.decode(tx, block_gas).map(|tx| self.run(ctx, &tx, &Gas::unlimited(), Mode::Genesis));
            if let Err(e) = done.unwrap_or_else(|refused| refused).result {
                faults.push(format!("{GENESIS_TXS}.gen_txs[{place}]: {e}"));
            }
        }
        let settled = contained(|| {
            if !txs.is_empty() {
                cairn_staking::begin(ctx)?;
            }
            cairn_upgrade::begin(ctx, &versions(&self.modules, &self.settings.upgrades))
        });
        faults.extend(settled.err().map(|e| e.to_string()));
        if faults.is_empty() {
            faults.extend(same_validators(ctx, &genesis.validators).err());
        }
        // What the beginning emits is in no block.
        drop(ctx.take_events());
        faults
    }

    /// Each module's part as the bytes of its genesis message, what the module starts with by itself where the file has none; and the
    /// transactions that the file brings, encoded.
    fn parts(&self, app_state: &[u8]) -> Result<Parts, Vec<String>> {
        let mut parts: Map<String, Value> = match serde_json::from_slice(app_state) {
            Ok(Value::Object(parts)) => parts,
            Ok(_) => return Err(vec!["app_state must be an object with an entry for each module".into()]),
            Err(e) => return Err(vec![format!("app_state is not JSON: {e}")]),
        };
        let (mut found, mut faults) = (vec![], vec![]);
        for module in &self.modules {
            let Some(part) = parts.remove(module.name()) else {
                found.push(module.default_genesis());
                continue;
            };
            match self.dialect.decode_bytes(&module.genesis_type(), &part) {
                Ok(bytes) => found.push(bytes),
                Err(e) => faults.push(format!("app_state.{}: {e}", module.name())),
            }
        }
        let txs = parts.remove(GENESIS_TXS).map(|part| self.genesis_txs(&part)).transpose();
        let txs = txs.unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        faults.extend(parts.keys().map(|unknown| format!("app_state.{unknown}: there is no such module")));
        if faults.is_empty() { Ok(Parts { modules: found, txs: txs.unwrap_or_default() }) } else { Err(faults) }
    }

    /// The transactions of `{"gen_txs": [..]}`, as they were signed: whoever signs in `SIGN_MODE_DIRECT` signs this encoding.
    fn genesis_txs(&self, part: &Value) -> Result<Vec<Bytes>, String> {
        let known = part.as_object().filter(|fields| fields.keys().all(|name| name == "gen_txs")).and_then(|fields| fields.get("gen_txs"));
        let list = known.and_then(Value::as_array).ok_or_else(|| format!("app_state.{GENESIS_TXS}: expected a list gen_txs alone"))?;
        let encode = |(place, tx): (usize, &Value)| {
            let bytes =
                self.dialect.decode_bytes(&CosmosTx::full_name(), tx).map_err(|e| format!("app_state.{GENESIS_TXS}.gen_txs[{place}]: {e}"));
            bytes.map(Bytes::from)
        };
        list.iter().enumerate().map(encode).collect()
    }
}

fn elected(ctx: &Ctx) -> Result<Vec<Elected>, Fault> {
    let of = |power: cairn_staking::Power| {
        let record = cairn_staking::validator(ctx, &power.operator)?.ok_or_else(|| sdk::not_found("a validator of the set"))?;
        let key = cairn_staking::consensus_key(&record)?.to_vec();
        Ok(Elected { moniker: record.description.unwrap_or_default().moniker, key, power: power.power })
    };
    Ok(cairn_staking::powers(ctx)?.into_iter().map(of).collect::<cairn_kernel::Result<_>>()?)
}

/// CometBFT and staking must agree on who validates, or nobody's vote would count as staking says. A file that names nobody leaves it to
/// staking. That the beacon agrees is for the beacon to see to.
fn same_validators(ctx: &Ctx, consensus: &[Validator]) -> Result<(), String> {
    let mut theirs = consensus.to_vec();
    let ours = cairn_staking::powers(ctx).map_err(|e| e.to_string())?.into_iter();
    let mut ours: Vec<_> = ours.map(|v| Validator { address: v.consensus.as_bytes().to_vec(), power: v.power }).collect();
    theirs.sort();
    ours.sort();
    if ours.is_empty() {
        return Err("nobody validates: add a validator by 'cairnd genesis gentx' and 'collect'".to_owned());
    }
    if ours == theirs || theirs.is_empty() {
        return Ok(());
    }
    let show = |list: &[Validator]| {
        let each: Vec<_> = list.iter().map(|v| format!("{}:{}", hex::encode_upper(&v.address), v.power)).collect();
        each.join(", ")
    };
    let (theirs, ours) = (show(&theirs), show(&ours));
    Err(format!("app_state.staking must elect the file's validators [{theirs}], found [{ours}]"))
}
