//! ABCI requests to calls of [`App`], and their results back. Decides nothing.
use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cairn_kernel::{Error, Infraction, Vote};
use prost::Message;
use sha2::{Digest, Sha256};
use tendermint_abci::Application;
use tendermint_proto::{
    google::protobuf::Timestamp,
    v0_38::{
        abci::{
            ExecTxResult, Misbehavior, MisbehaviorType, RequestApplySnapshotChunk, RequestCheckTx, RequestFinalizeBlock, RequestInfo,
            RequestInitChain, RequestLoadSnapshotChunk, RequestOfferSnapshot, RequestPrepareProposal, RequestProcessProposal, RequestQuery,
            ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseFinalizeBlock, ResponseInfo, ResponseInitChain,
            ResponseListSnapshots, ResponseLoadSnapshotChunk, ResponseOfferSnapshot, ResponsePrepareProposal, ResponseProcessProposal,
            ResponseQuery, ValidatorUpdate, VoteInfo, response_process_proposal::ProposalStatus,
        },
        crypto::{PublicKey, public_key::Sum},
        types::{BlockIdFlag, ConsensusParams},
    },
};

use super::snapshots;
use crate::{
    Exit, Shutdown,
    api::{Services, json::Dialect},
    app::{APP_VERSION, App, Block, Elected, Fault, Genesis, Outcome, Validator},
    parallel::map_parts,
};

/// How long a node that another program must follow still answers.
const UPGRADE_GRACE: Duration = Duration::from_secs(5);

/// The node behind its ABCI socket. A fault of the state machine stops it: CometBFT is told by an Exception and by silence,
/// never by a made-up answer.
#[derive(Clone)]
pub struct Node {
    app: App,
    shutdown: Shutdown,
    services: Option<Arc<Services>>,
}

impl Node {
    /// Over `app`; a fault is told to `shutdown`.
    #[must_use]
    pub fn new(app: App, shutdown: Shutdown) -> Self {
        Self { app, shutdown, services: None }
    }
    /// The node that answers ABCI `Query` for these services too.
    #[must_use]
    pub fn serving(self, services: Services) -> Self {
        Self { services: Some(Arc::new(services)), ..self }
    }

    /// The value, or an empty response that the server will not send, because the node stops.
    fn or_stop<T: Default>(&self, method: &str, result: Result<T, Fault>) -> T {
        result.unwrap_or_else(|fault| {
            self.shutdown.fail_as(Exit::of_fault(&fault), format!("{method}: {fault}"));
            T::default()
        })
    }

    /// A supervisor that finds the upgrade written down asks this node for its height before it replaces it: queries and CometBFT are still
    /// answered for a while, the block is not.
    fn linger(&self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Its error says that the time is over.
            drop(runtime.block_on(tokio::time::timeout(UPGRADE_GRACE, self.shutdown.requested())));
        }
    }

    fn finalize(&self, r: RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, Fault> {
        let done = self.app.finalize_block(&decided(r))?;
        let dialect = Dialect::cairn();
        Ok(ResponseFinalizeBlock {
            events: done.events.iter().map(|e| e.to_abci(dialect)).collect(),
            tx_results: map_parts(&done.outcomes, |part| part.iter().map(|o| exec_result(o, dialect)).collect()),
            app_hash: done.app_hash.into(),
            validator_updates: done.validators.iter().map(validator_update).collect::<Result<_, _>>()?,
            consensus_param_updates: done.params.as_ref().map(param_updates).transpose()?,
        })
    }

    fn check(&self, r: &RequestCheckTx) -> Result<ResponseCheckTx, Fault> {
        let outcome = self.app.check_tx(&r.tx)?;
        let (gas_wanted, gas_used) = (signed(outcome.gas_wanted), signed(outcome.gas_used));
        let (code, codespace, log) = refusal(outcome.result.as_ref().err());
        Ok(ResponseCheckTx { code, codespace, log, gas_wanted, gas_used, ..Default::default() })
    }

    fn prepare(&self, r: RequestPrepareProposal) -> Result<ResponsePrepareProposal, Fault> {
        let block = block(r.height, r.time, &r.proposer_address, r.txs);
        Ok(ResponsePrepareProposal { txs: self.app.prepare_proposal(&block, unsigned(r.max_tx_bytes))? })
    }

    fn process(&self, r: RequestProcessProposal) -> Result<ResponseProcessProposal, Fault> {
        let block = block(r.height, r.time, &r.proposer_address, r.txs);
        let status = match self.app.process_proposal(&block)? {
            Ok(()) => ProposalStatus::Accept,
            Err(why) => {
                tracing::warn!(target: "consensus", height = block.height, %why, "a proposal is refused");
                ProposalStatus::Reject
            }
        };
        Ok(ResponseProcessProposal { status: status.into() })
    }
}

