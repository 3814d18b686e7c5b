//! Our chain and an unmodified `simd` side by side: the same messages by the same keys to both, and their answers compared with names in place
//! of addresses. Both are spoken to by REST alone, as any client would.
use std::{collections::BTreeMap, thread, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_driver::accounts::{Account, named};
use cairn_kernel::Address;
use cairn_proto::Any;
use cosmrs::{
    Coin,
    tx::{Body, Fee, SignDoc, SignerInfo},
};
use serde_json::{Value, json};

use crate::{
    Network, Options, Simd,
    simd::{self, Funded},
    until,
};

/// Who takes part. The first one operates both chains' validator.
pub const CAST: [&str; 7] = ["requester", "buyer", "faucet", "lazy", "random", "copier-a", "copier-b"];
/// What the validator of genesis stakes, in ucairn.
pub const BOND: u128 = 10_000_000;
/// What each transaction pays, in ucairn, and may use.
const FEE: u128 = 5_000;
const GAS: u64 = 900_000;
/// Fields that differ since blocks come at other moments.
const MASKED: [&str; 6] = ["creation_height", "completion_time", "unbonding_height", "unbonding_time", "update_time", "height"];

/// One of the two chains.
pub struct Side {
    /// Its name in messages of failure.
    pub name: &'static str,
    /// Its chain id.
    pub chain_id: String,
    /// CometBFT's RPC.
    pub rpc: String,
    rest: String,
    prefix: &'static str,
    accounts: BTreeMap<String, Account>,
    /// The consensus key of the validator that runs, base64.
    key: String,
    agent: ureq::Agent,
}

impl Side {
    fn new(name: &'static str, prefix: &'static str, chain_id: &str, [rpc, rest]: [String; 2], accounts: &[Account]) -> Self {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).http_status_as_error(false).build().into();
        let accounts = accounts.iter().map(|a| (a.name.clone(), a.clone())).collect();
        let mut side = Self { name, chain_id: chain_id.to_owned(), rpc, rest, prefix, accounts, key: String::new(), agent };
        let key = side.comet("/status")["validator_info"]["pub_key"]["value"].clone();
        key.as_str().expect("the key of a validator").clone_into(&mut side.key);
        side
    }
    fn account(&self, name: &str) -> &Account {
        self.accounts.get(name).unwrap_or_else(|| panic!("{name} takes no part"))
    }
    /// Whether this is our chain.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.prefix == "cairn"
    }
    /// The address behind a name.
    ///
    /// # Panics
    /// If nobody has that name.
    #[must_use]
    pub fn address(&self, name: &str) -> Address {
        self.account(name).parsed().expect("an address")
    }
    /// The account of a name, as this chain writes it.
    #[must_use]
    pub fn acc(&self, name: &str) -> String {
        self.address(name).to_bech32(self.prefix)
    }
    /// The validator that a name operates, as this chain writes it.
    #[must_use]
    pub fn val(&self, name: &str) -> String {
        self.address(name).to_bech32(&format!("{}valoper", self.prefix))
    }
    /// The answer of the REST door, whatever its status; `{acc:NAME}` and `{val:NAME}` in the path become addresses.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn ask(&self, path: &str) -> Value {
        let mut path = path.to_owned();
        for name in self.accounts.keys() {
            path = path.replace(&format!("{{acc:{name}}}"), &self.acc(name)).replace(&format!("{{val:{name}}}"), &self.val(name));
        }
        self.get(&format!("{}{path}", self.rest))
    }
    /// What CometBFT's RPC answers.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn comet(&self, path: &str) -> Value {
        self.get(&format!("{}{path}", self.rpc))["result"].clone()
    }
    fn get(&self, url: &str) -> Value {
        let answer = self.agent.get(url).call().and_then(|mut r| r.body_mut().read_to_string());
        let text = answer.unwrap_or_else(|e| panic!("{}: {url}: {e}", self.name));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {url}: {e}: {text}", self.name))
    }
    /// Posts JSON and gives the answer.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn post(&self, url: &str, body: &Value) -> Value {
        let sent = self.agent.post(url).header("content-type", "application/json").send(body.to_string());
        let text = sent.and_then(|mut r| r.body_mut().read_to_string()).unwrap_or_else(|e| panic!("{}: {url}: {e}", self.name));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {url}: {e}: {text}", self.name))
    }
    /// The last height.
    #[must_use]
    pub fn height(&self) -> u64 {
        let status = self.comet("/status");
        status["sync_info"]["latest_block_height"].as_str().and_then(|h| h.parse().ok()).expect("a height")
    }
    /// Waits until `done`.
    ///
    /// # Panics
    /// If it is not within two minutes.
    pub fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        until(&format!("{what}, {}", self.name), 120, 50, || done().then_some(()));
    }
    /// Signs `message` by the key of `name`, sends it and waits for its block. Gives the `tx_response`.
    ///
    /// # Panics
    /// If it is not taken into the mempool, or comes into no block.
    #[must_use]
    pub fn send(&self, name: &str, message: Any) -> Value {
        let tx = BASE64.encode(self.sign(name, message));
        let body = json!({ "tx_bytes": tx, "mode": "BROADCAST_MODE_SYNC" });
        let sent = self.post(&format!("{}/cosmos/tx/v1beta1/txs", self.rest), &body)["tx_response"].clone();
        if sent["code"] != 0 {
            return sent;
        }
        let path = format!("/cosmos/tx/v1beta1/txs/{}", sent["txhash"].as_str().expect("a hash"));
        let mut found = Value::Null;
        self.until("the transaction is in a block", || {
            found = self.ask(&path)["tx_response"].clone();
            found.is_object()
        });
        found
    }
    fn sign(&self, name: &str, message: Any) -> Vec<u8> {
        let known = self.ask(&format!("/cosmos/auth/v1beta1/accounts/{{acc:{name}}}"))["account"].clone();
        let number = |field: &str| known[field].as_str().and_then(|n| n.parse::<u64>().ok()).unwrap_or_else(|| panic!("{field}: {known}"));
        let key = self.account(name).key().expect("a key");
        let fee = Fee::from_amount_and_gas(Coin::new(FEE, "ucairn").expect("a coin"), GAS);
        let auth = SignerInfo::single_direct(Some(key.public_key()), number("sequence")).auth_info(fee);
        let id = self.chain_id.parse().expect("a chain id");
        let message = cosmrs::Any { type_url: message.type_url, value: message.value };
        let doc = SignDoc::new(&Body::new([message], "", 0_u32), &auth, &id, number("account_number")).expect("a document");
        doc.sign(&key).and_then(|tx| tx.to_bytes()).expect("a signed transaction")
    }
    /// An answer without what may differ: names for addresses, `~` for heights and moments.
    fn plain(&self, answer: &Value) -> Value {
        let mut text = answer.to_string().replace(&self.key, "key of the first validator");
        for name in self.accounts.keys() {
            text = text.replace(&self.acc(name), &format!("acc:{name}")).replace(&self.val(name), &format!("val:{name}"));
        }
        let mut answer = serde_json::from_str(&text).expect("JSON");
        mask(&mut answer);
        answer
    }
}

