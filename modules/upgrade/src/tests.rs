//! Plans from their message to their end.
use std::sync::Arc;

use cairn_kernel::{Module, Result, testing::Chain};
use cairn_proto::{
    Any, Timestamp,
    cairn::upgrade::v1::{AppliedUpgrade, GenesisState},
    cosmos::upgrade::v1beta1::{
        ModuleVersion, MsgCancelUpgrade, MsgServer, MsgSoftwareUpgrade, Plan, QueryAppliedPlanRequest, QueryAuthorityRequest,
        QueryCurrentPlanRequest, QueryModuleVersionsRequest, QueryServer, QueryUpgradedConsensusStateRequest,
    },
};

use super::*;

fn chain() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Upgrade).routes(&mut chain.router);
    chain.block.height = 10;
    chain
}

fn plan(name: &str, height: i64) -> Plan {
    Plan { name: name.into(), height, info: "see there".into(), ..Plan::default() }
}

fn schedule(chain: &mut Chain, plan: Plan) -> Result<()> {
    let authority = cairn_auth::authority().to_string();
    chain.tx(|ctx| Upgrade.software_upgrade(ctx, MsgSoftwareUpgrade { authority, plan: Some(plan) })).map(|_| ())
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, codespace: &str, code: u32) {
    let error = result.unwrap_err();
    assert_eq!((error.codespace, error.code), (codespace, code), "{}", error.log);
}

fn current(chain: &mut Chain) -> Option<Plan> {
    chain.run(|ctx| Upgrade.current_plan(ctx, QueryCurrentPlanRequest {})).unwrap().plan
}

/// A plan as clients in Go take it: they read none without a time.
fn told(name: &str, height: i64) -> Plan {
    #[allow(deprecated, reason = "it is empty")]
    Plan { time: Some(Timestamp { seconds: -62_135_596_800, nanos: 0 }), ..plan(name, height) }
}

fn holds(chain: &mut Chain) -> Result<(), String> {
    chain.run(|ctx| Upgrade.invariants().iter().try_for_each(|(_, holds)| holds(ctx)))
}

#[test]
fn a_plan_is_made_replaced_and_cancelled() {
    let mut chain = chain();
    assert_eq!(current(&mut chain), None);
    schedule(&mut chain, plan("v2", 11)).unwrap();
    schedule(&mut chain, plan("v3", 20)).unwrap();
    assert_eq!(current(&mut chain), Some(told("v3", 20)));
    assert_eq!(holds(&mut chain), Ok(()));
    let cancel = || MsgCancelUpgrade { authority: cairn_auth::authority().to_string() };
    chain.tx(|ctx| Upgrade.cancel_upgrade(ctx, cancel())).unwrap();
    assert_eq!(current(&mut chain), None);
    chain.tx(|ctx| Upgrade.cancel_upgrade(ctx, cancel())).expect("as in the Cosmos SDK, there need be none");
}

#[test]
fn only_governance_plans() {
    let mut chain = chain();
    let authority = cairn_kernel::Address::module("somebody").to_string();
    let message = MsgSoftwareUpgrade { authority: authority.clone(), plan: Some(plan("v2", 20)) };
    refused(chain.tx(|ctx| Upgrade.software_upgrade(ctx, message)), "sdk", 4);
    refused(chain.tx(|ctx| Upgrade.cancel_upgrade(ctx, MsgCancelUpgrade { authority })), "sdk", 4);
}

#[test]
#[allow(deprecated, reason = "what older chains planned with is refused")]
fn each_plan_that_makes_no_sense_is_refused() {
    let mut chain = chain();
    let cases = [
        (plan("", 20), "sdk", 18),
        (plan("v2", 0), "sdk", 18),
        (plan("v2", -1), "sdk", 18),
        (plan("v2", 9), "sdk", 18),
        (plan("v2", 10), "sdk", 18),
        (Plan { time: Some(Timestamp { seconds: 1, nanos: 0 }), ..plan("v2", 20) }, "sdk", 18),
        (Plan { upgraded_client_state: Some(Any::default()), ..plan("v2", 20) }, "sdk", 18),
        (plan("../v2", 20), "upgrade", 7),
        (plan("v2\nUPGRADE", 20), "upgrade", 7),
        (plan(".v2", 20), "upgrade", 7),
        (plan(&"a".repeat(101), 20), "upgrade", 7),
        (Plan { info: "x".repeat(10_001), ..plan("v2", 20) }, "upgrade", 8),
    ];
    for (plan, codespace, code) in cases {
        refused(schedule(&mut chain, plan), codespace, code);
    }
    let authority = cairn_auth::authority().to_string();
    refused(chain.tx(|ctx| Upgrade.software_upgrade(ctx, MsgSoftwareUpgrade { authority, plan: None })), "sdk", 18);
    for good in [plan(&"a".repeat(100), 11), plan("v2", i64::MAX), Plan { info: "x".repeat(10_000), ..plan("1.2-rc+3_a", 20) }] {
        schedule(&mut chain, good).unwrap();
    }
    // The second is what clients in Go send, and what stands in an exported genesis file.
    for time in [Timestamp::default(), Timestamp { seconds: -62_135_596_800, nanos: 0 }] {
        schedule(&mut chain, Plan { time: Some(time), ..plan("v2", 20) }).expect("no time");
        assert_eq!(current(&mut chain), Some(told("v2", 20)));
    }
    refused(schedule(&mut chain, Plan { time: Some(Timestamp { seconds: -62_135_596_800, nanos: 1 }), ..plan("v2", 20) }), "sdk", 18);
}