impl Application for Node {
    fn info(&self, _: RequestInfo) -> ResponseInfo {
        let latest = self.app.latest();
        ResponseInfo {
            data: "cairn".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            app_version: APP_VERSION,
            last_block_height: latest.map_or(0, |v| signed(v.height)),
            last_block_app_hash: latest.map_or_else(Bytes::new, |v| v.app_hash.to_vec().into()),
        }
    }

    fn init_chain(&self, r: RequestInitChain) -> ResponseInitChain {
        let begun = genesis(r).and_then(|genesis| {
            let app_hash = self.app.init_chain(&genesis)?.into();
            // A file that names no validators leaves them to the state.
            let elected = if genesis.validators.is_empty() { self.app.validators()? } else { vec![] };
            Ok(ResponseInitChain { app_hash, validators: elected.into_iter().map(first_validator).collect(), ..Default::default() })
        });
        self.or_stop("InitChain", begun)
    }

    fn check_tx(&self, r: RequestCheckTx) -> ResponseCheckTx {
        self.or_stop("CheckTx", self.check(&r))
    }

    fn prepare_proposal(&self, r: RequestPrepareProposal) -> ResponsePrepareProposal {
        self.or_stop("PrepareProposal", self.prepare(r))
    }

    fn process_proposal(&self, r: RequestProcessProposal) -> ResponseProcessProposal {
        self.or_stop("ProcessProposal", self.process(r))
    }

    fn finalize_block(&self, r: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        let done = self.finalize(r);
        if let Err(fault @ Fault::UpgradeNeeded { .. }) = &done {
            tracing::error!(target: "consensus", "{fault}");
            self.linger();
        }
        self.or_stop("FinalizeBlock", done)
    }

    fn commit(&self) -> ResponseCommit {
        let retain_height = self.or_stop("Commit", self.app.commit().and_then(|()| self.app.retain_height()));
        ResponseCommit { retain_height: signed(retain_height) }
    }

    fn list_snapshots(&self) -> ResponseListSnapshots {
        snapshots::list(&self.app)
    }

    fn offer_snapshot(&self, r: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        self.or_stop("OfferSnapshot", snapshots::offer(&self.app, &r))
    }

    fn load_snapshot_chunk(&self, r: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        snapshots::load(&self.app, &r)
    }

    fn apply_snapshot_chunk(&self, r: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        self.or_stop("ApplySnapshotChunk", snapshots::apply(&self.app, &r))
    }

    fn query(&self, r: RequestQuery) -> ResponseQuery {
        super::query::answer(&self.app, self.services.as_deref(), &r)
    }
}

fn block(height: i64, time: Option<Timestamp>, proposer: &[u8], txs: Vec<Bytes>) -> Block {
    let (time, nanos) = moment(time);
    Block { height: unsigned(height), time, nanos, proposer: proposer.to_vec(), txs, ..Block::default() }
}

