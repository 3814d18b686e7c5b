//! Whose signature a message needs, as the generated routes find it.

use std::sync::Arc;

use cairn_kernel::{Address, Ctx, Result, Router, sdk};
use cairn_proto::{
    cairn::beacon::v1 as beacon,
    cosmos::{
        bank::v1beta1::{self as bank, Input, MsgMultiSend, MsgSend},
        slashing::v1beta1::{self as slashing, MsgUnjail},
    },
};
use prost::{Message, Name};

/// Serves nothing; only the routes are looked at.
struct Closed;

impl bank::MsgServer for Closed {
    fn send(&self, _: &mut Ctx, _: MsgSend) -> Result<bank::MsgSendResponse> {
        Err(sdk::not_supported("send"))
    }
    fn multi_send(&self, _: &mut Ctx, _: MsgMultiSend) -> Result<bank::MsgMultiSendResponse> {
        Err(sdk::not_supported("multi send"))
    }
    fn update_params(&self, _: &mut Ctx, _: bank::MsgUpdateParams) -> Result<bank::MsgUpdateParamsResponse> {
        Err(sdk::not_supported("update params"))
    }
    fn set_send_enabled(&self, _: &mut Ctx, _: bank::MsgSetSendEnabled) -> Result<bank::MsgSetSendEnabledResponse> {
        Err(sdk::not_supported("set send enabled"))
    }
}

impl slashing::MsgServer for Closed {
    fn unjail(&self, _: &mut Ctx, _: MsgUnjail) -> Result<slashing::MsgUnjailResponse> {
        Err(sdk::not_supported("unjail"))
    }
    fn update_params(&self, _: &mut Ctx, _: slashing::MsgUpdateParams) -> Result<slashing::MsgUpdateParamsResponse> {
        Err(sdk::not_supported("update params"))
    }
}

impl beacon::MsgServer for Closed {
    fn reveal_beacon(&self, _: &mut Ctx, _: beacon::MsgRevealBeacon) -> Result<beacon::MsgRevealBeaconResponse> {
        Err(sdk::not_supported("reveal"))
    }
    fn rotate_beacon_key(&self, _: &mut Ctx, _: beacon::MsgRotateBeaconKey) -> Result<beacon::MsgRotateBeaconKeyResponse> {
        Err(sdk::not_supported("rotate"))
    }
    fn register_beacon_key(&self, _: &mut Ctx, _: beacon::MsgRegisterBeaconKey) -> Result<beacon::MsgRegisterBeaconKeyResponse> {
        Err(sdk::not_supported("register"))
    }
}

fn signers<M: Message + Name>(message: &M) -> Result<Vec<Address>> {
    let mut router = Router::default();
    let closed = Arc::new(Closed);
    router.msgs(bank::msg_routes(&closed)).msgs(slashing::msg_routes(&closed)).msgs(beacon::msg_routes(&closed));
    router.signers(&M::type_url(), &message.encode_to_vec())
}

fn input(address: &str) -> Input {
    Input { address: address.into(), coins: vec![] }
}

#[test]
fn the_field_named_by_the_option_signs() {
    let (from, to) = (Address::module("from"), Address::module("to"));
    let send = MsgSend { from_address: from.to_string(), to_address: to.to_string(), amount: vec![] };
    assert_eq!(signers(&send).unwrap(), [from]);
}

#[test]
fn every_input_of_a_multi_send_signs() {
    let all = ["one", "two"].map(Address::module);
    let inputs = all.iter().map(|a| input(&a.to_string())).collect();
    assert_eq!(signers(&MsgMultiSend { inputs, outputs: vec![] }).unwrap(), all);
    let broken = vec![input(&all[0].to_string()), input("cairn1broken")];
    assert_eq!(signers(&MsgMultiSend { inputs: broken, outputs: vec![] }).unwrap_err().code, 7);
}

#[test]
fn an_operator_signs_with_the_account_of_the_same_bytes() {
    let account = Address::module("operator");
    let unjail = |validator_addr: String| MsgUnjail { validator_addr };
    assert_eq!(signers(&unjail(account.to_bech32("cairnvaloper"))).unwrap(), [account]);
    assert_eq!(signers(&unjail(account.to_string())).unwrap_err().code, 7);
}

#[test]
fn what_the_proposer_puts_into_a_block_has_no_signer() {
    assert_eq!(signers(&beacon::MsgRevealBeacon::default()).unwrap(), []);
}

#[test]
fn an_empty_address_is_refused() {
    assert_eq!(signers(&MsgSend::default()).unwrap_err().code, 7);
}
