//! A chain in a temporary folder with a few wallets, run block by block as consensus would.
use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use cairn_app::{App, Block, Emitted, Finalized, Genesis, Outcome, Settings, Validator, api::Chain};
use cairn_beacon::vrf::SecretKey;
use cairn_kernel::{Address, Payload};
use cairn_proto::{
    Any,
    cosmos::{
        auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse},
        bank::v1beta1::{MsgSend, QueryBalanceRequest, QueryBalanceResponse},
        base::v1beta1::Coin,
        crypto::secp256k1::PubKey,
        tx::{
            signing::v1beta1::SignMode,
            v1beta1::{AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw, mode_info},
        },
    },
    pack,
    tendermint::types::{BlockParams, ConsensusParams},
    unpack,
};
use k256::ecdsa::{Signature, SigningKey, signature::Signer};
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) const CHAIN_ID: &str = "cairn-it-1";
/// What each wallet holds at genesis.
pub(crate) const FUNDS: u128 = 1_000_000_000;
pub(crate) const MAX_BYTES: u64 = 1_000_000;
pub(crate) const MAX_GAS: u64 = 20_000_000;

/// An account's key, and what its next signature needs.
#[derive(Clone)]
pub(crate) struct Wallet {
    pub(crate) key: SigningKey,
    pub(crate) address: Address,
    pub(crate) number: u64,
    pub(crate) sequence: u64,
}

impl Wallet {
    pub(crate) fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).unwrap();
        let public: [u8; 33] = key.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap();
        Self { key, address: Address::from_secp256k1(&public), number: 0, sequence: 0 }
    }
    pub(crate) fn public(&self) -> Any {
        pack(&PubKey { key: self.key.verifying_key().to_encoded_point(true).as_bytes().to_vec() })
    }
    pub(crate) fn sign(&self, document: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(document);
        signature.to_bytes().to_vec()
    }
}

/// A transaction to be signed; the tests change what they are about.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) body: TxBody,
    pub(crate) fee: Fee,
    pub(crate) mode: SignMode,
    pub(crate) chain_id: String,
}

impl Draft {
    pub(crate) fn of(messages: Vec<Any>) -> Self {
        let fee = Fee { amount: vec![coin(1_000)], gas_limit: 200_000, ..Fee::default() };
        Self { body: TxBody { messages, ..TxBody::default() }, fee, mode: SignMode::Direct, chain_id: CHAIN_ID.into() }
    }
    pub(crate) fn gas(mut self, gas: u64) -> Self {
        self.fee.gas_limit = gas;
        self
    }
    pub(crate) fn auth(&self, wallets: &[&Wallet]) -> AuthInfo {
        let single = mode_info::Single { mode: self.mode.into() };
        let mode = ModeInfo { sum: Some(mode_info::Sum::Single(single)) };
        let info = |w: &&Wallet| SignerInfo { public_key: Some(w.public()), mode_info: Some(mode.clone()), sequence: w.sequence };
        AuthInfo { signer_infos: wallets.iter().map(info).collect(), fee: Some(self.fee.clone()), ..AuthInfo::default() }
    }
    /// Signed by `wallets` over exactly these bytes.
    pub(crate) fn seal(&self, auth: &AuthInfo, wallets: &[&Wallet]) -> TxRaw {
        let (body_bytes, auth_info_bytes) = (self.body.encode_to_vec(), auth.encode_to_vec());
        let sign = |w: &&Wallet| {
            let doc = SignDoc {
                body_bytes: body_bytes.clone(),
                auth_info_bytes: auth_info_bytes.clone(),
                chain_id: self.chain_id.clone(),
                account_number: w.number,
            };
            w.sign(&doc.encode_to_vec())
        };
        let signatures = wallets.iter().map(sign).collect();
        TxRaw { body_bytes, auth_info_bytes, signatures }
    }
    pub(crate) fn sign(&self, wallets: &[&Wallet]) -> Bytes {
        self.seal(&self.auth(wallets), wallets).encode_to_vec().into()
    }
}

pub(crate) fn coin(amount: u128) -> Coin {
    Coin { denom: "ucairn".into(), amount: amount.to_string() }
}

pub(crate) fn send(from: &Wallet, to: &Address, amount: u128) -> Any {
    pack(&MsgSend { from_address: from.address.to_string(), to_address: to.to_string(), amount: vec![coin(amount)] })
}

/// A signed transfer with the wallet's next sequence, which it uses up.
pub(crate) fn transfer(from: &mut Wallet, to: &Address, amount: u128) -> Bytes {
    let tx = Draft::of(vec![send(from, to, amount)]).sign(&[from]);
    from.sequence += 1;
    tx
}

/// A chain with its wallets.
pub(crate) struct Net {
    pub(crate) app: App,
    pub(crate) wallets: Vec<Wallet>,
    folder: tempfile::TempDir,
    validator: u8,
}

