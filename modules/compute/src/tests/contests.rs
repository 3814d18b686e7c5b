//! Contested results: the whole way through dispute.
use cairn_kernel::BPS;
use cairn_proto::cairn::compute::v1::{JobOutcome, JobState};

use super::world::{BOND, LOCKED, PRICE, World, provider, refused, requester, user};
use crate::{Error, rules};

#[test]
fn a_wrong_result_is_found_and_slashed_and_its_finder_is_paid() {
    let mut world = World::new();
    let (job, until) = world.delivered(false, 0);
    let case = world.challenge(user(10), job, world.work.right.root()).unwrap();
    assert_eq!((world.state(job), world.job(job).case_id), (JobState::Contested, case));
    assert_eq!(PRICE - world.balance(user(10)), PRICE / 20, "the bond is a twentieth of the price");
    world.run_to(until + 1);
    let supply = world.supply();
    world.play_out(case, Some(user(10)), Some(provider()));
    assert_eq!(world.job(job).outcome(), JobOutcome::Wrong);
    assert_eq!((world.balance(requester()), world.balance(provider())), (PRICE, 0));
    assert_eq!(world.balance(user(10)), PRICE + LOCKED * 35 / 100, "its own bond is back");
    assert_eq!(supply - world.supply(), LOCKED / 2);
    let found = world.provider(provider());
    assert_eq!((found.wrong, found.bond.unwrap().amount), (1, (BOND - LOCKED).to_string()));
}

#[test]
fn a_right_result_survives_a_lie_and_is_paid_with_half_of_the_liars_bond() {
    let mut world = World::new();
    let (job, until) = world.delivered(true, 0);
    let case = world.challenge(user(10), job, world.work.wrong.root()).unwrap();
    world.run_to(until + 1);
    world.play_out(case, Some(provider()), Some(user(10)));
    assert_eq!(world.job(job).outcome(), JobOutcome::Paid);
    assert_eq!(world.balance(provider()), PRICE - PRICE / 50 + PRICE / 40);
    assert_eq!(world.balance(user(10)), PRICE - PRICE / 20);
    assert_eq!(world.provider(provider()).bond.unwrap().amount, BOND.to_string());
}

#[test]
fn two_that_are_silent_both_lose_and_the_requester_has_its_money() {
    let mut world = World::new();
    let (job, until) = world.delivered(true, 0);
    let case = world.challenge(user(10), job, [7; 32]).unwrap();
    world.run_to(until + 1);
    world.play_out(case, None, None);
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::Wrong, PRICE));
    assert_eq!(world.provider(provider()).bond.unwrap().amount, (BOND - LOCKED).to_string());
}

#[test]
fn a_result_is_contested_up_to_the_last_height_of_its_window() {
    let mut world = World::new();
    let (job, until) = world.delivered(false, 0);
    world.run_to(until);
    let root = world.work.right.root();
    world.challenge(user(10), job, root).unwrap();
    assert_eq!(world.challenge(user(11), job, root).unwrap(), 1, "a further backer");
    world.run_to(until + 1);
    assert_eq!(world.challenge(user(12), job, [1; 32]).unwrap_err().codespace, "dispute", "the case tells until when");
    let (job, until) = world.delivered_again(true);
    world.run_to(until + 1);
    refused(world.challenge(user(13), job, [1; 32]), &Error::State(job));
    refused(world.challenge(user(13), 99, [1; 32]), &Error::NoJob(99));
}

#[test]
fn a_challenge_costs_at_least_what_running_the_program_again_does() {
    let params = crate::test_params();
    assert_eq!(rules::challenge_bond(&params, 1_000_000, 0, 1).unwrap(), 50_000);
    assert_eq!(rules::challenge_bond(&params, 1_000_000, 1_000_000_000, 100).unwrap(), 100_000);
    assert_eq!(rules::challenge_bond(&params, 1, 0, 1).unwrap(), 1);
    assert!(BPS > params.challenge_bps);
}
