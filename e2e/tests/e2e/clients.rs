//! Clients that know nothing of this chain but that it is a Cosmos one.
use std::process::Command;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_driver::accounts::named;
use cairn_e2e::{Network, Options, root};
use ics23::{CommitmentProof, HostFunctionsManager, commitment_proof::Proof, verify_membership, verify_non_membership};
use prost::Message;
use serde_json::Value;

/// The type URL of every message of the chain but what a block's proposer alone includes, which nobody signs.
pub(crate) fn signed_by_accounts() -> Vec<String> {
    let mut router = cairn_kernel::Router::default();
    cairn_app::modules::all().iter().for_each(|module| module.routes(&mut router));
    router.msg_urls().filter(|url| *url != "/cairn.beacon.v1.MsgRevealBeacon").map(ToOwned::to_owned).collect()
}

/// What a Ledger or a wallet's own screen signs: amino JSON, for every message that the chain has.
#[test]
fn cosmjs_signs_every_message_in_amino_json_and_no_changed_byte_passes() {
    let network = Network::start(&Options::default());
    let signer = named(network.accounts(), "buyer").unwrap();
    let urls = signed_by_accounts();
    let mut node = Command::new("node");
    node.current_dir(root().join("e2e/js")).args(["amino.mjs", "live", &network.rpc(0), &signer.mnemonic, &urls.join(",")]);
    let out = node.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    for url in urls {
        let results = said["results"][&url].as_array().unwrap_or_else(|| panic!("{url} was not signed"));
        for result in results {
            assert_eq!(result["outcome"], 0, "{url}: {result}");
            assert!(result["changed"].as_array().unwrap().iter().all(|code| code != 0), "{url}: {result}");
        }
    }
}

