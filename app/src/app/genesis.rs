//! The state before the first block, from the genesis file and back.
use cairn_kernel::{BlockInfo, Ctx, Gas, MemStore, Overlay};
use cairn_proto::tendermint::types::ConsensusParams;
use serde_json::{Map, Value};

use super::{App, Fault, Inner, consensus};

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

impl App {
    /// Makes the genesis state, in place of an earlier one: consensus asks again if a crash came before the first commit.
    /// Returns its app hash.
    ///
    /// # Errors
    /// [`Fault::Genesis`] with the entry that is refused; [`Fault::Store`] once a block is committed.
    pub fn init_chain(&self, genesis: &Genesis) -> Result<Vec<u8>, Fault> {
        let inner = &self.0;
        let parts = inner.parts(&genesis.app_state)?;
        let block = BlockInfo {
            height: genesis.initial_height.saturating_sub(1),
            time: genesis.time,
            nanos: genesis.nanos,
            chain_id: genesis.chain_id.clone(),
            ..BlockInfo::default()
        };
        let (nothing, gas) = (MemStore::default(), Gas::unlimited());
        let mut overlay = Overlay::new(&nothing);
        let mut ctx = Ctx::new(&mut overlay, &block, &gas, &inner.router);
        for (module, part) in inner.modules.iter().zip(parts) {
            module.init(&mut ctx, &part).map_err(|e| Fault::Genesis(format!("{}: {e}", module.name())))?;
        }
        same_validators(&ctx, &genesis.validators)?;
        consensus::set_params(&mut ctx, &genesis.params).map_err(|e| Fault::Genesis(format!("consensus_params: {}", e.log)))?;
        consensus::set_last(&mut ctx)?;
        let writes = overlay.into_writes();
        let version = inner.store.reset_genesis(&genesis.chain_id, genesis.initial_height.max(1), writes)?;
        inner.pending().take();
        inner.set_tip(inner.load_tip()?);
        Ok(version.app_hash.to_vec())
    }

    /// The modules' parts of a genesis file that starts a chain from the newest state.
    ///
    /// # Errors
    /// [`Fault`], if the state cannot be read.
    pub fn export(&self) -> Result<Value, Fault> {
        let inner = &self.0;
        let tip = inner.need_tip()?;
        inner.read(&tip.block, |ctx| {
            let mut parts = Map::new();
            for module in &inner.modules {
                let part = inner.dialect.encode_bytes(&module.genesis_type(), &module.export(ctx)?);
                parts.insert(module.name().to_owned(), part.map_err(|e| Fault::Genesis(format!("{}: {e}", module.name())))?);
            }
            Ok(Value::Object(parts))
        })
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

impl Inner {
    /// Each module's part as the bytes of its genesis message; what the module starts with by itself where the file has none.
    fn parts(&self, app_state: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        let refuse = |text: String| Fault::Genesis(text);
        let mut parts: Map<String, Value> = match serde_json::from_slice(app_state) {
            Ok(Value::Object(parts)) => parts,
            Ok(_) => return Err(refuse("app_state must be an object with an entry for each module".into())),
            Err(e) => return Err(refuse(format!("app_state is not JSON: {e}"))),
        };
        let mut out = vec![];
        for module in &self.modules {
            let Some(part) = parts.remove(module.name()) else {
                out.push(module.default_genesis());
                continue;
            };
            let bytes = self.dialect.decode_bytes(&module.genesis_type(), &part);
            out.push(bytes.map_err(|e| refuse(format!("app_state.{}: {e}", module.name())))?);
        }
        match parts.keys().next() {
            Some(unknown) => Err(refuse(format!("app_state.{unknown}: there is no such module"))),
            None => Ok(out),
        }
    }
}

/// CometBFT and staking must agree on who validates, or nobody's vote would count as staking says. That the beacon agrees is for the beacon to see
/// to.
fn same_validators(ctx: &Ctx, consensus: &[Validator]) -> Result<(), Fault> {
    let mut theirs = consensus.to_vec();
    let ours = cairn_staking::powers(ctx)?.into_iter();
    let mut ours: Vec<_> = ours.map(|v| Validator { address: v.consensus.as_bytes().to_vec(), power: v.power }).collect();
    theirs.sort();
    ours.sort();
    if ours == theirs {
        return Ok(());
    }
    let show = |list: &[Validator]| {
        let each: Vec<_> = list.iter().map(|v| format!("{}:{}", hex::encode_upper(&v.address), v.power)).collect();
        each.join(", ")
    };
    let (theirs, ours) = (show(&theirs), show(&ours));
    Err(Fault::Genesis(format!("app_state.staking must elect the file's validators [{theirs}], found [{ours}]")))
}
