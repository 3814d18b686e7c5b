//! Fees that another account pays, and messages that one account runs in another's name, by signed transactions.
use cairn_app::api::Chain;
use cairn_proto::{
    Any, Timestamp,
    cosmos::{
        authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant},
        bank::v1beta1::MsgSend,
        feegrant::v1beta1::{AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance},
        tx::v1beta1::SimulateResponse,
    },
    pack,
};
use prost::{Message, Name};

use crate::support::*;

/// Wallet 0 lets wallet 1 spend 3000 of its coins on fees of transfers.
fn allowed() -> Net {
    let mut net = Net::new();
    let [granter, grantee] = [0, 1].map(|i| net.wallets[i].clone());
    let basic = BasicAllowance { spend_limit: vec![coin(3_000)], expiration: Some(Timestamp { seconds: 1_700_000_004, nanos: 0 }) };
    let allowance = AllowedMsgAllowance { allowance: Some(pack(&basic)), allowed_messages: vec![MsgSend::type_url()] };
    let m =
        MsgGrantAllowance { granter: granter.address.to_string(), grantee: grantee.address.to_string(), allowance: Some(pack(&allowance)) };
    let outcome = net.run(vec![Draft::of(vec![pack(&m)]).sign(&[&granter])]).remove(0);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    net
}

/// A transfer of wallet 1 whose fee wallet 0 pays.
fn granted(net: &Net, messages: Vec<Any>) -> Draft {
    let mut draft = Draft::of(messages);
    draft.fee.granter = net.wallets[0].address.to_string();
    draft
}

#[test]
fn the_granter_pays_the_fee_until_the_allowance_is_used_up_or_over() {
    let mut net = allowed();
    let [granter, mut grantee] = [0, 1].map(|i| net.wallets[i].clone());
    let to = Wallet::new(90).address;
    let tx = granted(&net, vec![send(&grantee, &to, 5)]).sign(&[&grantee]);
    let outcome = net.run(vec![tx]).remove(0);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    let events = shown(&outcome.events);
    assert!(events.contains(&format!("tx(fee=1000ucairn, fee_payer={})", granter.address)), "{events:#?}");
    assert!(events.iter().any(|e| e.starts_with("use_feegrant(")));
    assert_eq!(net.balance(&grantee.address), FUNDS - 5);
    assert_eq!(net.balance(&granter.address), FUNDS - 2_000, "the fee of the grant and this one");
    grantee.sequence = 1;
    let mut dear = granted(&net, vec![send(&grantee, &to, 5)]);
    dear.fee.amount = vec![coin(2_001)];
    let refused = net.run(vec![dear.sign(&[&grantee])]).remove(0).result.unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("feegrant", 2));
    assert!(refused.log.contains("does not allow to pay fees for"), "{}", refused.log);
    let late = granted(&net, vec![send(&grantee, &to, 5)]).sign(&[&grantee]);
    net.run(vec![]);
    assert_eq!(net.run(vec![late])[0].result.as_ref().unwrap_err().codespace, "sdk", "deleted with the last block");
    assert_eq!(net.balance(&granter.address), FUNDS - 2_000);
}

#[test]
fn an_allowance_covers_the_named_messages_alone() {
    let mut net = allowed();
    let grantee = net.wallets[1].clone();
    let generic = pack(&GenericAuthorization { msg: MsgSend::type_url() });
    let grant = MsgGrant {
        granter: grantee.address.to_string(),
        grantee: net.wallets[2].address.to_string(),
        grant: Some(Grant { authorization: Some(generic), expiration: None }),
    };
    let mixed = granted(&net, vec![send(&grantee, &grantee.address, 5), pack(&grant)]).gas(400_000).sign(&[&grantee]);
    let refused = net.run(vec![mixed]).remove(0).result.unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("feegrant", 7));
}

#[test]
fn a_simulation_with_a_granter_is_close_to_what_it_will_use() {
    let mut net = allowed();
    let grantee = net.wallets[1].clone();
    let tx = granted(&net, vec![send(&grantee, &grantee.address, 5)]).sign(&[&grantee]);
    let found = SimulateResponse::decode(&*net.app.simulate(&tx).unwrap()).unwrap();
    let used = net.run(vec![tx]).remove(0).gas_used;
    let estimate = found.gas_info.unwrap().gas_used;
    assert!((used * 97 / 100..=used * 110 / 100).contains(&estimate), "estimated {estimate}, used {used}");
}

#[test]
fn a_grantee_moves_the_granters_coins_with_a_signature_of_its_own() {
    let mut net = Net::new();
    let [granter, grantee] = [0, 1].map(|i| net.wallets[i].clone());
    let generic = pack(&GenericAuthorization { msg: MsgSend::type_url() });
    let grant = MsgGrant {
        granter: granter.address.to_string(),
        grantee: grantee.address.to_string(),
        grant: Some(Grant { authorization: Some(generic), expiration: None }),
    };
    let exec = MsgExec { grantee: grantee.address.to_string(), msgs: vec![send(&granter, &grantee.address, 7)] };
    let exec = Draft::of(vec![pack(&exec)]).sign(&[&grantee]);
    assert_eq!(net.app.check_tx(&exec).unwrap().code(), 0, "messages do not run there");
    let outcomes = net.run(vec![Draft::of(vec![pack(&grant)]).sign(&[&granter]), exec]);
    assert!(outcomes.iter().all(|o| o.result.is_ok()), "{:?}", outcomes[1].result);
    assert_eq!(net.balance(&grantee.address), FUNDS + 7 - 1_000);
    assert!(shown(&outcomes[1].events).iter().any(|e| e.starts_with("transfer(") && e.ends_with("authz_msg_index=0)")));
}
