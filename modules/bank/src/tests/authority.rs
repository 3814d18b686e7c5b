//! What governance may switch.
use super::*;

#[test]
fn disabled_denominations_stop_users_but_not_modules() {
    let mut chain = chain();
    chain.tx(|ctx| Bank.set_send_enabled(ctx, enable(&[("ibc/ABC", false)], &[]))).unwrap();
    let refusal = refused(&mut chain, |ctx| Bank.send(ctx, msg_send(&user(2), &[("ibc/ABC", 1), ("ucairn", 1)])));
    assert_eq!(refusal, Error::SendDisabled("ibc/ABC".into()).into());
    assert_eq!(refusal.log, "ibc/ABC transfers are currently disabled: send transactions are disabled");
    let message = multi(&[("ibc/ABC", 1)], &[(user(2), vec![("ibc/ABC", 1)])]);
    assert_eq!(code(&refused(&mut chain, |ctx| Bank.multi_send(ctx, message))), ("bank", 5));
    chain.tx(|ctx| crate::send(ctx, &user(1), &user(2), &[Coin::new("ibc/ABC", 1)])).unwrap();
    chain.tx(|ctx| Bank.send(ctx, msg_send(&user(2), &[("ucairn", 1)]))).unwrap();
    chain.tx(|ctx| Bank.set_send_enabled(ctx, enable(&[], &["ibc/ABC"]))).unwrap();
    chain.tx(|ctx| Bank.send(ctx, msg_send(&user(2), &[("ibc/ABC", 1)]))).unwrap();
}

#[test]
fn send_enabled_messages_are_governances_and_name_each_denomination_once() {
    let mut chain = chain();
    let stranger = MsgSetSendEnabled { authority: user(1).to_string(), ..enable(&[], &[]) };
    assert_eq!(code(&refused(&mut chain, |ctx| Bank.set_send_enabled(ctx, stranger))), ("sdk", 4));
    for message in
        [enable(&[("ucairn", true), ("ucairn", false)], &[]), enable(&[("ucairn", true)], &["ucairn"]), enable(&[], &["abc", "abc"])]
    {
        assert_eq!(code(&refused(&mut chain, |ctx| Bank.set_send_enabled(ctx, message))), ("sdk", 18));
    }
    for message in [enable(&[("1bad", true)], &[]), enable(&[], &["1bad"])] {
        assert_eq!(code(&refused(&mut chain, |ctx| Bank.set_send_enabled(ctx, message))), ("sdk", 10));
    }
}

#[test]
fn parameters_are_governances_and_their_default_holds_for_all() {
    let mut chain = chain();
    let message = |authority: Address, params| MsgUpdateParams { authority: authority.to_string(), params };
    let closed = params(false, vec![]);
    let gov = cairn_auth::authority();
    assert_eq!(code(&refused(&mut chain, |ctx| Bank.update_params(ctx, message(user(1), Some(closed.clone()))))), ("sdk", 4));
    assert_eq!(code(&refused(&mut chain, |ctx| Bank.update_params(ctx, message(gov, None)))), ("bank", 15));
    let retired = params(true, vec![SendEnabled { denom: "ucairn".into(), enabled: true }]);
    assert_eq!(code(&refused(&mut chain, |ctx| Bank.update_params(ctx, message(gov, Some(retired))))), ("bank", 15));

    chain.tx(|ctx| Bank.update_params(ctx, message(gov, Some(closed.clone())))).unwrap();
    assert_eq!(chain.run(|ctx| Bank.params(ctx, QueryParamsRequest {})).unwrap().params, Some(closed));
    assert_eq!(code(&refused(&mut chain, |ctx| Bank.send(ctx, msg_send(&user(2), &[("ucairn", 1)])))), ("bank", 5));
    chain.tx(|ctx| Bank.set_send_enabled(ctx, enable(&[("ucairn", true)], &[]))).unwrap();
    chain.tx(|ctx| Bank.send(ctx, msg_send(&user(2), &[("ucairn", 1)]))).unwrap();
}