/// A decided block, with what consensus says of validators.
fn decided(r: RequestFinalizeBlock) -> Block {
    let vote = |v: &VoteInfo| {
        let of = v.validator.clone().unwrap_or_default();
        Vote { validator: of.address.to_vec(), power: unsigned(of.power), present: v.block_id_flag() != BlockIdFlag::Absent }
    };
    let infraction = |m: &Misbehavior| {
        let (of, (time, nanos)) = (m.validator.clone().unwrap_or_default(), moment(m.time));
        Infraction { validator: of.address.to_vec(), power: unsigned(of.power), height: unsigned(m.height), time, nanos }
    };
    let known = |m: &&Misbehavior| m.r#type() != MisbehaviorType::Unknown;
    Block {
        next_validators_hash: r.next_validators_hash.to_vec(),
        votes: r.decided_last_commit.iter().flat_map(|commit| &commit.votes).map(vote).collect(),
        misbehavior: r.misbehavior.iter().filter(known).map(infraction).collect(),
        ..block(r.height, r.time, &r.proposer_address, r.txs)
    }
}

fn first_validator(v: Elected) -> ValidatorUpdate {
    ValidatorUpdate { pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(v.key)) }), power: signed(v.power) }
}

/// The same message under two names: ours and tendermint-proto's.
fn validator_update(update: &cairn_proto::tendermint::abci::ValidatorUpdate) -> Result<ValidatorUpdate, Fault> {
    let bytes = update.encode_to_vec();
    ValidatorUpdate::decode(&*bytes).map_err(|e| Fault::Genesis(format!("a validator update: {e}")))
}

/// The same message under two names: ours and tendermint-proto's. The version stays what CometBFT has: it goes with the program.
fn param_updates(params: &cairn_proto::tendermint::types::ConsensusParams) -> Result<ConsensusParams, Fault> {
    let params = ConsensusParams::decode(&*params.encode_to_vec()).map_err(|e| Fault::Genesis(format!("consensus parameters: {e}")))?;
    Ok(ConsensusParams { version: None, ..params })
}

fn genesis(r: RequestInitChain) -> Result<Genesis, Fault> {
    let (time, nanos) = moment(r.time);
    // The same message under two names: tendermint-proto's and ours.
    let params = cairn_proto::tendermint::types::ConsensusParams::decode(&*r.consensus_params.unwrap_or_default().encode_to_vec());
    Ok(Genesis {
        chain_id: r.chain_id,
        time,
        nanos,
        initial_height: unsigned(r.initial_height),
        params: params.map_err(|e| Fault::Genesis(format!("consensus_params: {e}")))?,
        validators: r.validators.iter().map(validator).collect::<Result<_, _>>()?,
        app_state: r.app_state_bytes.to_vec(),
    })
}

/// The address that CometBFT will name a proposer by.
fn validator(v: &ValidatorUpdate) -> Result<Validator, Fault> {
    match v.pub_key.as_ref().and_then(|k| k.sum.as_ref()) {
        Some(Sum::Ed25519(key)) => {
            let address = Sha256::digest(key).iter().take(20).copied().collect();
            Ok(Validator { address, power: unsigned(v.power) })
        }
        _ => Err(Fault::Genesis("validators: expected ed25519 consensus keys".to_owned())),
    }
}

fn exec_result(outcome: &Outcome, dialect: &Dialect) -> ExecTxResult {
    let (code, codespace, log) = refusal(outcome.result.as_ref().err());
    ExecTxResult {
        code,
        codespace,
        log,
        data: outcome.result.as_ref().map_or_else(|_| Bytes::new(), |data| data.clone().into()),
        info: String::new(),
        gas_wanted: signed(outcome.gas_wanted),
        gas_used: signed(outcome.gas_used),
        events: outcome.events.iter().map(|e| e.to_abci(dialect)).collect(),
    }
}

fn refusal(error: Option<&Error>) -> (u32, String, String) {
    error.map_or_else(Default::default, |e| (e.code, e.codespace.to_owned(), e.log.clone()))
}

fn moment(time: Option<Timestamp>) -> (u64, u32) {
    let time = time.unwrap_or_default();
    (unsigned(time.seconds), u32::try_from(time.nanos).unwrap_or(0))
}

/// Heights, gas and times are never negative in ABCI but by its type.
fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
