//! What the rules of the auction promise, by trying everything small, and what an attacker gains.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, reason = "a test may panic, and figures of attacks are a report")]
use super::clearing::{Ask, Bid, Clearing, THICK, clear, median, remembered};

/// A tie value that tells nothing about the side.
fn tie(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn bids(prices: &[u128]) -> Vec<Bid> {
    prices.iter().zip(0..).map(|(price, id)| Bid { id, price: *price, tie: tie(id) }).collect()
}

fn asks(prices: &[u128]) -> Vec<Ask> {
    prices.iter().zip(0..).map(|(price, id)| Ask { id, price: *price, capacity: 1, tie: tie(id + 99) }).collect()
}

fn run(buyers: &[u128], sellers: &[u128]) -> Clearing {
    clear(&bids(buyers), &asks(sellers), None).unwrap()
}

/// What buyer `i` of true value `value` gains.
fn buyer_gain(found: &Clearing, i: u64, value: u128) -> i128 {
    let trades = found.trades.iter().any(|(bid, _)| *bid == i);
    if trades { i128::try_from(value).unwrap() - i128::try_from(found.buyers_pay).unwrap() } else { 0 }
}

fn seller_gain(found: &Clearing, i: u64, cost: u128) -> i128 {
    let trades = found.trades.iter().any(|(_, ask)| *ask == i);
    if trades { i128::try_from(found.sellers_get).unwrap() - i128::try_from(cost).unwrap() } else { 0 }
}

/// Every list of `n` prices from 1 to `most`, sorted: who names which of them does not matter.
fn lists(n: usize, most: u128) -> Vec<Vec<u128>> {
    if n == 0 {
        return vec![vec![]];
    }
    let tails = lists(n - 1, most);
    tails.iter().flat_map(|tail| (tail.last().copied().unwrap_or(1)..=most).map(|p| [&tail[..], &[p]].concat())).collect()
}

/// Trades that truthful offers would make.
fn thickness(buyers: &[u128], sellers: &[u128]) -> usize {
    let (mut b, mut s) = (buyers.to_vec(), sellers.to_vec());
    b.sort_unstable_by(|x, y| y.cmp(x));
    s.sort_unstable();
    b.iter().zip(&s).take_while(|(b, s)| b >= s).count()
}

#[test]
fn nobody_pays_above_its_bid_or_gets_below_its_ask_and_no_coin_is_missing() {
    for n in 1..=4 {
        for buyers in lists(n, 6) {
            for m in 1..=4 {
                for sellers in lists(m, 6) {
                    let found = run(&buyers, &sellers);
                    assert!(found.buyers_pay >= found.sellers_get, "{buyers:?} {sellers:?}");
                    assert!(found.trades.len() + 1 >= thickness(&buyers, &sellers), "at most one trade is given up");
                    for (bid, ask) in &found.trades {
                        assert!(found.buyers_pay <= buyers[usize::try_from(*bid).unwrap()]);
                        assert!(found.sellers_get >= sellers[usize::try_from(*ask).unwrap()]);
                    }
                }
            }
        }
    }
}

#[test]
fn the_order_of_offers_changes_nothing() {
    let (b, s) = (bids(&[9, 7, 7, 6, 5, 5, 3]), asks(&[2, 3, 3, 4, 5, 5, 8]));
    let right = clear(&b, &s, Some(5)).unwrap();
    assert_eq!(right.trades.len(), 6);
    for turn in 0..7 {
        let (mut b, mut s) = (b.clone(), s.clone());
        b.rotate_left(turn);
        s.reverse();
        s.rotate_right(turn);
        assert_eq!(clear(&b, &s, Some(5)).unwrap(), right);
    }
}

/// Every small deviation of every offer, where the market stays thick under it: nobody gains. Four trades need four offers a side, and prices
/// of the fifth make the mean; so n is 4 and 5.
#[test]
fn in_a_thick_market_no_other_price_than_the_true_one_gains() {
    let mut tried = 0_u64;
    for buyers in lists(4, 6).into_iter().chain(lists(5, 4)) {
        for sellers in lists(buyers.len(), if buyers.len() == 4 { 6 } else { 4 }) {
            if thickness(&buyers, &sellers) < THICK {
                continue;
            }
            let honest = run(&buyers, &sellers);
            for i in 0..buyers.len() {
                for other in 1..=6 {
                    let (mut lied_b, mut lied_s) = (buyers.clone(), sellers.clone());
                    (lied_b[i], lied_s[i]) = (other, other);
                    let id = i as u64;
                    if thickness(&lied_b, &sellers) >= THICK {
                        tried += 1;
                        let gain = buyer_gain(&run(&lied_b, &sellers), id, buyers[i]) - buyer_gain(&honest, id, buyers[i]);
                        assert!(gain <= 0, "buyer {i} of {buyers:?} {sellers:?} says {other} and gains {gain}");
                    }
                    if thickness(&buyers, &lied_s) >= THICK {
                        tried += 1;
                        let gain = seller_gain(&run(&buyers, &lied_s), id, sellers[i]) - seller_gain(&honest, id, sellers[i]);
                        assert!(gain <= 0, "seller {i} of {buyers:?} {sellers:?} says {other} and gains {gain}");
                    }
                }
            }
        }
    }
    println!("{tried} deviations tried in thick markets, none gains");
    assert!(tried > 10_000);
}

/// Where fewer than four trade, a buyer at the edge may gain by a lower price. The README tells the bound: what it says too little, and never more
/// than the distance from its value to the dearest ask that trades.
#[test]
fn in_a_thin_market_sellers_are_truthful_and_buyers_gain_within_the_bound() {
    let (mut tried, mut gaining, mut most) = (0_u64, 0_u64, 0_i128);
    for n in 1..THICK {
        for buyers in lists(n, 6) {
            for sellers in lists(n, 6).into_iter().chain(lists(n + 1, 6)) {
                let honest = run(&buyers, &sellers);
                for i in 0..n {
                    for other in 1..=6_u128 {
                        let (mut lied, id) = (buyers.clone(), i as u64);
                        lied[i] = other;
                        tried += 1;
                        let gain = buyer_gain(&run(&lied, &sellers), id, buyers[i]) - buyer_gain(&honest, id, buyers[i]);
                        let cheapest = i128::try_from(*sellers.iter().min().unwrap()).unwrap();
                        let bound = i128::try_from(honest.buyers_pay).unwrap() - cheapest;
                        assert!(gain <= bound.max(0), "{buyers:?} {sellers:?}: buyer {i} says {other} and gains {gain}");
                        gaining += u64::from(gain > 0);
                        most = most.max(gain);
                    }
                }
                assert_eq!(honest.trades.len(), thickness(&buyers, &sellers), "below four all trade");
            }
        }
    }
    println!("{gaining} of {tried} deviations in thin markets gain, at most {most} of prices up to 6");
    assert!(gaining > 0, "the README says that thin markets are not truthful");
}

#[test]
fn a_capacity_is_so_many_asks_at_one_price() {
    let wide = [Ask { id: 0, price: 2, capacity: 3, tie: tie(1) }];
    let found = clear(&bids(&[5, 4, 3, 2, 1]), &wide, None).unwrap();
    assert_eq!((found.trades.len(), found.buyers_pay), (3, 3));
    assert!(found.trades.iter().all(|(_, ask)| *ask == 0));
    assert_eq!(clear(&[], &wide, None).unwrap(), Clearing::default());
    assert_eq!(clear(&bids(&[5]), &[Ask { capacity: 0, ..wide[0] }], None).unwrap(), Clearing::default());
    let endless = [Ask { capacity: u32::MAX, ..wide[0] }];
    assert_eq!(clear(&bids(&[5, 4]), &endless, None).unwrap().buyers_pay, 2, "its own further place is the next ask");
}

#[test]
fn mcafee_gives_up_the_last_trade_where_the_mean_lies_outside() {
    // The fifth pair makes the mean 5: all four trade at it.
    let all = run(&[9, 8, 7, 6, 5], &[1, 2, 3, 4, 6]);
    assert_eq!((all.trades.len(), all.buyers_pay, all.sellers_get), (4, 5, 5));
    // Without a fifth pair: three trade, and one unit a trade is left over.
    let less = run(&[9, 8, 7, 6], &[1, 2, 3, 5]);
    assert_eq!((less.trades.len(), less.buyers_pay, less.sellers_get), (3, 6, 5));
    assert_eq!(remembered(&less, None).unwrap(), Some(5));
    assert_eq!([20, 2].map(|median| remembered(&less, Some(median)).unwrap()), [Some(10), Some(4)], "one epoch moves the memory by half");
    assert_eq!(remembered(&Clearing::default(), None).unwrap(), None);
}

#[test]
fn a_price_far_from_the_median_counts_as_outside() {
    let (b, s) = (bids(&[90, 80, 70, 60, 30]), asks(&[1, 2, 3, 4, 50]));
    assert_eq!(clear(&b, &s, None).unwrap().buyers_pay, 40);
    for (median, all) in [(40, true), (80, true), (81, false), (20, true), (19, false)] {
        assert_eq!(clear(&b, &s, Some(median)).unwrap().trades.len(), if all { 4 } else { 3 }, "{median}");
    }
    assert_eq!((median(&[]), median(&[7]), median(&[9, 1]), median(&[3, 9, 5])), (None, Some(7), Some(1), Some(5)));
    let extreme = [Bid { id: 0, price: u128::MAX, tie: tie(0) }];
    assert_eq!(clear(&extreme, &asks(&[1]), None).unwrap().buyers_pay, u128::MAX);
}

/// What somebody gains who sends offers that it does not mean, on either side, and what the others lose; fees and deposits included as the
/// module takes them: 0.1 % of each cap is gone, an offer that is not revealed loses 10 %.
#[test]
fn lone_pair_trades_and_fake_bids_pay() {
    let lone = run(&[1_000], &[600]);
    assert_eq!((lone.trades.len(), lone.buyers_pay, lone.sellers_get), (1, 1_000, 1_000), "a lone pair trades");

    // A seller adds a fake bid just below the edge, hoping to lift the mean of a thick market.
    let (buyers, sellers) = ([1_000_u128, 950, 900, 850, 400], [300_u128, 350, 400, 450, 800]);
    let honest = run(&buyers, &sellers);
    assert_eq!((honest.trades.len(), honest.buyers_pay), (4, 600));
    let history = Some(600);
    let (mut best, mut lost) = (i128::MIN, 0_i128);
    for fake in (100..=4_000_u128).step_by(10) {
        let all = clear(&bids(&[&buyers[..], &[fake]].concat()), &asks(&sellers), history).unwrap();
        let fee = i128::try_from(fake / 1_000).unwrap();
        // A fake bid that trades must pay for a job that nobody wants.
        let bought = if all.trades.iter().any(|(bid, _)| *bid == 5) { i128::try_from(all.buyers_pay).unwrap() } else { 0 };
        let gain = seller_gain(&all, 0, 300) - seller_gain(&honest, 0, 300) - fee - bought;
        let loss = (0..5).map(|i| buyer_gain(&honest, i, buyers[i as usize]) - buyer_gain(&all, i, buyers[i as usize])).sum::<i128>();
        if gain > best {
            (best, lost) = (gain, loss);
        }
    }
    println!("fake bid in a thick market: the seller gains at most {best} of a price of 600, buyers then lose {lost}");
    assert!(best <= 200, "at most what the guard's double leaves: b_z - p");

    // An unrevealed fake moves nothing and loses its deposit.
    let hidden = 100_i128 + 1;
    println!("unrevealed fake bid of cap 1000: attacker loses {hidden}, others lose 0");
    assert!(hidden > 0);

    // A buyer fakes a cheap ask to lower the price: it trades and must then work at that price, or lose its bond.
    let thin = run(&[1_000, 900], &[500, 700, 800]);
    let faked = run(&[1_000, 900], &[500, 700, 800, 100]);
    assert_eq!((thin.buyers_pay, faked.buyers_pay), (800, 700));
    let saved = 100_i128;
    // The fake ask trades: it is matched to a job, and not delivering costs a tenth of the price and the job; m times the price is locked.
    let cost = i128::try_from(faked.buyers_pay).unwrap() / 10 + 1;
    println!("fake ask in a thin market: the buyer saves {saved}, the late provider pays {cost} and one job in two is not done");
    assert!(faked.trades.iter().any(|(_, ask)| *ask == 3), "a fake ask below the edge is taken at its word");
}
