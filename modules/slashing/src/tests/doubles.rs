//! Double signs: slashed once, out for ever, and on record.
use cairn_kernel::{Module, Status};
use cairn_proto::{
    Any,
    cosmos::evidence::v1beta1::{
        Equivocation, GenesisState, MsgServer, MsgSubmitEvidence, QueryAllEvidenceRequest, QueryEvidenceRequest, QueryServer,
    },
    unpack,
};
use cairn_staking::CONSENSUS_PREFIX;

use super::*;
use crate::{Evidence, evidence_hash};

#[test]
fn a_double_sign_costs_a_twentieth_and_the_place_for_ever() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(3, &[]);
    let events = world.block(&[], &[(2, 3, 10)]);
    let name = consensus(2).to_bech32(CONSENSUS_PREFIX);
    let slashes = shown(&events, "slash");
    assert_eq!(slashes[0], [format!("address={name}"), "power=10".into(), "reason=double_sign".into(), "burned_coins=500000".into()]);
    assert_eq!(slashes[1], [format!("jailed={name}")]);
    assert_eq!(world.tokens(2), 10 * M - M / 2);
    let info = world.info(2);
    assert!(info.tombstoned && world.validator(2).jailed);
    world.chain.block.time += 1_000_000;
    assert_eq!(code(world.unjail(2)), ("slashing", 4));
    // A second proof, be it of another height, costs nothing.
    assert!(shown(&world.block(&[], &[(2, 2, 10)]), "slash").is_empty());
    assert_eq!(world.tokens(2), 10 * M - M / 2);
}

#[test]
fn what_left_after_the_double_sign_pays_too() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(3, &[]);
    let fault = world.chain.block.height;
    world.undelegate(2, 4 * M).unwrap();
    world.blocks(2, &[]);
    world.block(&[], &[(2, fault, 10)]);
    assert_eq!(world.tokens(2), 6 * M - 3 * M / 10);
}

#[test]
fn a_jailed_validator_still_pays_for_a_double_sign() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(10, &[]);
    world.blocks(6, &[2]);
    assert!(world.validator(2).jailed);
    let events = world.block(&[], &[(2, 8, 10)]);
    assert_eq!(shown(&events, "slash").len(), 1, "it is in jail already");
    assert!(world.info(2).tombstoned);
}

#[test]
fn who_is_gone_or_free_pays_nothing() {
    let mut world = World::of(&[10 * M, 10 * M]);
    assert!(shown(&world.block(&[], &[(9, 1, 10)]), "slash").is_empty());
    world.undelegate(2, 9 * M + 1).unwrap();
    world.block(&[], &[]);
    world.chain.block.time += UNBONDING;
    world.block(&[], &[]);
    assert!(shown(&world.block(&[], &[(2, 1, 10)]), "slash").is_empty());
    assert!(!world.info(2).tombstoned);
}

#[test]
fn a_key_that_signed_twice_never_comes_back() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.block(&[], &[(2, 1, 10)]);
    let left = world.tokens(2);
    world.undelegate(2, left).unwrap();
    world.block(&[], &[]);
    world.chain.block.time += 2 * UNBONDING;
    world.block(&[], &[]);
    world.block(&[], &[]);
    assert!(world.chain.run(|ctx| cairn_staking::validator(ctx, &user(2))).unwrap().is_none());
    assert_eq!(code(world.create(3, 2, M)), ("slashing", 9));
    world.create(3, 3, M).unwrap();
}

#[test]
fn one_proof_that_cannot_be_judged_does_not_free_the_others() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(3, &[]);
    // A fault in the future is refused by staking.
    let events = world.block(&[], &[(1, 1_000, 10), (2, 3, 10)]);
    assert_eq!(shown(&events, "slashing_failed").len(), 1);
    assert!(!world.info(1).tombstoned && world.info(2).tombstoned);
}

#[test]
fn proofs_are_on_record() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(3, &[]);
    world.block(&[], &[(2, 3, 10)]);
    let all = world.chain.run(|ctx| Evidence.all_evidence(ctx, QueryAllEvidenceRequest { pagination: None })).unwrap();
    let record: Equivocation = unpack(&all.evidence[0]).unwrap();
    assert_eq!((record.height, record.power), (3, 10));
    assert_eq!(record.consensus_address, consensus(2).to_bech32(CONSENSUS_PREFIX));
    #[expect(deprecated, reason = "older clients ask by the bytes")]
    let mut ask = |evidence_hash: Vec<u8>, hash: String| {
        world.chain.run(|ctx| Evidence.evidence(ctx, QueryEvidenceRequest { evidence_hash, hash })).map(|found| found.evidence.unwrap())
    };
    let hash = evidence_hash(&record);
    assert_eq!(ask(vec![], hex::encode_upper(hash)).unwrap(), all.evidence[0]);
    assert_eq!(ask(hash.to_vec(), String::new()).unwrap(), all.evidence[0]);
    assert_eq!(ask(vec![], "00".repeat(32)).unwrap_err().status, Status::NotFound);
    assert_eq!(ask(vec![], "zz".into()).unwrap_err().code, 18);

    let exported = world.chain.run(|ctx| Evidence.export(ctx)).unwrap();
    let mut again = World::of(&[M]);
    again.chain.run(|ctx| Evidence.init(ctx, exported.clone())).unwrap();
    assert_eq!(again.chain.run(|ctx| Evidence.export(ctx)).unwrap(), exported);
    let wrong = GenesisState { evidence: vec![Any { type_url: "/x".into(), value: vec![] }] };
    assert_eq!(code(again.chain.run(|ctx| Evidence.init(ctx, wrong))), ("sdk", 34));
}

#[test]
fn nobody_submits_evidence_by_message() {
    let mut world = World::of(&[M]);
    let m = MsgSubmitEvidence { submitter: user(1).to_string(), evidence: None };
    assert_eq!(code(world.tx(|ctx| Evidence.submit_evidence(ctx, m))), ("evidence", 2));
}