impl Net {
    pub(crate) fn new() -> Self {
        Self::with(&genesis())
    }
    pub(crate) fn with(genesis: &Genesis) -> Self {
        Self::of(1, genesis)
    }
    /// The node of the validator with this number.
    pub(crate) fn of(validator: u8, genesis: &Genesis) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = open(folder.path(), validator);
        Self::over(app, folder, validator, genesis)
    }
    /// Over an app that is open in `folder`.
    pub(crate) fn over(app: App, folder: tempfile::TempDir, validator: u8, genesis: &Genesis) -> Self {
        app.init_chain(genesis).unwrap();
        let wallets = wallets().into_iter().zip(1..).map(|(w, number)| Wallet { number, ..w }).collect();
        Self { app, wallets, folder, validator }
    }
    /// As after a crash: what was in memory is gone.
    pub(crate) fn restart(self) -> Self {
        let Self { app, wallets, folder, validator } = self;
        drop(app);
        Self { app: open(folder.path(), validator), wallets, folder, validator }
    }
    /// The block that consensus would ask about next.
    pub(crate) fn block(&self, txs: Vec<Bytes>) -> Block {
        let height = self.app.height() + 1;
        Block { height, time: 1_700_000_000 + height, nanos: 5, proposer: consensus_address(self.validator), txs, ..Block::default() }
    }
    /// The block that this node proposes from a mempool.
    pub(crate) fn propose(&self, mempool: Vec<Bytes>) -> Block {
        let txs = self.app.prepare_proposal(&self.block(mempool), MAX_BYTES).unwrap();
        self.block(txs)
    }
    /// Votes on, executes and commits a block; invariants must hold.
    pub(crate) fn decide(&mut self, block: &Block) -> Finalized {
        self.app.process_proposal(block).unwrap().expect("accepted");
        self.apply(block)
    }
    /// Executes and commits a block that nobody voted on.
    pub(crate) fn apply(&mut self, block: &Block) -> Finalized {
        let done = self.app.finalize_block(block).unwrap();
        assert_eq!(done.outcomes.len(), block.txs.len());
        self.app.commit().unwrap();
        assert_eq!(self.app.latest().unwrap().app_hash.to_vec(), done.app_hash);
        self.app.check_invariants().unwrap();
        done
    }
    /// One block of `txs`, which the proposal must take; the outcomes without the reveal's.
    pub(crate) fn run(&mut self, txs: Vec<Bytes>) -> Vec<Outcome> {
        let count = txs.len();
        let block = self.propose(txs);
        assert_eq!(block.txs.len(), count + 1, "the proposal drops nothing");
        let mut outcomes = self.decide(&block).outcomes;
        assert_eq!(outcomes.remove(0).code(), 0, "the reveal is valid");
        outcomes
    }
    pub(crate) fn ask<Q: Message, R: Message + Default>(&self, path: &str, query: &Q) -> R {
        R::decode(&*self.app.query(path, &query.encode_to_vec(), None).unwrap().value).unwrap()
    }
    pub(crate) fn balance(&self, address: &Address) -> u128 {
        let query = QueryBalanceRequest { address: address.to_string(), denom: "ucairn".into() };
        let found: QueryBalanceResponse = self.ask("/cosmos.bank.v1beta1.Query/Balance", &query);
        found.balance.unwrap().amount.parse().unwrap()
    }
    pub(crate) fn account(&self, address: &Address) -> BaseAccount {
        let query = QueryAccountRequest { address: address.to_string() };
        let found: QueryAccountResponse = self.ask("/cosmos.auth.v1beta1.Query/Account", &query);
        unpack(&found.account.unwrap()).unwrap()
    }
}

pub(crate) fn open(folder: &Path, validator: u8) -> App {
    let settings = Settings { beacon_keys: vrf_key(validator).into(), ..Settings::default() };
    App::open(folder, settings).unwrap()
}

pub(crate) fn vrf_key(validator: u8) -> SecretKey {
    SecretKey::from_seed(&[validator; 32])
}

/// The consensus key of the validator with this number.
pub(crate) fn consensus_key(validator: u8) -> [u8; 32] {
    [8 + validator; 32]
}

/// The consensus address of the validator with this number.
pub(crate) fn consensus_address(validator: u8) -> Vec<u8> {
    Sha256::digest(consensus_key(validator)).iter().copied().take(20).collect()
}

/// A genesis with so many validators of equal power.
pub(crate) fn genesis_of(validators: u8) -> Genesis {
    let state = app_state_of(validators);
    let validators = (1..=validators).map(|v| Validator { address: consensus_address(v), power: 10 }).collect();
    Genesis { validators, app_state: state.to_string().into_bytes(), ..genesis() }
}

