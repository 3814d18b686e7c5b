//! Decimal coins against what the Cosmos SDK itself computed (`proto/descriptors/vectors`).
use cairn_kernel::Dec;
use cairn_proto::cosmos::base::v1beta1::DecCoin;

use crate::DecCoins;

/// `1500000000000000000a,...`: scaled integers and denominations; `-` for nothing.
fn coins(text: &str) -> DecCoins {
    let split = |part: &str| {
        let at = part.find(|c: char| !c.is_ascii_digit()).unwrap();
        DecCoin { denom: part[at..].to_owned(), amount: part[..at].to_owned() }
    };
    let list: Vec<_> = if text == "-" { vec![] } else { text.split(',').map(split).collect() };
    DecCoins::from_wire(&list).unwrap()
}

fn text(coins: &DecCoins) -> String {
    let parts: Vec<_> = coins.iter().map(|(denom, amount)| format!("{}{denom}", amount.to_wire())).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(",") }
}

#[test]
fn decimal_coins_are_those_of_the_sdk() {
    let mut lines = 0;
    for line in include_str!("coins_vectors.txt").lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [a, b, d, expected @ ..] = words.as_slice() else { panic!("{line}") };
        let (a, b, d) = (coins(a), coins(b), Dec::from_wire(d).unwrap());
        let (whole, rest) = a.truncate().unwrap();
        let found = [
            a.add(&b).unwrap(),
            a.checked_sub(&a.min(&b)).unwrap(),
            a.min(&b),
            a.mul(&d).unwrap(),
            a.mul_truncate(&d).unwrap(),
            if d.is_zero() { DecCoins::default() } else { a.quo_truncate(&d).unwrap() },
            DecCoins::from_coins(&whole),
            rest,
        ];
        assert_eq!(found.each_ref().map(text).as_slice(), expected, "{line}");
        lines += 1;
    }
    assert!(lines >= 300, "{lines}");
}

#[test]
fn what_is_no_list_of_coins_is_refused() {
    let coin = |denom: &str, amount: &str| DecCoin { denom: denom.into(), amount: amount.into() };
    for bad in [
        vec![coin("ucairn", "0")],
        vec![coin("ucairn", "-1")],
        vec![coin("ucairn", "1.5")],
        vec![coin("u", "1")],
        vec![coin("ucairn", "1"), coin("ucairn", "1")],
        vec![coin("ucairn", "1"), coin("abc", "1")],
    ] {
        assert!(DecCoins::from_wire(&bad).is_err(), "{bad:?}");
    }
    let good = [coin("abc", "1"), coin("ucairn", "1500000000000000000")];
    let read = DecCoins::from_wire(&good).unwrap();
    assert_eq!((read.to_wire(), read.to_string()), (good.to_vec(), "0.000000000000000001abc,1.500000000000000000ucairn".into()));
    assert_eq!(read.checked_sub(&coins("2abc")), None);
    assert_eq!(read.checked_sub(&coins("1xyz")), None);
}
