//! Conservation: whatever happens, what is paid, claimable and held is what came in.
use std::collections::BTreeMap;

use cairn_kernel::{BASE_DENOM, Coin};
use cairn_proto::cairn::rewards::v1::*;

use super::world::{ATOM, Noise, WEALTH, World, refused, rules, user};
use crate::{Error, Rewards, fund_pool, record};

#[test]
fn pots_take_only_denominations_that_the_rules_name_and_at_most_eight() {
    let mut world = World::with(rules());
    refused(world.fund(1, &[Coin::new("ibc/junk", 1)]), Error::ArenaDenom { arena: 1, denom: "ibc/junk".into() });
    refused(world.fund(1, &[]), Error::NoCoins);
    assert_eq!(world.fund(1, &[Coin::base(WEALTH + 1)]).unwrap_err().codespace, "sdk");
    // Fill all eight, then let the owner name others: there is no ninth pot.
    let denoms: Vec<String> = (0..7).map(|n| format!("partner{n}")).collect();
    world.change_rules(ArenaRules { denoms: denoms.clone(), ..rules() });
    for denom in &denoms {
        world.give(user(1), Coin::new(denom.clone(), 5));
        world.fund(1, &[Coin::new(denom.clone(), 5)]).unwrap();
    }
    world.fund(1, &[Coin::base(5)]).unwrap();
    world.change_rules(rules());
    refused(world.fund(1, &[Coin::new(ATOM, 5)]), Error::Pots(1));
    world.fund(1, &[Coin::base(5)]).unwrap();
    assert_eq!((world.pots().len(), world.pot(BASE_DENOM)), (8, 10));
    world.check();
}

#[test]
fn a_part_of_the_pot_is_paid_each_epoch() {
    let mut world = World::started(ArenaRules { payout_bps: 1_000, dividend_bps: 0, ..rules() }, 1, &[500]);
    world.fund(1, &[Coin::base(1_000)]).unwrap();
    let mut left = Vec::new();
    for _ in 0..3 {
        world.score(&[(2, &[(1, 1)])]);
        left.push(world.pot(BASE_DENOM));
    }
    assert_eq!((left, world.due(11, BASE_DENOM), world.due(2, BASE_DENOM)), (vec![900, 810, 729], 271, 0));
}

/// 400 random steps of scorers, participants and funders; the invariants run after every block.
#[test]
fn random_arenas_conserve_every_coin() {
    for seed in 1..=4 {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let rules = ArenaRules { no_reveal_bps: 1_000, payout_bps: 3_000, ..rules() };
        let mut world = World::started(rules, 2, &[500, 400]);
        let mut rows = BTreeMap::<u8, Vec<(u64, u16)>>::new();
        let mut done = 0;
        for _ in 0..400 {
            let (scorer, participant) = (2 + noise.below(6) as u8, 11 + noise.below(8) as u8);
            let amount = 1 + u128::from(noise.below(2_000));
            done += u32::from(match noise.below(10) {
                0 => world.bond(scorer, amount).is_ok(),
                1 => world.unbond(scorer, amount).is_ok(),
                2 => world.register(participant).is_ok(),
                3 => world.fund(participant, &[Coin::base(amount), Coin::new(ATOM, amount / 2 + 1)]).is_ok(),
                4 => world.claim(participant).is_ok() | world.claim(scorer).is_ok() | world.withdraw(scorer).is_ok(),
                5 | 6 => {
                    let last = world.arena().last_registration;
                    let row: Vec<(u64, u16)> = (1..=last).map(|r| (r, noise.below(12) as u16)).filter(|(_, s)| *s < 9).collect();
                    let committed = world.commit(scorer, &row).is_ok();
                    if committed {
                        rows.insert(scorer, row);
                    }
                    committed
                }
                7 | 8 => rows.get(&scorer).cloned().is_some_and(|row| world.reveal(scorer, &row).is_ok()),
                _ => true,
            });
            if noise.below(3) == 0 {
                let next = world.chain.block.height + 1;
                world.go_to(next);
            }
        }
        for epoch in world.epochs() {
            let sum = |coins: &[cairn_proto::cosmos::base::v1beta1::Coin], denom: &str| {
                coins.iter().filter(|c| c.denom == denom).map(|c| c.amount.parse::<u128>().unwrap()).sum::<u128>()
            };
            for denom in [BASE_DENOM, ATOM] {
                assert!(sum(&epoch.incentives, denom) + sum(&epoch.dividends, denom) <= sum(&epoch.budget, denom));
            }
        }
        // Nobody holds ATOM but users and the arena, and none was burnt.
        let users: u128 = (1..=20).map(|n| world.balance(n, ATOM)).sum();
        let due: u128 = (1..=20).map(|n| world.due(n, ATOM)).sum();
        assert_eq!(users + due + world.pot(ATOM), 20 * WEALTH);
        println!("seed {seed}: {done} of 400 steps done, {} epochs", world.epochs().len());
        assert!(world.epochs().len() > 5);
    }
}

#[test]
fn the_history_of_a_contributor_tells_what_each_epoch_paid() {
    let mut world = World::empty();
    let params = Params { epoch_blocks: 10, issuance: "100".into(), issuance_share_bps: 10_000, ..crate::default_params() };
    let authority = cairn_auth::authority().to_string();
    world.chain.tx(|ctx| Rewards.update_params(ctx, MsgUpdateParams { authority, params: Some(params) })).unwrap();
    let history = |world: &mut World| {
        let q = QueryHistoryRequest { contributor: user(2).to_string(), pagination: None };
        world.chain.run(|ctx| Rewards.history(ctx, q)).unwrap().rewards
    };
    assert_eq!(history(&mut world), []);
    world.chain.tx(|ctx| fund_pool(ctx, &user(1), &[Coin::base(1)])).unwrap();
    world.go_to(1_001);
    for (kind, weight) in [(ContributionKind::Labels, 300), (ContributionKind::Compute, 0), (ContributionKind::Dispute, 0)] {
        world.chain.tx(|ctx| record(ctx, kind, &user(2), weight)).unwrap();
    }
    world.chain.tx(|ctx| record(ctx, ContributionKind::License, &user(3), 100)).unwrap();
    let open = history(&mut world).pop().unwrap();
    assert_eq!((open.closed, open.claimed, open.reward.as_str(), open.epoch_weight.as_str()), (false, false, "0", "400"));
    assert_eq!(open.contribution.unwrap().kinds.iter().map(|k| (k.kind, k.count)).collect::<Vec<_>>(), [(1, 1), (3, 1), (4, 1)]);
    world.go_to(1_011);
    let closed = history(&mut world).pop().unwrap();
    assert_eq!((closed.closed, closed.claimed, closed.reward.as_str(), closed.epoch_budget.as_str()), (true, false, "75", "100"));
    world.chain.tx(|ctx| Rewards.claim_reward(ctx, MsgClaimReward { contributor: user(2).to_string() })).unwrap();
    assert!(history(&mut world).pop().unwrap().claimed);
}
