//! Stakes against what the Cosmos SDK itself computed (`proto/descriptors/vectors`), and against exact fractions.
use cairn_kernel::Dec;
use num_bigint::BigUint;
use proptest::prelude::*;

use crate::Stake;

/// The scaled integer of a decimal.
fn scaled(dec: &Dec) -> BigUint {
    dec.to_wire().parse().unwrap()
}

fn unit() -> BigUint {
    BigUint::from(10_u64).pow(18)
}

proptest! {
    /// Beside exact fractions: what is issued is never more than the exact number of shares and less by under one last place; what is paid
    /// exceeds the exact worth by at most half a last place, and falls short of it by under one token.
    #[test]
    fn stakes_keep_to_exact_fractions(steps in prop::collection::vec((0_u8..3, 1_u64..1 << 50, 1_u32..=1_000), 1..40)) {
        let mut stake = Stake::default();
        for (kind, tokens, parts) in steps {
            let before = stake.clone();
            let (shares, held) = (scaled(&before.shares), BigUint::from(before.tokens));
            match kind {
                0 if !before.is_worthless() => {
                    let issued = scaled(&stake.deposit(tokens.into()).unwrap());
                    if before.shares.is_zero() {
                        prop_assert_eq!(issued, unit() * tokens);
                    } else {
                        let exact = shares * tokens;
                        prop_assert!(&issued * &held <= exact && exact < (issued + 1_u8) * held);
                    }
                }
                1 if !before.shares.is_zero() => {
                    let part = before.shares.mul_int(parts.into()).unwrap().quo_int(1_000).unwrap();
                    let paid = BigUint::from(stake.withdraw(&part).unwrap());
                    let exact = scaled(&part) * held;
                    prop_assert!(&paid * &shares * 2_u8 * unit() <= &exact * 2_u8 * unit() + &shares);
                    prop_assert!(exact < (paid + 1_u8) * shares);
                }
                _ => stake.burn(before.tokens * u128::from(parts) / 2_000).unwrap(),
            }
        }
    }
}

#[test]
fn stakes_live_as_in_the_sdk() {
    let mut stake = Stake::default();
    let mut steps = 0;
    for line in include_str!("stake_vectors.txt").lines() {
        let (step, after) = line.split_once(" = ").unwrap_or((line, ""));
        match step.split(' ').collect::<Vec<_>>()[..] {
            ["new"] => {
                stake = Stake::default();
                continue;
            }
            ["deposit", tokens, "->", shares] => assert_eq!(stake.deposit(tokens.parse().unwrap()).unwrap().to_wire(), shares, "{line}"),
            ["withdraw", shares, "->", tokens] => {
                assert_eq!(stake.withdraw(&Dec::from_wire(shares).unwrap()).unwrap().to_string(), tokens, "{line}");
            }
            ["burn", tokens] => stake.burn(tokens.parse().unwrap()).unwrap(),
            _ => panic!("{line}"),
        }
        assert_eq!(format!("{} {}", stake.tokens, stake.shares.to_wire()), after, "{line}");
        steps += 1;
    }
    assert!(steps > 500, "{steps}");
}

#[test]
fn shares_without_tokens_have_no_price() {
    let mut stake = Stake::default();
    stake.deposit(5).unwrap();
    stake.burn(5).unwrap();
    assert!(stake.is_worthless());
    assert!(stake.shares_for(1).is_err());
    assert!(stake.deposit(1).is_err());
    assert_eq!(stake.withdraw(&Dec::from_int(2)).unwrap(), 0);
    assert!(stake.burn(1).is_err());
    assert!(stake.withdraw(&Dec::from_int(4)).is_err());
    assert!(Stake::default().worth(&Dec::one()).is_err());
}

#[test]
fn power_is_whole_millions() {
    for (tokens, power) in [(0, 0), (999_999, 0), (1_000_000, 1), (1_999_999, 1), (crate::MAX_STAKED, 1 << 60)] {
        assert_eq!(Stake { tokens, shares: Dec::zero() }.power(), power);
    }
}
