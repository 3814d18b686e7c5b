//! What explorers and wallets ask.
use cairn_kernel::Status;
use cairn_proto::cosmos::{base::query::v1beta1::PageRequest, staking::v1beta1::*};

use super::*;
use crate::{Staking, operator_text};

/// Two validators; user 3 delegated, unbonds and moved.
fn asked() -> World {
    let mut world = World::of(&[10 * M, 5 * M]);
    world.delegate(3, 1, 4 * M).unwrap();
    world.end();
    world.undelegate(3, 1, M).unwrap();
    world.redelegate(3, 1, 2, M).unwrap();
    world.end();
    world
}

fn addresses(d: u8, v: u8) -> (String, String) {
    (user(d).to_string(), operator_text(&user(v)))
}

#[test]
fn validators_are_listed_by_status() {
    let mut world = asked();
    world.jail(2);
    world.end();
    let mut list = |status: &str| {
        let q = QueryValidatorsRequest { status: status.into(), pagination: None };
        let found = world.chain.run(|ctx| Staking.validators(ctx, q))?;
        Ok::<_, cairn_kernel::Error>(found.validators.into_iter().map(|v| v.operator_address).collect::<Vec<_>>())
    };
    let [one, two] = [1, 2].map(|n| operator_text(&user(n)));
    assert_eq!(list("").unwrap(), [one.clone(), two.clone()]);
    assert_eq!(list("BOND_STATUS_BONDED").unwrap(), [one]);
    assert_eq!(list("BOND_STATUS_UNBONDING").unwrap(), [two]);
    assert!(list("BOND_STATUS_UNBONDED").unwrap().is_empty());
    assert_eq!(list("bonded").unwrap_err().status, Status::InvalidArgument);
    assert!(list("BOND_STATUS_UNSPECIFIED").is_err());
}

#[test]
fn a_validator_is_found_by_its_operator() {
    let mut world = asked();
    let mut ask = |name: String| world.chain.run(|ctx| Staking.validator(ctx, QueryValidatorRequest { validator_addr: name }));
    assert_eq!(ask(operator_text(&user(1))).unwrap().validator.unwrap().tokens, (12 * M).to_string());
    assert_eq!(ask(operator_text(&user(8))).unwrap_err().status, Status::NotFound);
    assert_eq!(ask(user(1).to_string()).unwrap_err().code, 7);
    assert_eq!(ask(String::new()).unwrap_err().code, 18);
}

#[test]
fn delegations_tell_what_they_are_worth() {
    let mut world = asked();
    let height = world.chain.block.height;
    world.slash(1, height, 12, &cairn_kernel::Dec::with_places(5, 1).unwrap()).unwrap();
    let (delegator_addr, validator_addr) = addresses(3, 1);
    let q = QueryDelegationRequest { delegator_addr: delegator_addr.clone(), validator_addr: validator_addr.clone() };
    let one = world.chain.run(|ctx| Staking.delegation(ctx, q)).unwrap().delegation_response.unwrap();
    assert_eq!(one.balance, coin(M));
    assert_eq!(one.delegation.as_ref().unwrap().shares, format!("{}000000000000000000", 2 * M));
    let q = QueryDelegatorDelegationsRequest { delegator_addr: delegator_addr.clone(), pagination: None };
    let own = world.chain.run(|ctx| Staking.delegator_delegations(ctx, q)).unwrap().delegation_responses;
    assert_eq!((own.len(), &own[0]), (2, &one));
    let pagination = Some(PageRequest { limit: 1, ..PageRequest::default() });
    let q = QueryValidatorDelegationsRequest { validator_addr: validator_addr.clone(), pagination };
    let first = world.chain.run(|ctx| Staking.validator_delegations(ctx, q)).unwrap();
    assert_eq!(first.delegation_responses.len(), 1);
    let pagination = Some(PageRequest { key: first.pagination.unwrap().next_key, ..PageRequest::default() });
    let q = QueryValidatorDelegationsRequest { validator_addr, pagination };
    assert_eq!(world.chain.run(|ctx| Staking.validator_delegations(ctx, q)).unwrap().delegation_responses, [one]);

    let (delegator_addr, validator_addr) = addresses(8, 1);
    let missing = world.chain.run(|ctx| Staking.delegation(ctx, QueryDelegationRequest { delegator_addr, validator_addr })).unwrap_err();
    assert_eq!((missing.status, missing.code), (Status::NotFound, 22));
    assert!(missing.log.ends_with("key not found"), "clients look for it: {}", missing.log);
    for (delegator_addr, validator_addr) in [(String::new(), operator_text(&user(1))), (user(1).to_string(), String::new())] {
        let q = QueryDelegationRequest { delegator_addr, validator_addr };
        assert_eq!(world.chain.run(|ctx| Staking.delegation(ctx, q)).unwrap_err().code, 18);
    }
}

