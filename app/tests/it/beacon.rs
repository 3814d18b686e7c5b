//! Rotation of a validator's beacon key by a signed transaction, on a node that goes on running.
use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_app::{App, BeaconKeys, Genesis, Settings};
use cairn_beacon::{possession, vrf::SecretKey};
use cairn_proto::{
    cairn::beacon::v1::{MsgRotateBeaconKey, QueryValidatorsRequest, QueryValidatorsResponse, Validator},
    pack,
};
use serde_json::json;

use crate::support::{CHAIN_ID, Draft, Net, Wallet, app_state, consensus_address, genesis, vrf_key};

/// One validator, whose operator is the first wallet, with epochs of five blocks.
fn operated() -> Genesis {
    let mut state = app_state();
    state["beacon"]["params"]["epoch"] = json!("5");
    state["beacon"]["validators"][0]["operator"] = json!(Wallet::new(1).address.to_string());
    Genesis { app_state: state.to_string().into_bytes(), ..genesis() }
}

fn rotation(operator: &Wallet, key: &SecretKey) -> MsgRotateBeaconKey {
    let public = key.public().as_bytes();
    let proof = key.prove(&possession(CHAIN_ID, &operator.address, &consensus_address(1), public)).unwrap().to_vec();
    MsgRotateBeaconKey { operator: operator.address.to_string(), validator: consensus_address(1), vrf_key: public.to_vec(), proof }
}

fn record(net: &Net) -> Validator {
    let found: QueryValidatorsResponse = net.ask("/cairn.beacon.v1.Query/Validators", &QueryValidatorsRequest::default());
    found.validators.into_iter().next().unwrap()
}

#[test]
fn a_running_node_takes_the_new_key_at_its_height() {
    // What lies in the node's home: the key that it began with.
    let home = Arc::new(Mutex::new(vec![[1_u8; 32]]));
    let files = Arc::clone(&home);
    let source = move || Ok(files.lock().unwrap().iter().map(SecretKey::from_seed).collect());
    let settings = Settings { beacon_keys: BeaconKeys::loaded(source).unwrap(), ..Settings::default() };
    let folder = tempfile::tempdir().unwrap();
    let mut net = Net::over(App::open(folder.path(), settings).unwrap(), folder, 1, &operated());

    let new = SecretKey::from_seed(&[77; 32]);
    let mut stranger = net.wallets[1].clone();
    let stolen = Draft::of(vec![pack(&rotation(&stranger, &new))]).sign(&[&stranger]);
    stranger.sequence += 1;
    let operator = &net.wallets[0];
    let rotated = Draft::of(vec![pack(&rotation(operator, &new))]).sign(&[operator]);
    let outcomes = net.run(vec![stolen, rotated]);
    assert_eq!((outcomes[0].result.as_ref().unwrap_err().codespace, outcomes[0].code()), ("beacon", 15));
    assert_eq!(outcomes[1].code(), 0);
    let next = record(&net).next.unwrap();
    assert_eq!((next.active_from, next.vrf_key), (10, new.public().as_bytes().to_vec()));

    // `run` sees to it that each block carries a valid reveal: by the old key to height 9, by the new one from 10 on.
    while net.app.latest().unwrap().height < 8 {
        net.run(vec![]);
    }
    home.lock().unwrap().push([77; 32]);
    for _ in 0..7 {
        net.run(vec![]);
    }
    let settled = record(&net);
    assert_eq!((settled.vrf_key, settled.active_from, settled.next), (new.public().as_bytes().to_vec(), 10, None));
    // The chain that goes on from here knows it, too.
    let exported = net.app.export().unwrap();
    let named = exported.pointer("/beacon/validators/0/vrf_key").unwrap();
    assert_eq!(named.as_str().unwrap(), BASE64.encode(new.public().as_bytes()));
}

#[test]
fn a_node_without_the_new_key_proposes_without_a_reveal_and_is_refused() {
    let mut net = Net::with(&operated());
    let operator = &net.wallets[0];
    let rotated = Draft::of(vec![pack(&rotation(operator, &SecretKey::from_seed(&[77; 32])))]).sign(&[operator]);
    assert_eq!(net.run(vec![rotated])[0].code(), 0);
    while net.app.latest().unwrap().height < 9 {
        net.run(vec![]);
    }
    let block = net.propose(vec![]);
    assert!(block.txs.is_empty());
    assert!(net.app.process_proposal(&block).unwrap().unwrap_err().to_string().contains("no reveal"));
    assert_ne!(vrf_key(1).public().as_bytes().as_slice(), record(&net).next.unwrap().vrf_key);
}
