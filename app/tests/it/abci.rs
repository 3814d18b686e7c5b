//! The node over its socket, through the calls that CometBFT makes.

use bytes::Bytes;
use cairn_app::{
    Shutdown,
    abci::{Endpoint, Limits, Node, Server},
};
use cairn_kernel::Address;
use cairn_proto::cosmos::{
    auth::v1beta1::QueryAccountRequest,
    bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse},
};
use prost::Message;
use sha2::{Digest, Sha256};
use tendermint_proto::{
    google::protobuf::Timestamp,
    v0_38::{
        abci::{
            Request, RequestCheckTx, RequestCommit, RequestFinalizeBlock, RequestInfo, RequestInitChain, RequestPrepareProposal,
            RequestProcessProposal, RequestQuery, Response, ResponseQuery, ValidatorUpdate, request::Value as Ask,
            response::Value as Answer,
        },
        crypto::{PublicKey, public_key::Sum},
        types::{BlockParams, ConsensusParams},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::support::*;

/// The validator's consensus key, whose hash proposes.
const CONSENSUS_KEY: [u8; 32] = [4; 32];

struct Comet {
    stream: UnixStream,
}

impl Comet {
    async fn ask(&mut self, ask: Ask) -> Answer {
        self.stream.write_all(&Request { value: Some(ask) }.encode_length_delimited_to_vec()).await.unwrap();
        let mut bytes = vec![];
        loop {
            bytes.push(self.stream.read_u8().await.unwrap());
            let Ok(length) = prost::decode_length_delimiter(&*bytes) else { continue };
            let mut frame = vec![0; length];
            self.stream.read_exact(&mut frame).await.unwrap();
            return Response::decode(&*frame).unwrap().value.unwrap();
        }
    }
    async fn query(&mut self, path: &str, data: Vec<u8>) -> ResponseQuery {
        match self.ask(Ask::Query(RequestQuery { path: path.into(), data: data.into(), ..Default::default() })).await {
            Answer::Query(found) => found,
            other => panic!("{other:?}"),
        }
    }
}

fn proposer() -> Bytes {
    Sha256::digest(CONSENSUS_KEY)[..20].to_vec().into()
}

fn init_chain() -> RequestInitChain {
    use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
    let mut state = app_state();
    state["beacon"]["validators"][0]["address"] = serde_json::json!(BASE64.encode(proposer()));
    state["staking"]["validators"][0]["consensus_pubkey"]["key"] = serde_json::json!(BASE64.encode(CONSENSUS_KEY));
    RequestInitChain {
        time: Some(Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        chain_id: CHAIN_ID.into(),
        consensus_params: Some(ConsensusParams { block: Some(BlockParams { max_bytes: 1_000_000, max_gas: -1 }), ..Default::default() }),
        validators: vec![ValidatorUpdate { pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(CONSENSUS_KEY.to_vec())) }), power: 10 }],
        app_state_bytes: state.to_string().into_bytes().into(),
        initial_height: 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_goes_through_all_its_calls() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("abci.sock");
    let app = open(&folder.path().join("state"), 1);
    let shutdown = Shutdown::default();
    let server = Server::bind(&Endpoint::Unix(socket.clone()), Limits::default()).await.unwrap();
    let serving = tokio::spawn(server.serve(Node::new(app, shutdown.clone()), shutdown.clone()));
    let mut comet = Comet { stream: UnixStream::connect(&socket).await.unwrap() };

    let Answer::Info(info) = comet.ask(Ask::Info(RequestInfo::default())).await else { panic!() };
    assert_eq!((info.last_block_height, info.last_block_app_hash.len(), info.app_version), (0, 0, 1));
    let Answer::InitChain(started) = comet.ask(Ask::InitChain(init_chain())).await else { panic!() };
    assert_eq!(started.app_hash.len(), 32);

    let wallet = Wallet { number: 1, ..Wallet::new(1) };
    let to = Address::module("somebody");
    let tx = Draft::of(vec![send(&wallet, &to, 5)]).sign(&[&wallet]);
    let Answer::CheckTx(checked) = comet.ask(Ask::CheckTx(RequestCheckTx { tx: tx.clone(), r#type: 0 })).await else { panic!() };
    assert_eq!((checked.code, checked.gas_wanted), (0, 200_000));

    let time = Some(Timestamp { seconds: 1_700_000_001, nanos: 9 });
    let prepare =
        RequestPrepareProposal { max_tx_bytes: 10_000, txs: vec![tx], height: 1, time, proposer_address: proposer(), ..Default::default() };
    let Answer::PrepareProposal(prepared) = comet.ask(Ask::PrepareProposal(prepare)).await else { panic!() };
    assert_eq!(prepared.txs.len(), 2);
    let process = RequestProcessProposal { txs: prepared.txs.clone(), height: 1, time, proposer_address: proposer(), ..Default::default() };
    let Answer::ProcessProposal(processed) = comet.ask(Ask::ProcessProposal(process.clone())).await else { panic!() };
    assert_eq!(processed.status, 1);
    let bad = RequestProcessProposal { txs: vec![], ..process };
    let Answer::ProcessProposal(processed) = comet.ask(Ask::ProcessProposal(bad)).await else { panic!() };
    assert_eq!(processed.status, 2);

    let finalize = RequestFinalizeBlock { txs: prepared.txs, height: 1, time, proposer_address: proposer(), ..Default::default() };
    let Answer::FinalizeBlock(done) = comet.ask(Ask::FinalizeBlock(finalize)).await else { panic!() };
    assert!(done.tx_results.iter().all(|r| r.code == 0 && r.log.is_empty()), "{:?}", done.tx_results);
    let sent = &done.tx_results[1];
    let action = sent.events.iter().find(|e| e.attributes.iter().any(|a| a.key == "action")).unwrap();
    assert!(action.attributes.iter().any(|a| a.key == "msg_index" && a.value == "0"));
    assert!(done.events.iter().any(|e| e.r#type == "cairn.beacon.v1.EventBeaconAdvanced"));
    assert!(matches!(comet.ask(Ask::Commit(RequestCommit {})).await, Answer::Commit(c) if c.retain_height == 0));
    let Answer::Info(info) = comet.ask(Ask::Info(RequestInfo::default())).await else { panic!() };
    assert_eq!((info.last_block_height, info.last_block_app_hash), (1, done.app_hash));

    let query = QueryBalanceRequest { address: to.to_string(), denom: "ucairn".into() }.encode_to_vec();
    let found = comet.query("/cosmos.bank.v1beta1.Query/Balance", query).await;
    assert_eq!((found.code, found.height), (0, 1));
    assert_eq!(QueryBalanceResponse::decode(&*found.value).unwrap().balance.unwrap().amount, "5");
    refusals_have_the_texts_that_clients_search(&mut comet).await;

    shutdown.request();
    serving.await.unwrap();
    assert!(shutdown.fault().is_none());
}

async fn refusals_have_the_texts_that_clients_search(comet: &mut Comet) {
    let nobody = Address::module("nobody at all").to_string();
    let missing = comet.query("/cosmos.auth.v1beta1.Query/Account", QueryAccountRequest { address: nobody.clone() }.encode_to_vec()).await;
    assert_eq!((missing.code, missing.codespace.as_str()), (22, "sdk"));
    assert_eq!(missing.log, format!("rpc error: code = NotFound desc = account {nobody} not found: key not found"));
    let bad = comet.query("/cosmos.bank.v1beta1.Query/Balance", QueryBalanceRequest::default().encode_to_vec()).await;
    assert_eq!(bad.code, 18);
    assert!(bad.log.starts_with("rpc error: code = InvalidArgument desc = "), "{}", bad.log);
    let unknown = comet.query("/cosmos.bank.v1beta1.Query/Nope", vec![]).await;
    assert_eq!((unknown.code, unknown.codespace.as_str(), unknown.log.as_str()), (6, "sdk", "unknown query path: unknown request"));
    for path in ["", "/", "/app", "/app/nope", "/store/auth", "/p2p/other"] {
        assert_eq!(comet.query(path, vec![]).await.code, 6, "{path}");
    }
    assert_eq!(comet.query("/app/version", vec![]).await.value, env!("CARGO_PKG_VERSION"));
    assert_eq!(comet.query("/p2p/filter/addr/1.2.3.4", vec![]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_stops_the_node_instead_of_a_made_up_answer() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("abci.sock");
    let app = open(&folder.path().join("state"), 1);
    let shutdown = Shutdown::default();
    let server = Server::bind(&Endpoint::Unix(socket.clone()), Limits::default()).await.unwrap();
    let serving = tokio::spawn(server.serve(Node::new(app, shutdown.clone()), shutdown.clone()));
    let mut comet = Comet { stream: UnixStream::connect(&socket).await.unwrap() };
    let mut init = init_chain();
    init.validators[0].power += 1;
    assert!(matches!(comet.ask(Ask::InitChain(init)).await, Answer::Exception(e) if e.error.contains("validators")));
    serving.await.unwrap();
    assert!(shutdown.fault().unwrap().starts_with("InitChain: genesis: "));
}
