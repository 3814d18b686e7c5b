//! Queries of committed state, at any height that is kept, and simulation.
use bytes::Bytes;
use cairn_kernel::{Ctx, Error, Gas, Overlay, Status, sdk};
use cairn_proto::cosmos::{
    base::abci::v1beta1::{GasInfo, Result as TxResult, TxMsgData},
    tx::v1beta1::{SimulateRequest, SimulateResponse, TxRaw},
};
use cairn_store::{ProofOp, View};
use prost::Message;

use super::{App, Fault, Inner, Outcome, committed::Committed, consensus, run::contained};
use crate::{ante::Mode, api::Answer};

/// The one query that runs a transaction.
pub(super) const SIMULATE: &str = "/cosmos.tx.v1beta1.Service/Simulate";

/// What a key of state holds.
#[derive(Debug, Clone)]
pub struct StoreAnswer {
    /// The value; empty if the key holds nothing.
    pub value: Vec<u8>,
    /// The height of the state that was read. The proof holds against the app hash in the header one above.
    pub height: u64,
    /// From the store's tree to the app hash, if it was asked for.
    pub proof: Vec<ProofOp>,
}

impl App {
    /// What `key` of the store `store` holds, with its ICS-23 proof if `prove`.
    ///
    /// # Errors
    /// Invalid height (26) for one that is not kept, invalid request (18) for a name or key that cannot be.
    pub fn store_value(&self, store: &str, key: &[u8], height: Option<u64>, prove: bool) -> Result<StoreAnswer, Error> {
        let _pass = self.0.gate.enter()?;
        let named = |code: u32, log: String| Error { codespace: "store", code, log, status: Status::InvalidArgument };
        if key.is_empty() {
            return Err(named(3, "query cannot be zero length: tx parse error".to_owned()));
        }
        if !self.has_store(store) {
            let shown: String = store.chars().take(64).collect();
            return Err(named(4, format!("no such store: {shown}: unknown request")));
        }
        let view = self.0.view(height)?;
        let height = view.version().map_err(unreadable)?.map_or(0, |v| v.height);
        let key = [store.as_bytes(), b"/", key].concat();
        let refuse = |e| match e {
            cairn_store::Error::Key(_) => sdk::invalid_request(format!("{store:?} with this key cannot be in a store")),
            other => unreadable(other),
        };
        if prove {
            let proof = view.prove(&key).map_err(refuse)?;
            return Ok(StoreAnswer { value: proof.value.unwrap_or_default(), height, proof: proof.ops });
        }
        let value = view.read(&key).map_err(refuse)?;
        Ok(StoreAnswer { value: value.unwrap_or_default(), height, proof: vec![] })
    }

    /// Whether any key of state is in a store of this name.
    fn has_store(&self, name: &str) -> bool {
        let of_modules = self.0.modules.iter().flat_map(|m| m.tables());
        let mut tables = of_modules.chain(consensus::TABLES);
        tables.any(|t| t.prefix.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"/")))
    }

    /// Whether [`crate::api::Chain::query`] has an answer to `path`.
    #[must_use]
    pub fn answers(&self, path: &str) -> bool {
        path == SIMULATE || self.0.router.query_paths().any(|p| p == path)
    }
}

impl Inner {
    pub(super) fn query(&self, path: &str, data: &[u8], height: Option<u64>) -> Result<Answer, Error> {
        if path == SIMULATE {
            return self.simulate_request(data);
        }
        let pass = self.gate.enter()?;
        let base = Committed::until(self.view(height)?, pass.deadline());
        let gas = Gas::new(self.settings.query_gas);
        let answer = contained(|| {
            let mut overlay = Overlay::new(&base);
            let block = {
                let (unlimited, unknown) = (Gas::unlimited(), Default::default());
                consensus::last(&Ctx::new(&mut overlay, &unknown, &unlimited, &self.router))?
            };
            let value = self.router.query(&Ctx::new(&mut overlay, &block, &gas, &self.router), path, data)?;
            Ok(Answer { value, height: block.height })
        });
        if base.is_late() {
            return Err(pass.late());
        }
        base.check().map_err(internal)?;
        answer
    }