/// Masks what may differ. The SDK writes redelegations by another encoder than the rest: numbers bare, empty lists as null, zeros left out.
fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("unbonding_on_hold_ref_count");
            for (name, field) in fields {
                if MASKED.contains(&name.as_str()) {
                    *field = json!("~");
                }
                mask(field);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(mask),
        Value::Number(number) => *value = json!(number.to_string()),
        Value::Null => *value = json!([]),
        _ => {}
    }
}

/// Both chains with the same accounts and one validator each, whose operator and stake are the same.
pub struct Pair {
    /// Our chain.
    pub ours: Side,
    /// The Cosmos SDK's.
    pub theirs: Side,
    _network: Network,
    _simd: Simd,
}

impl Pair {
    /// Starts both, their genesis files changed by `change`; neither mints.
    ///
    /// # Panics
    /// If one does not start.
    #[must_use]
    pub fn start(change: impl Fn(&mut Value)) -> Self {
        let network = Network::start_with(&Options::default(), |genesis| {
            like_theirs(&mut genesis["app_state"]);
            change(&mut genesis["app_state"]);
        });
        let accounts = CAST.map(|name| named(network.accounts(), name).expect("an account of the run").clone());
        let funds = |a: &Account| format!("{}ucairn", a.funds + if a.name == CAST[0] { BOND } else { 0 });
        let coins: Vec<String> = accounts.iter().map(funds).collect();
        let funded = accounts.iter().zip(&coins).map(|(a, coins)| Funded { name: &a.name, mnemonic: &a.mnemonic, coins });
        let simd = Simd::start(&funded.collect::<Vec<_>>(), &format!("{BOND}ucairn"), |genesis| {
            mints_nothing(&mut genesis["app_state"]);
            change(&mut genesis["app_state"]);
        });
        let ours = Side::new("cairn", "cairn", "cairn-local-1", [network.rpc(0), network.rest(0)], &accounts);
        let theirs = Side::new("simd", "cosmos", simd::CHAIN_ID, [simd.rpc(), simd.rest()], &accounts);
        Self { ours, theirs, _network: network, _simd: simd }
    }
    /// Does the same on both chains at once and gives both results, ours first.
    pub fn each<T: Send>(&self, work: impl Fn(&Side) -> T + Sync) -> [T; 2] {
        thread::scope(|scope| {
            let theirs = scope.spawn(|| work(&self.theirs));
            let ours = work(&self.ours);
            [ours, theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))]
        })
    }
    /// Sends a message of `name` to both and waits until each has some blocks more, so that sets and rewards are alike. Gives the code, which
    /// must be the same; `message` makes each chain's.
    ///
    /// # Panics
    /// If the chains do not agree.
    pub fn tx(&self, name: &str, message: impl Fn(&Side) -> Any + Sync) -> (String, u64) {
        let done = self.each(|side| {
            let done = side.send(name, message(side));
            let height: u64 = done["height"].as_str().and_then(|h| h.parse().ok()).unwrap_or(0);
            side.until("the blocks after a transaction", || side.height() >= height + 3);
            done
        });
        let code = |done: &Value| (done["codespace"].as_str().unwrap_or_default().to_owned(), done["code"].as_u64().expect("a code"));
        let [ours, theirs] = &done;
        assert_eq!(code(ours), code(theirs), "of {name}: ours {}, theirs {}", ours["raw_log"], theirs["raw_log"]);
        code(ours)
    }
    /// Waits until `done` holds on both.
    pub fn until(&self, what: &str, done: impl Fn(&Side) -> bool + Sync) {
        self.each(|side| side.until(what, || done(side)));
    }
    /// Asks both the same and compares; gives the answer.
    ///
    /// # Panics
    /// If they differ, by the path and what each says.
    pub fn same(&self, path: &str) -> Value {
        let [ours, theirs] = self.each(|side| side.plain(&side.ask(path)));
        assert!(ours == theirs, "{path}\nours:   {ours}\ntheirs: {theirs}");
        ours
    }
}

/// Rewards come from fees alone: how many blocks there are between two steps differs.
fn mints_nothing(state: &mut Value) {
    let Some(mint) = state.get_mut("mint") else { return };
    mint["minter"]["inflation"] = json!("0.000000000000000000");
    for bound in ["inflation_rate_change", "inflation_max", "inflation_min"] {
        mint["params"][bound] = json!("0.000000000000000000");
    }
}

/// No minting, and the validator of genesis with the words and rates that `simd` gives its own.
fn like_theirs(state: &mut Value) {
    mints_nothing(state);
    let validator = &mut state["staking"]["validators"][0];
    validator["description"]["moniker"] = json!("node");
    let rates = [("rate", "0.1"), ("max_rate", "0.2"), ("max_change_rate", "0.01")];
    for (name, rate) in rates {
        validator["commission"]["commission_rates"][name] = json!(format!("{rate:0<20}"));
    }
}
