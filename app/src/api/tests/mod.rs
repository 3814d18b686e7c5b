//! Both doors before a small chain and a CometBFT that answers what a real one once answered.
mod grpc;
mod limits;
mod must;
mod rest;

use std::{
    net::TcpListener,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use axum::{Json, Router, routing::post};
use cairn_kernel::{Address, Error, Status, sdk};
use cairn_proto::{
    cosmos::{
        auth::v1beta1 as auth,
        bank::v1beta1 as bank,
        base::{abci::v1beta1::GasInfo, query::v1beta1::PageResponse, v1beta1::Coin},
        tx::v1beta1::{SimulateRequest, SimulateResponse},
    },
    pack,
};
use prost::Message;
use serde_json::{Value, json};

use super::{Answer, Chain, Config, doors::Doors};

/// An account that exists.
pub(super) fn known() -> Address {
    Address::module("known")
}

/// A chain with one account, which holds 5 of whatever is asked for.
#[derive(Default)]
pub(super) struct FakeChain {
    /// Queries for the total supply wait here until it is open.
    pub(super) gate: (Mutex<bool>, Condvar),
}

impl FakeChain {
    pub(super) fn open_gate(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }
}

const HEIGHT: u64 = 42;
const PATHS: [&str; 10] = [
    "/cosmos.auth.v1beta1.Query/Account",
    "/cosmos.auth.v1beta1.Query/Params",
    "/cosmos.bank.v1beta1.Query/AllBalances",
    "/cosmos.bank.v1beta1.Query/Balance",
    "/cosmos.bank.v1beta1.Query/DenomMetadata",
    "/cosmos.bank.v1beta1.Query/Params",
    "/cosmos.bank.v1beta1.Query/SpendableBalances",
    "/cosmos.bank.v1beta1.Query/SupplyOf",
    "/cosmos.bank.v1beta1.Query/TotalSupply",
    "/cosmos.tx.v1beta1.Service/Simulate",
];

fn coin(denom: &str) -> Coin {
    Coin { denom: denom.to_owned(), amount: "5".to_owned() }
}

fn reply(path: &str, data: &[u8], chain: &FakeChain) -> Result<Vec<u8>, Error> {
    Ok(match path {
        "/cosmos.auth.v1beta1.Query/Account" => {
            let address = auth::QueryAccountRequest::decode(data).unwrap().address;
            if Address::parse(&address)? != known() {
                return Err(sdk::key_not_found(format!("account {address} not found")));
            }
            let account = auth::BaseAccount { address, account_number: 7, ..Default::default() };
            auth::QueryAccountResponse { account: Some(pack(&account)) }.encode_to_vec()
        }
        "/cosmos.bank.v1beta1.Query/AllBalances" | "/cosmos.bank.v1beta1.Query/SpendableBalances" => {
            let asked = bank::QueryAllBalancesRequest::decode(data).unwrap();
            Address::parse(&asked.address)?;
            let page = asked.pagination.unwrap_or_default();
            let pagination = PageResponse { next_key: page.key, total: page.limit };
            bank::QueryAllBalancesResponse { balances: vec![coin("ucairn")], pagination: Some(pagination) }.encode_to_vec()
        }
        "/cosmos.bank.v1beta1.Query/Balance" => {
            let denom = bank::QueryBalanceRequest::decode(data).unwrap().denom;
            bank::QueryBalanceResponse { balance: Some(coin(&denom)) }.encode_to_vec()
        }
        "/cosmos.bank.v1beta1.Query/SupplyOf" => {
            let denom = bank::QuerySupplyOfRequest::decode(data).unwrap().denom;
            assert_ne!(denom, "panic", "a handler with a fault");
            bank::QuerySupplyOfResponse { amount: Some(coin(&denom)) }.encode_to_vec()
        }
        "/cosmos.bank.v1beta1.Query/DenomMetadata" => {
            let base = bank::QueryDenomMetadataRequest::decode(data).unwrap().denom;
            let metadata = bank::Metadata { base, description: "<b>".into(), ..Default::default() };
            bank::QueryDenomMetadataResponse { metadata: Some(metadata) }.encode_to_vec()
        }
        "/cosmos.bank.v1beta1.Query/TotalSupply" => {
            let open = chain.gate.1.wait_while(chain.gate.0.lock().unwrap(), |open| !*open).unwrap();
            drop(open);
            Vec::new()
        }
        "/cosmos.tx.v1beta1.Service/Simulate" => chain.simulate(&SimulateRequest::decode(data).unwrap().tx_bytes)?,
        _ => Vec::new(),
    })
}

impl Chain for FakeChain {
    fn chain_id(&self) -> String {
        "cairn-test-1".into()
    }
    fn height(&self) -> u64 {
        HEIGHT
    }
    fn earliest_height(&self) -> u64 {
        3
    }
    fn minimum_gas_price(&self) -> String {
        "0.001ucairn".into()
    }
    fn query_paths(&self) -> Vec<String> {
        PATHS.map(str::to_owned).to_vec()
    }
    fn message_urls(&self) -> Vec<String> {
        vec!["/cosmos.bank.v1beta1.MsgSend".to_owned()]
    }
    fn query(&self, path: &str, data: &[u8], height: Option<u64>) -> Result<Answer, Error> {
        let height = height.unwrap_or(HEIGHT);
        if height > HEIGHT {
            return Err(sdk::invalid_height(format!("cannot query with height {height}")));
        }
        Ok(Answer { value: reply(path, data, self)?, height })
    }
    fn simulate(&self, tx: &[u8]) -> Result<Vec<u8>, Error> {
        if tx == b"bad" {
            let log = "out of gas: out of gas with gas used: '9'".to_owned();
            return Err(Error { codespace: "sdk", code: 11, log, status: Status::Unknown });
        }
        Ok(SimulateResponse { gas_info: Some(GasInfo { gas_wanted: 0, gas_used: 77 }), result: None }.encode_to_vec())
    }
}

/// What CometBFT 0.38.26 answered to the calls that the doors make. Block 261 holds one transfer and one transaction that is none.
pub(super) const RECORDED: &str = include_str!("../comet/recorded.json");

/// The hash of the transfer.
pub(super) const TX_HASH: &str = "441CA0AEADE6915CED0784C6B241A77A1CF8414E991E2F45D497929AC3D2A4D5";

fn recorded(call: &Value) -> Value {
    let all: Value = serde_json::from_str(RECORDED).unwrap();
    let (method, params) = (call["method"].as_str().unwrap(), &call["params"]);
    let name = match method {
        "tx" if params["hash"] == "RBygrq3mkVztB4TGskGnehz4QU6ZHi9F1JeSmsPSpNU=" => "tx".to_owned(),
        "tx" => "tx missing".to_owned(),
        "tx_search" if params["query"] == "nonsense" => "tx_search bad".to_owned(),
        "validators" if params["page"] != "1" => "validators bad".to_owned(),
        "broadcast_tx_sync" if params["tx"] == "YWdhaW4=" => "broadcast_tx_sync again".to_owned(),
        other => other.to_owned(),
    };
    all[name].clone()
}

/// Starts the recorded CometBFT on a free port and returns its URL. It ends with the test's runtime.
pub(super) fn comet() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let router = Router::new().route("/", post(async |Json(call): Json<Value>| Json(recorded(&call))));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A URL at which nothing listens.
pub(super) fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub(super) fn config() -> Config {
    let any = ([127, 0, 0, 1], 0).into();
    Config {
        grpc: any,
        public: crate::config::Public::default(),
        rest: any,
        max_body: 1 << 16,
        max_connections: 8,
        max_per_peer: 8,
        max_pending: 8,
        max_unsent: 1 << 16,
        max_running: 4,
        timeout: Duration::from_secs(30),
    }
}

pub(super) fn doors(comet_rpc: &str) -> Arc<Doors> {
    Arc::new(Doors::new(&config(), Arc::new(FakeChain::default()), comet_rpc))
}

/// An error's body.
fn refusal(code: u8, message: &str) -> Value {
    json!({"code": code, "message": message, "details": []})
}
