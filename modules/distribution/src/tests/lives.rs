//! Step by step and digit for digit beside the SDK's own staking and distribution (`proto/descriptors/vectors`, `lives`): what is refused, what is
//! paid, and after each block all books: the pool, tokens, outstanding rewards and commission of each validator, each balance.
use cairn_kernel::{Error, Result};
use cairn_proto::cosmos::distribution::v1beta1::{MsgServer, MsgUpdateParams, Params};

use super::*;
use crate::{DecCoins, Distribution};

fn n<T: std::str::FromStr<Err: std::fmt::Debug>>(word: &str) -> T {
    word.parse().unwrap()
}

fn chain(tax: &str) -> World {
    let mut world = World::new();
    let tax = cairn_kernel::Dec::with_places(n(tax), 2).unwrap().to_wire();
    let params = Params { community_tax: tax, ..crate::default_params() };
    let m = MsgUpdateParams { authority: cairn_auth::authority().to_string(), params: Some(params) };
    world.tx(|ctx| Distribution.update_params(ctx, m)).unwrap();
    world
}

/// What a step answers.
fn run(world: &mut World, step: &[&str]) -> String {
    let ok = |done: Result<()>| done.map(|()| "ok".to_owned());
    let answer: Result<String, Error> = match step {
        ["create", v, tokens, percent] => ok(world.create(n(v), n(tokens), n(percent))),
        ["delegate", who, at, tokens] => ok(world.delegate(n(who), n(at), n(tokens))),
        ["undelegate", who, at, tokens] => ok(world.undelegate(n(who), n(at), n(tokens))),
        ["redelegate", who, from, to, tokens] => ok(world.redelegate(n(who), n(from), n(to), n(tokens))),
        ["edit", v, percent] => ok(world.set_commission(n(v), n(percent))),
        ["commission", v] => ok(world.withdraw_commission_of(n(v))),
        ["withdraw", who, at] => world.withdraw(n(who), n(at)).map(|paid| format!("{paid}ucairn")),
        ["slash", v, height, thousandths] => world.slash(n(v), n(height), n(thousandths)).map(|burnt| burnt.to_string()),
        other => panic!("{other:?}"),
    };
    answer.unwrap_or_else(|_| "refused".to_owned())
}

fn scaled(coins: &DecCoins) -> String {
    if coins.is_empty() { "-".to_owned() } else { format!("{}ucairn", coins.amount_of("ucairn").to_wire()) }
}

fn books(world: &mut World, line: &str) -> String {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["pool", ..] => format!("pool {}", scaled(&world.pool())),
        ["validator", number, ..] => match world.validator(n(number)) {
            None => format!("validator {number} none"),
            Some(validator) => {
                let (outstanding, commission) = (world.outstanding(n(number)), world.commission(n(number)));
                format!("validator {number} {} {} {}", validator.tokens, scaled(&outstanding), scaled(&commission))
            }
        },
        ["balances", ..] => {
            let held: Vec<_> = (1..7).map(|who| world.balance(&user(who)).to_string()).collect();
            format!("balances {}", held.join(" "))
        }
        _ => panic!("{line}"),
    }
}

#[test]
fn chains_live_as_those_of_the_sdk() {
    let (mut world, mut steps, mut refused) = (World::new(), 0, 0);
    for (place, line) in include_str!("lives_vectors.txt").lines().enumerate() {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["chain", tax] => world = chain(tax),
            ["block", seconds, fees] => drop(world.block_after(n(seconds), n(fees))),
            [step @ .., "->", expected] => {
                assert_eq!(run(&mut world, step), *expected, "line {}: {line}", place + 1);
                steps += 1;
                refused += u32::from(*expected == "refused");
            }
            _ => assert_eq!(books(&mut world, line), line, "line {}", place + 1),
        }
    }
    assert!(steps > 400 && refused < steps / 2, "{refused} of {steps}");
}