#[test]
fn what_unbonds_is_found_from_both_sides() {
    let mut world = asked();
    let (delegator_addr, validator_addr) = addresses(3, 1);
    let q = QueryUnbondingDelegationRequest { delegator_addr: delegator_addr.clone(), validator_addr: validator_addr.clone() };
    let one = world.chain.run(|ctx| Staking.unbonding_delegation(ctx, q)).unwrap().unbond.unwrap();
    assert_eq!((one.entries[0].balance.as_str(), one.entries[0].creation_height), ("1000000", 3));
    let q = QueryDelegatorUnbondingDelegationsRequest { delegator_addr, pagination: None };
    assert_eq!(
        world.chain.run(|ctx| Staking.delegator_unbonding_delegations(ctx, q)).unwrap().unbonding_responses,
        std::slice::from_ref(&one)
    );
    let q = QueryValidatorUnbondingDelegationsRequest { validator_addr, pagination: None };
    assert_eq!(world.chain.run(|ctx| Staking.validator_unbonding_delegations(ctx, q)).unwrap().unbonding_responses, [one]);
    let (delegator_addr, validator_addr) = addresses(3, 2);
    let q = QueryUnbondingDelegationRequest { delegator_addr, validator_addr };
    assert_eq!(world.chain.run(|ctx| Staking.unbonding_delegation(ctx, q)).unwrap_err().status, Status::NotFound);
}

#[test]
fn redelegations_are_found_by_all_their_names() {
    let mut world = asked();
    let mut ask = |d: &str, s: &str, t: &str| {
        let q = QueryRedelegationsRequest {
            delegator_addr: d.into(),
            src_validator_addr: s.into(),
            dst_validator_addr: t.into(),
            pagination: None,
        };
        world.chain.run(|ctx| Staking.redelegations(ctx, q)).map(|found| found.redelegation_responses)
    };
    let (who, from) = addresses(3, 1);
    let to = operator_text(&user(2));
    let all = ask(&who, &from, &to).unwrap();
    assert_eq!(all[0].entries[0].balance, M.to_string());
    assert_eq!(all[0].redelegation.as_ref().unwrap().entries, []);
    assert_eq!(ask("", &from, "").unwrap(), all);
    assert_eq!(ask(&who, "", "").unwrap(), all);
    assert!(ask(&user(4).to_string(), "", "").unwrap().is_empty());
    assert_eq!(ask(&who, &to, &from).unwrap_err().status, Status::NotFound);
    assert_eq!(ask("", "", "").unwrap_err().code, 18);
}

#[test]
fn the_rest_is_told_as_it_is() {
    let mut world = asked();
    let (delegator_addr, validator_addr) = addresses(3, 1);
    let q = QueryDelegatorValidatorsRequest { delegator_addr: delegator_addr.clone(), pagination: None };
    assert_eq!(world.chain.run(|ctx| Staking.delegator_validators(ctx, q)).unwrap().validators.len(), 2);
    let q = QueryDelegatorValidatorRequest { delegator_addr: delegator_addr.clone(), validator_addr };
    assert!(world.chain.run(|ctx| Staking.delegator_validator(ctx, q)).unwrap().validator.is_some());
    let q = QueryDelegatorValidatorRequest { delegator_addr, validator_addr: operator_text(&user(8)) };
    assert_eq!(world.chain.run(|ctx| Staking.delegator_validator(ctx, q)).unwrap_err().code, 19);
    let pool = world.chain.run(|ctx| Staking.pool(ctx, QueryPoolRequest {})).unwrap().pool.unwrap();
    assert_eq!((pool.bonded_tokens, pool.not_bonded_tokens), ((18 * M).to_string(), M.to_string()));
    assert_eq!(world.chain.run(|ctx| QueryServer::params(&Staking, ctx, QueryParamsRequest {})).unwrap().params, Some(rules()));
    let mut history = |height| world.chain.run(|ctx| Staking.historical_info(ctx, QueryHistoricalInfoRequest { height }));
    assert_eq!(history(3).unwrap().hist.unwrap().header.unwrap().height, 3);
    assert_eq!(history(1).unwrap_err().status, Status::NotFound, "the first block began before there was one to note");
    assert_eq!(history(-1).unwrap_err().code, 18);
}
