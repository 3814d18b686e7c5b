//! The kernel's coins and pages from and to their messages.

use cairn_kernel::{Coin, Coins, Error, Page, Result};

use crate::cosmos::base::{
    query::v1beta1::{PageRequest, PageResponse},
    v1beta1 as proto,
};

impl From<Coin> for proto::Coin {
    fn from(coin: Coin) -> Self {
        Self { amount: coin.amount.to_string(), denom: coin.denom }
    }
}

impl From<&Coin> for proto::Coin {
    fn from(coin: &Coin) -> Self {
        Self { denom: coin.denom.clone(), amount: coin.amount.to_string() }
    }
}

/// Zero is allowed; see [`Coin::positive`].
impl TryFrom<&proto::Coin> for Coin {
    type Error = Error;

    fn try_from(coin: &proto::Coin) -> Result<Self> {
        Self::parse(&coin.denom, &coin.amount)
    }
}

/// A single coin of a message, by value.
impl TryFrom<proto::Coin> for Coin {
    type Error = Error;

    fn try_from(coin: proto::Coin) -> Result<Self> {
        Self::try_from(&coin)
    }
}

/// Coins as messages carry them: sorted by denomination, without repetition, all positive.
///
/// # Errors
/// `sdk/10` where they are not.
pub fn coins(coins: &[proto::Coin]) -> Result<Coins> {
    Coins::strict(coins.iter().map(Coin::try_from).collect::<Result<_>>()?)
}

/// The message form of `coins`, in their order.
#[must_use]
pub fn to_proto(coins: &Coins) -> Vec<proto::Coin> {
    coins.iter().map(Into::into).collect()
}

impl From<PageRequest> for cairn_kernel::PageRequest {
    fn from(page: PageRequest) -> Self {
        let PageRequest { key, offset, limit, count_total, reverse } = page;
        Self { key, offset, limit, count_total, reverse }
    }
}

impl From<Page> for PageResponse {
    fn from(page: Page) -> Self {
        Self { next_key: page.next_key, total: page.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coin(denom: &str, amount: &str) -> proto::Coin {
        proto::Coin { denom: denom.into(), amount: amount.into() }
    }

    #[test]
    fn coins_go_there_and_back() {
        let most = u128::MAX.to_string();
        for amount in ["0", "1", &most] {
            let wire = coin("ucairn", amount);
            assert_eq!(proto::Coin::from(Coin::try_from(&wire).unwrap()), wire);
        }
    }

    #[test]
    fn unsorted_repeated_and_empty_amounts_are_refused() {
        let refused = [
            vec![coin("bbb", "1"), coin("aaa", "1")],
            vec![coin("aaa", "1"), coin("aaa", "1")],
            vec![coin("aaa", "0")],
            vec![coin("aaa", "-1")],
            vec![coin("aaa", "01")],
            vec![coin("aaa", "")],
            vec![coin("a", "1")],
        ];
        for list in refused {
            assert_eq!(coins(&list).unwrap_err().code, 10, "{list:?}");
        }
        let sorted = [coin("aaa", "1"), coin("bbb", "2")];
        assert_eq!(to_proto(&coins(&sorted).unwrap()), sorted);
    }
}