#[test]
fn an_upgrade_is_done_once() {
    let mut chain = chain();
    schedule(&mut chain, plan("v2", 12)).unwrap();
    chain.block.height = 12;
    assert!(holds(&mut chain).is_err(), "it is due");
    chain.run(|ctx| complete(ctx, "v2")).unwrap();
    assert_eq!((current(&mut chain), holds(&mut chain)), (None, Ok(())));
    let asked = |chain: &mut Chain, name: &str| {
        chain.run(|ctx| Upgrade.applied_plan(ctx, QueryAppliedPlanRequest { name: name.into() })).unwrap().height
    };
    assert_eq!((asked(&mut chain, "v2"), asked(&mut chain, "v3")), (12, 0));
    refused(schedule(&mut chain, plan("v2", 20)), "sdk", 18);
    assert_eq!(chain.run(|ctx| applied(ctx)).unwrap(), BTreeMap::from([("v2".to_owned(), 12)]));
    schedule(&mut chain, plan("v3", 20)).unwrap();
    chain.run(dismiss).unwrap();
    assert_eq!((current(&mut chain), asked(&mut chain, "v3")), (None, 0));
}

#[test]
fn versions_are_asked_for_by_module_or_all() {
    let mut chain = chain();
    let ask = |chain: &mut Chain, name: &str| {
        chain.run(|ctx| Upgrade.module_versions(ctx, QueryModuleVersionsRequest { module_name: name.into() }))
    };
    assert_eq!(ask(&mut chain, "").unwrap().module_versions, []);
    let program = BTreeMap::from([("bank".to_owned(), 1), ("auth".to_owned(), 3)]);
    chain.run(|ctx| begin(ctx, &program)).unwrap();
    chain.run(|ctx| set_version(ctx, "bank", 2)).unwrap();
    let version = |name: &str, version| ModuleVersion { name: name.into(), version };
    assert_eq!(ask(&mut chain, "").unwrap().module_versions, [version("auth", 3), version("bank", 2)]);
    assert_eq!(ask(&mut chain, "bank").unwrap().module_versions, [version("bank", 2)]);
    refused(ask(&mut chain, "nope"), "sdk", 38);
}

#[test]
fn the_rest_is_answered_as_by_the_sdk() {
    let mut chain = chain();
    let authority = chain.run(|ctx| Upgrade.authority(ctx, QueryAuthorityRequest {})).unwrap().address;
    assert_eq!(authority, cairn_auth::authority().to_string());
    let state = chain.run(|ctx| Upgrade.upgraded_consensus_state(ctx, QueryUpgradedConsensusStateRequest { last_height: 5 }));
    assert!(state.unwrap().upgraded_consensus_state.is_empty());
}

#[test]
fn genesis_goes_there_and_back() {
    let mut one = chain();
    one.run(|ctx| complete(ctx, "v1")).unwrap();
    let program = BTreeMap::from([("auth".to_owned(), 1), ("bank".to_owned(), 2)]);
    one.run(|ctx| begin(ctx, &program)).unwrap();
    schedule(&mut one, plan("v2", 11)).unwrap();
    let exported = one.run(|ctx| Upgrade.export(ctx)).unwrap();
    let mut other = chain();
    other.run(|ctx| Upgrade.init(ctx, exported.clone())).unwrap();
    other.run(|ctx| begin(ctx, &program)).unwrap();
    assert_eq!(other.run(|ctx| Upgrade.export(ctx)).unwrap(), exported);
    for found in [BTreeMap::from([("auth".to_owned(), 1)]), BTreeMap::from([("auth".to_owned(), 1), ("bank".to_owned(), 3)])] {
        refused(other.run(|ctx| begin(ctx, &found)), "upgrade", 6);
    }
}

#[test]
fn what_is_wrong_in_genesis_is_refused() {
    let applied = |name: &str, height| AppliedUpgrade { name: name.into(), height };
    let module = |version| ModuleVersion { name: "bank".into(), version };
    let none = GenesisState::default;
    let cases = [
        (GenesisState { plan: Some(plan("v2", 10)), ..none() }, 6),
        (GenesisState { plan: Some(plan("v2", 11)), applied: vec![applied("v2", 3)], ..none() }, 6),
        (GenesisState { plan: Some(plan("/", 11)), ..none() }, 7),
        (GenesisState { applied: vec![applied("v2", 0)], ..none() }, 6),
        (GenesisState { applied: vec![applied("v2", 1), applied("v2", 2)], ..none() }, 6),
        (GenesisState { applied: vec![applied("a b", 1)], ..none() }, 7),
        (GenesisState { module_versions: vec![module(0)], ..none() }, 6),
        (GenesisState { module_versions: vec![module(1), module(1)], ..none() }, 6),
    ];
    for (genesis, code) in cases {
        refused(chain().run(|ctx| Upgrade.init(ctx, genesis)), "upgrade", code);
    }
}
