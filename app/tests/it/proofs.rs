//! Raw state with proofs, as `abci_query` gives it, against the app hash of the next header.
use cairn_app::{Shutdown, abci::Node, api::Chain};
use cairn_proto::cosmos::auth::v1beta1::BaseAccount;
use ics23::{CommitmentProof, HostFunctionsManager as Host, commitment_proof, verify_membership, verify_non_membership};
use prost::Message;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};

use crate::support::*;

fn ask(net: &Net, path: &str, data: &[u8], height: i64) -> ResponseQuery {
    let node = Node::new(net.app.clone(), Shutdown::default());
    node.query(RequestQuery { path: path.into(), data: data.to_vec().into(), height, prove: true })
}

/// The key of an account inside the store `auth`.
fn account_key(wallet: &Wallet) -> Vec<u8> {
    [b"2/".as_slice(), &[20], wallet.address.as_bytes()].concat()
}

fn proofs(found: &ResponseQuery) -> Vec<CommitmentProof> {
    let ops = &found.proof_ops.as_ref().unwrap().ops;
    ops.iter().map(|op| CommitmentProof::decode(&*op.data).unwrap()).collect()
}

fn verifies(found: &ResponseQuery, store: &str, key: &[u8], value: Option<&[u8]>, app_hash: &[u8]) -> bool {
    let [tree, top] = <[CommitmentProof; 2]>::try_from(proofs(found)).unwrap();
    let [tree_spec, top_spec] = cairn_store::specs();
    let Some(commitment_proof::Proof::Exist(root)) = &top.proof else { return false };
    let inside = match value {
        Some(value) => verify_membership::<Host>(&tree, &tree_spec, &root.value, key, value),
        None => verify_non_membership::<Host>(&tree, &tree_spec, &root.value, key),
    };
    inside && verify_membership::<Host>(&top, &top_spec, &app_hash.to_vec(), store.as_bytes(), &root.value)
}

#[test]
fn an_account_is_proven_at_every_height_against_its_app_hash() {
    let mut net = Net::new();
    let mut hashes = vec![];
    let mut a = net.wallets[0].clone();
    for _ in 0..4 {
        let tx = transfer(&mut a, &net.wallets[1].address, 1);
        let block = net.propose(vec![tx]);
        hashes.push(net.decide(&block).app_hash);
    }
    let key = account_key(&a);
    for (height, app_hash) in (1..).zip(&hashes) {
        for path in ["/store/auth/key", "store/auth/key"] {
            let found = ask(&net, path, &key, height);
            assert_eq!((found.code, found.height, &*found.key), (0, height, &*key));
            assert_eq!(BaseAccount::decode(&*found.value).unwrap().sequence, u64::try_from(height).unwrap());
            assert!(verifies(&found, "auth", &key, Some(&found.value), app_hash), "height {height}");
            assert!(!verifies(&found, "auth", &key, Some(b"other"), app_hash));
            assert!(!verifies(&found, "auth", &key, Some(&found.value), &[7; 32]));
            assert!(!verifies(&found, "bank", &key, Some(&found.value), app_hash));
        }
    }
    let latest = ask(&net, "/store/auth/key", &key, 0);
    assert_eq!(latest.height, 4);
    assert!(verifies(&latest, "auth", &key, Some(&latest.value), &hashes[3]));
}

#[test]
fn absence_is_proven_with_an_empty_value() {
    let mut net = Net::new();
    let block = net.propose(vec![]);
    let hash = net.decide(&block).app_hash;
    let key = account_key(&Wallet::new(200));
    let found = ask(&net, "/store/auth/key", &key, 1);
    assert_eq!((found.code, found.value.len()), (0, 0));
    assert!(verifies(&found, "auth", &key, None, &hash));
    let key = account_key(&net.wallets[0]);
    assert!(!verifies(&ask(&net, "/store/auth/key", &key, 1), "auth", &key, None, &hash));
}

#[test]
fn heights_that_are_not_there_are_refused() {
    let mut net = Net::new();
    let early = ask(&net, "/store/auth/key", b"x", 0);
    assert_eq!((early.code, early.codespace.as_str()), (26, "sdk"));
    net.run(vec![]);
    for height in [-1, 2, i64::MAX] {
        let found = ask(&net, "/store/auth/key", b"x", height);
        assert_eq!((found.code, found.height), (26, 0), "{height}");
    }
    assert_eq!(ask(&net, "/store//key", b"x", 1).code, 4);
    assert_eq!(ask(&net, "/store/auth/key", b"", 1).code, 3);
    assert_eq!(net.app.height(), 1);
}