fn wallets() -> Vec<Wallet> {
    (1..=5).map(Wallet::new).collect()
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        chain_id: CHAIN_ID.into(),
        time: 1_700_000_000,
        nanos: 0,
        initial_height: 1,
        params: ConsensusParams {
            block: Some(BlockParams { max_bytes: i64::try_from(MAX_BYTES).unwrap(), max_gas: i64::try_from(MAX_GAS).unwrap() }),
            ..ConsensusParams::default()
        },
        validators: vec![Validator { address: consensus_address(1), power: 10 }],
        app_state: app_state().to_string().into_bytes(),
    }
}

/// The modules' parts for one validator. Wallets have the account numbers 1, 2, ... in their order.
pub(crate) fn app_state() -> Value {
    app_state_of(1)
}

/// A validator's record and the delegation of 10 CAIRN behind it, by an account that nobody holds.
fn staked(validator: u8) -> (Value, Value) {
    let operator = Address::new(&consensus_address(validator)).unwrap();
    let name = operator.to_bech32("cairnvaloper");
    let (rate, epoch) = ("0.100000000000000000", "1970-01-01T00:00:00Z");
    let shares = "10000000.000000000000000000";
    let record = json!({
        "operator_address": name, "status": "BOND_STATUS_BONDED", "tokens": "10000000", "delegator_shares": shares,
        "consensus_pubkey": { "@type": "/cosmos.crypto.ed25519.PubKey", "key": BASE64.encode(consensus_key(validator)) },
        "description": { "moniker": format!("validator {validator}") }, "unbonding_time": epoch, "min_self_delegation": "1",
        "commission": {
            "commission_rates": { "rate": rate, "max_rate": rate, "max_change_rate": rate }, "update_time": epoch,
        },
    });
    (record, json!({ "delegator_address": operator.to_string(), "validator_address": name, "shares": shares }))
}

/// What wallets begin with, and what is staked for validators.
pub(crate) fn balances(wallets: &[Wallet], validators: u8) -> Vec<Value> {
    let of = |address: Address, amount: u128| json!({ "address": address.to_string(), "coins": [{ "denom": "ucairn", "amount": amount.to_string() }] });
    let pool = of(Address::module("bonded_tokens_pool"), u128::from(validators) * 10_000_000);
    wallets.iter().map(|w| of(w.address, FUNDS)).chain([pool]).collect()
}

/// Mint's part with this inflation, that it stays at; without any, balances add up to what wallets began with.
pub(crate) fn mint(inflation: &str) -> Value {
    json!({
        "minter": { "inflation": inflation, "annual_provisions": "0.000000000000000000" },
        "params": {
            "mint_denom": "ucairn", "inflation_rate_change": "0.000000000000000000", "inflation_max": inflation,
            "inflation_min": inflation, "goal_bonded": "0.670000000000000000", "blocks_per_year": "1000",
        },
    })
}

fn app_state_of(validators: u8) -> Value {
    let account = |w: &Wallet| json!({ "@type": "/cosmos.auth.v1beta1.BaseAccount", "address": w.address.to_string() });
    let (records, delegations): (Vec<_>, Vec<_>) = (1..=validators).map(staked).unzip();
    let beacon = |v| {
        let (address, key) = (BASE64.encode(consensus_address(v)), BASE64.encode(vrf_key(v).public().as_bytes()));
        json!({ "address": address, "power": "10", "vrf_key": key })
    };
    json!({
        "auth": {
            "params": { "max_memo_characters": "256", "tx_sig_limit": "7", "tx_size_cost_per_byte": "10",
                        "sig_verify_cost_ed25519": "590", "sig_verify_cost_secp256k1": "1000" },
            "accounts": wallets().iter().map(account).collect::<Vec<_>>(),
        },
        "bank": {
            "params": { "default_send_enabled": true },
            "balances": balances(&wallets(), validators),
        },
        "staking": {
            "params": { "unbonding_time": "1814400s", "max_validators": 100, "max_entries": 7, "historical_entries": 10_000,
                        "bond_denom": "ucairn", "min_commission_rate": "0.000000000000000000" },
            "validators": records, "delegations": delegations,
        },
        "mint": mint("0.000000000000000000"),
        "beacon": {
            "params": { "quick_lag": "2", "weak_after": "1000", "epoch": "100" },
            "validators": (1..=validators).map(beacon).collect::<Vec<_>>(),
        },
    })
}

/// The kinds of raw events and their attributes, as `kind(key=value, ..)`; typed events by name.
pub(crate) fn shown(events: &[Emitted]) -> Vec<String> {
    let show = |e: &Emitted| match &e.event.payload {
        Payload::Typed(_) => e.event.kind.clone(),
        Payload::Raw(pairs) => {
            let pairs: Vec<_> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("{}({})", e.event.kind, pairs.join(", "))
        }
    };
    events.iter().map(show).collect()
}
