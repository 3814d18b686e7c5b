//! Random lives of a small chain: all invariants after each block, no base unit made or lost, and everybody gets out in the end.
use cairn_kernel::Dec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Create(u8, u64),
    Delegate(u8, u8, u64),
    Undelegate(u8, u8, u64),
    Redelegate(u8, u8, u8, u64),
    Cancel(u8, u8, u64),
    Slash(u8, u64, u64, u64),
    Jail(u8),
    Unjail(u8),
    End(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, at, tokens) = (1_u8..7, 1_u8..5, 1_u64..20_000_000);
    prop_oneof![
        1 => (at.clone(), tokens.clone()).prop_map(|(v, t)| Step::Create(v, t)),
        4 => (who.clone(), at.clone(), tokens.clone()).prop_map(|(w, v, t)| Step::Delegate(w, v, t)),
        3 => (who.clone(), at.clone(), tokens.clone()).prop_map(|(w, v, t)| Step::Undelegate(w, v, t)),
        3 => (who.clone(), at.clone(), at.clone(), tokens.clone()).prop_map(|(w, a, b, t)| Step::Redelegate(w, a, b, t)),
        1 => (who, at.clone(), tokens).prop_map(|(w, v, t)| Step::Cancel(w, v, t)),
        2 => (at.clone(), 0_u64..4, 1_u64..30, 0_u64..=100).prop_map(|(v, ago, p, f)| Step::Slash(v, ago, p, f)),
        1 => at.clone().prop_map(Step::Jail),
        1 => at.prop_map(Step::Unjail),
        4 => (1_u64..UNBONDING).prop_map(Step::End),
    ]
}

/// Does one step; what is refused changes nothing.
fn run(world: &mut World, step: Step) {
    let height = world.chain.block.height;
    match step {
        Step::Create(v, tokens) => drop(world.create(v, tokens.into())),
        Step::Delegate(who, at, tokens) => drop(world.delegate(who, at, tokens.into())),
        Step::Undelegate(who, at, tokens) => drop(world.undelegate(who, at, tokens.into())),
        Step::Redelegate(who, from, to, tokens) => drop(world.redelegate(who, from, to, tokens.into())),
        Step::Cancel(who, at, tokens) => drop(world.cancel(who, at, tokens.into(), height.saturating_sub(1))),
        Step::Slash(v, ago, power, percent) => {
            drop(world.slash(v, height.saturating_sub(ago), power, &Dec::with_places(percent, 2).unwrap()));
        }
        Step::Jail(v) => drop(world.tx(|ctx| crate::jail(ctx, &consensus(v)))),
        Step::Unjail(v) => drop(world.tx(|ctx| crate::unjail(ctx, &consensus(v)))),
        Step::End(seconds) => drop(world.end_after(seconds)),
    }
}

/// Everybody leaves and waits.
fn leave(world: &mut World) {
    for (who, at) in (1..7).flat_map(|who| (1..5).map(move |at| (who, at))) {
        let shares = world.shares(who, at);
        if !shares.is_zero() {
            while code_of_full(world, who, at, &shares) {
                world.end_after(UNBONDING);
            }
        }
    }
    for _ in 0..3 {
        world.end_after(UNBONDING);
    }
}

/// Takes all shares out; whether there are too many entries to do so now.
fn code_of_full(world: &mut World, who: u8, at: u8, shares: &Dec) -> bool {
    match world.tx(|ctx| crate::unbonding::undelegate(ctx, &user(who), &user(at), shares)) {
        Ok(_) => false,
        Err(e) => {
            assert_eq!((e.codespace, e.code), ("staking", 27));
            true
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_made_or_lost(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::of(&[10 * M, 5 * M]);
        for step in steps {
            run(&mut world, step);
        }
        world.end();
        leave(&mut world);
        world.check();
        let supply = world.chain.run(|ctx| cairn_bank::supply(ctx, "ucairn")).unwrap();
        let held: u128 = (1..10).map(|n| world.balance(n)).sum();
        // What rounding leaves lies with validators that a set cannot do without.
        let staked: u128 = (1..5).filter_map(|n| world.validator(n)).map(|v| v.tokens.parse::<u128>().unwrap()).sum();
        prop_assert_eq!(held + staked, supply);
        prop_assert_eq!(staked, 0, "the last shares take all tokens");
    }
}