/// What `grpcurl` prints when it is run so.
fn grpcurl(args: &[&str]) -> String {
    let out = Command::new("grpcurl").arg("-plaintext").args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The health service is in no file of the Cosmos SDK, so the client brings its own.
const HEALTH: &str = r#"syntax = "proto3";
package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { enum ServingStatus { UNKNOWN = 0; SERVING = 1; } ServingStatus status = 1; }
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
"#;

/// Services are listed and described over reflection alone, and asked.
#[test]
fn grpcurl_lists_describes_and_asks() {
    let network = Network::start(&Options::default());
    let door = network.grpc(0);
    let services = grpcurl(&[&door, "list"]);
    for service in [
        "cosmos.bank.v1beta1.Query",
        "cosmos.auth.v1beta1.Query",
        "cosmos.tx.v1beta1.Service",
        "cosmos.base.reflection.v2alpha1.ReflectionService",
        "cairn.annotation.v1.Query",
        "cairn.asset.v1.Query",
    ] {
        assert!(services.lines().any(|l| l == service), "{service} is not in\n{services}");
    }
    let described = grpcurl(&[&door, "describe"]);
    for service in services.lines().filter(|l| !l.starts_with("grpc.")) {
        assert!(described.contains(&format!("{service} is a service")), "{service} is not described");
    }
    // The validator begins with 10 CAIRN; the rest of the supply is what mint issued, block by block.
    let total: u128 = network.accounts().iter().map(|a| a.funds).sum::<u128>() + 10_000_000;
    let supply = grpcurl(&["-d", r#"{"denom":"ucairn"}"#, &door, "cosmos.bank.v1beta1.Query/SupplyOf"]);
    let supply: Value = serde_json::from_str(&supply).unwrap();
    let found: u128 = supply["amount"]["amount"].as_str().unwrap().parse().unwrap();
    assert!((total..total + total / 1_000).contains(&found), "{supply}");
    std::fs::write(network.path().join("health.proto"), HEALTH).unwrap();
    let folder = network.path().display().to_string();
    let health = grpcurl(&["-import-path", &folder, "-proto", "health.proto", &door, "grpc.health.v1.Health/Check"]);
    assert!(health.contains("SERVING"), "{health}");
    browsers_ask_over_grpc_web(&network);
    the_openapi_document_is_valid_and_its_examples_are_answered(&network);
}

/// What a script of `e2e/js` prints.
fn script(name: &str, args: &[&str]) -> Value {
    let out = Command::new("node").current_dir(root().join("e2e/js")).arg(name).args(args).output().unwrap();
    assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// An unmodified gRPC-web client on the REST port, in both of the protocol's forms, as from another origin.
fn browsers_ask_over_grpc_web(network: &Network) {
    let account = named(network.accounts(), "buyer").unwrap();
    let stranger = "cairn1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5wklfhv";
    let said = script("grpcweb.mjs", &[&network.rest(0), &account.address, stranger]);
    for form in ["binary", "text"] {
        let asked = &said[form];
        assert_eq!((&asked["amount"], &asked["height"]), (&account.funds.to_string().into(), &"2".into()), "{said}");
        assert_eq!((&asked["status"], &asked["refused"]["code"]), (&"OK".into(), &"NOT_FOUND".into()), "{said}");
        assert_eq!(asked["refused"]["message"], format!("account {stranger} not found"), "{said}");
    }
    assert_eq!((&said["preflight"]["status"], &said["preflight"]["origin"]), (&200.into(), &"*".into()), "{said}");
}

/// An unmodified validator reads it; every example in it is answered, if only by telling that it asks for what is not there.
fn the_openapi_document_is_valid_and_its_examples_are_answered(network: &Network) {
    let said = script("openapi.mjs", &[&network.rest(0)]);
    assert_eq!((&said["missing"], &said["failed"]), (&Value::Array(vec![]), &Value::Array(vec![])), "{said}");
    assert!(said["paths"].as_u64().unwrap() > 100 && said["statuses"]["200"].as_u64().unwrap() > 40, "{said}");
}

/// The value of a key, or its absence, proven up to the app hash that the next header carries.
#[test]
fn a_proof_of_abci_query_verifies_against_the_header() {
    let network = Network::start(&Options::default());
    network.wait_for(0, 4);
    // The supply of ucairn: store `bank`, and a key beside it that is not there.
    for (key, there) in [(supply_key(), true), ([supply_key(), vec![7]].concat(), false)] {
        let path = format!("/abci_query?path=%22/store/bank/key%22&data=0x{}&prove=true", hex::encode(&key));
        let answer = network.ask(0, &path).unwrap();
        let response = &answer["response"];
        let height: u64 = response["height"].as_str().unwrap().parse().unwrap();
        network.wait_for(0, height + 1);
        let root = hex::decode(network.app_hash(0, height + 1).unwrap()).unwrap();
        let value = response["value"].as_str().map(|v| BASE64.decode(v).unwrap()).unwrap_or_default();
        assert_eq!(value.is_empty(), !there);
        let ops = response["proofOps"]["ops"].as_array().unwrap();
        let proof = |i: usize| CommitmentProof::decode(&*BASE64.decode(ops[i]["data"].as_str().unwrap()).unwrap()).unwrap();
        let (tree, top) = (proof(0), proof(1));
        let Some(Proof::Exist(of_store)) = &top.proof else { panic!("the second step shows that the store exists") };
        let [tree_spec, top_spec] = cairn_store::specs();
        let lower = &of_store.value;
        if there {
            assert!(verify_membership::<HostFunctionsManager>(&tree, &tree_spec, lower, &key, &value));
            assert!(!verify_membership::<HostFunctionsManager>(&tree, &tree_spec, lower, &key, b"another"));
        } else {
            assert!(verify_non_membership::<HostFunctionsManager>(&tree, &tree_spec, lower, &key));
        }
        assert!(verify_membership::<HostFunctionsManager>(&top, &top_spec, &root, b"bank", lower));
        let mut forged = root.clone();
        forged[0] ^= 1;
        assert!(!verify_membership::<HostFunctionsManager>(&top, &top_spec, &forged, b"bank", lower));
    }
}

/// `bank/2/ucairn` without the store's name: text in a key ends with 00 01.
fn supply_key() -> Vec<u8> {
    [b"2/ucairn".as_slice(), &[0, 1]].concat()
}