    /// The state after `height`, or the newest.
    fn view(&self, height: Option<u64>) -> Result<View<'_>, Error> {
        let newest = self.store.latest().ok_or_else(|| sdk::invalid_height("the chain is not ready; please wait for first block"))?;
        let asked = match height {
            None | Some(0) => return self.store.view().map_err(unreadable),
            Some(height) => height,
        };
        if asked > newest.height {
            return Err(sdk::invalid_height("cannot query with height in the future; please provide a valid height"));
        }
        self.store.view_at(asked).map_err(|e| match e {
            cairn_store::Error::Pruned { oldest, .. } => sdk::invalid_height(format!(
                "failed to load state at height {asked}; it is pruned (oldest height: {oldest}, latest height: {})",
                newest.height
            )),
            other => unreadable(other),
        })
    }

    fn simulate_request(&self, data: &[u8]) -> Result<Answer, Error> {
        let request = SimulateRequest::decode(data).map_err(|e| sdk::invalid_request(e.to_string()))?;
        #[allow(deprecated, reason = "older clients send the decoded transaction")]
        let bytes = match request.tx {
            Some(tx) if request.tx_bytes.is_empty() => TxRaw {
                body_bytes: tx.body.map(|b| b.encode_to_vec()).unwrap_or_default(),
                auth_info_bytes: tx.auth_info.map(|a| a.encode_to_vec()).unwrap_or_default(),
                signatures: tx.signatures,
            }
            .encode_to_vec(),
            _ => request.tx_bytes,
        };
        if bytes.is_empty() {
            return Err(sdk::invalid_request("empty txBytes is not allowed"));
        }
        let value = self.simulate(&bytes)?;
        Ok(Answer { value, height: self.store.latest().map_or(0, |v| v.height) })
    }

    /// Runs a transaction as the next block would and drops what it wrote.
    pub(super) fn simulate(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let tip = self.need_tip().map_err(internal)?;
        let tx = self.decoder.decode(&Bytes::copy_from_slice(bytes)).map_err(|e| with_gas(e, 0))?;
        let pass = self.gate.enter()?;
        let base = Committed::until(self.view(None)?, pass.deadline());
        let (block, gas) = (tip.next(), Gas::new(self.settings.query_gas));
        let outcome = {
            let mut overlay = Overlay::new(&base);
            let mut ctx = Ctx::new(&mut overlay, &block, &gas, &self.router);
            self.run(&mut ctx, &tx, &gas, Mode::Simulate)
        };
        if base.is_late() {
            return Err(pass.late());
        }
        base.check().map_err(internal)?;
        self.simulated(outcome)
    }

    fn simulated(&self, outcome: Outcome) -> Result<Vec<u8>, Error> {
        let Outcome { result, gas_wanted, gas_used, events } = outcome;
        let data = result.map_err(|e| with_gas(e, gas_used))?;
        let responses = TxMsgData::decode(&*data).map_err(|e| internal(e.to_string()))?.msg_responses;
        let events = events.iter().map(|e| {
            // The same message under two names: tendermint-proto's for ABCI, ours for the API.
            let bytes = prost::Message::encode_to_vec(&e.to_abci(self.dialect));
            cairn_proto::tendermint::abci::Event::decode(&*bytes).map_err(|e| internal(e.to_string()))
        });
        let result = TxResult { events: events.collect::<Result<_, _>>()?, msg_responses: responses, ..TxResult::default() };
        Ok(SimulateResponse { gas_info: Some(GasInfo { gas_wanted, gas_used }), result: Some(result) }.encode_to_vec())
    }
}

/// The refusal of a simulation, in the form that clients show.
fn with_gas(error: Error, used: u64) -> Error {
    Error { log: format!("{} with gas used: '{used}'", error.log), status: Status::Unknown, ..error }
}

fn unreadable(error: cairn_store::Error) -> Error {
    internal(Fault::Store(error))
}

/// The node's fault, not the asker's.
fn internal(error: impl std::fmt::Display) -> Error {
    tracing::error!(target: "query", %error, "a query could not be answered");
    Error { codespace: "sdk", code: 35, log: format!("{error}: internal logic error"), status: Status::Internal }
}
