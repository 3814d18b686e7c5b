//! A job from oneself to oneself, to earn issuance.
use cairn_auth::authority;
use cairn_kernel::{Address, BASE_DENOM};
use cairn_proto::cairn::{
    annotation::v1::{MsgServer as _, MsgWithdrawEarnings},
    rewards::v1::{MsgClaimReward, MsgServer as _, MsgUpdateParams, Params, QueryServer as _, QueryTotalsRequest},
};
use cairn_rewards::Rewards;

use super::world::{Person, Post, WEALTH, World, user};
use crate::Annotation;

fn supply(world: &mut World) -> u128 {
    world.ask(|ctx| cairn_bank::supply(ctx, BASE_DENOM))
}

/// Everything that a requester and its own annotators own.
fn wealth(world: &mut World, accounts: &[Address]) -> u128 {
    accounts.iter().map(|account| world.wealth(account)).sum()
}

/// Governance issues without a limit of its own, all annotators are the requester's, and every answer is right. Only the cap of what was
/// burnt stands against minting.
#[test]
fn self_dealing_job_loses_fees_and_mints_less() {
    let mut world = World::new(9);
    world.checked = false;
    let most = u128::MAX.to_string();
    let params = Params { issuance: most.clone(), pool_spend: most, issuance_share_bps: 10_000, ..cairn_rewards::default_params() };
    let update = MsgUpdateParams { authority: authority().to_string(), params: Some(params) };
    world.tx(|ctx| Rewards.update_params(ctx, update)).unwrap();
    let accounts: Vec<Address> = (1..=9).map(user).collect();
    let (before, supply_before) = (wealth(&mut world, &accounts), supply(&mut world));
    assert_eq!(before, 9 * WEALTH);

    let post = Post { tasks: 600, overlap: 5, bucket_size: 20, duration: 4_000, ..Post::default() };
    let people: Vec<Person> = (2..=9).map(|n| Person::new(user(n), post.truth)).collect();
    world.run_job(&post, &people);
    // To the end of the ledger's epoch in which the job was settled, and one more.
    let until = world.height() + 200;
    world.go_to(until);
    let volume = post.quote().labels;
    let settled = wealth(&mut world, &accounts);
    let mut claimed = 0;
    for account in &accounts[1..] {
        let own = account.to_string();
        world.tx(|ctx| Annotation.withdraw_earnings(ctx, MsgWithdrawEarnings { account: own.clone(), denoms: vec![] })).unwrap();
        let paid = world.tx(|ctx| Rewards.claim_reward(ctx, MsgClaimReward { contributor: own })).unwrap();
        claimed += paid.amount.unwrap().amount.parse::<u128>().unwrap();
    }
    world.check();
    let after = wealth(&mut world, &accounts);
    let totals = world.ask(|ctx| Rewards.totals(ctx, QueryTotalsRequest {})).totals.unwrap();
    let (burnt, minted): (u128, u128) = (totals.burnt.parse().unwrap(), totals.minted.parse().unwrap());
    println!(
        "a job of {volume} to oneself: fees and posting cost {}, issuance returns {claimed}, loss {}; burnt {burnt}, minted {minted}",
        before - settled,
        before - after
    );
    assert!(claimed > 0 && after == settled + claimed);
    assert!(after < before && claimed * 5 <= burnt * 4 && minted <= claimed);
    assert!(supply(&mut world) < supply_before, "more is burnt than minted");
}
