//! Whether the books balance: supply changes only by mint and burn events, and all balances add up to it.
use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use cairn_kernel::Coin;
use cairn_proto::cosmos::{
    bank::v1beta1::{
        QueryBalanceRequest, QueryBalanceResponse, QueryDenomOwnersRequest, QueryDenomOwnersResponse, QueryTotalSupplyRequest,
        QueryTotalSupplyResponse,
    },
    base::query::v1beta1::PageRequest,
};

use crate::chain::Chain;

/// Base units by denomination.
pub type Amounts = BTreeMap<String, i128>;

/// The supply of every denomination at a height.
#[derive(Debug, Clone)]
pub struct Books {
    /// The block after which it was this.
    pub height: u64,
    /// The supply.
    pub supply: Amounts,
}

/// What became of the supply between two readings.
#[derive(Debug, Clone)]
pub struct Movement {
    /// Minted by events.
    pub minted: Amounts,
    /// Burnt by events.
    pub burnt: Amounts,
}

/// For people: `5 share/1, 7 ucairn`, or `nothing`.
#[must_use]
pub fn show(amounts: &Amounts) -> String {
    let coins: Vec<String> = amounts.iter().map(|(denom, amount)| format!("{amount} {denom}")).collect();
    if coins.is_empty() { "nothing".to_owned() } else { coins.join(", ") }
}

/// Reads the supply after the last block that is certainly executed: CometBFT counts a block before the chain has run it.
pub async fn read(chain: &Chain) -> Result<Books> {
    let height = chain.height().await?.saturating_sub(1).max(1);
    let request = QueryTotalSupplyRequest { pagination: Some(PageRequest { limit: 1_000, ..PageRequest::default() }) };
    let answer: QueryTotalSupplyResponse = chain.query_at("/cosmos.bank.v1beta1.Query/TotalSupply", &request, Some(height)).await?;
    let supply = answer.supply.iter().map(|c| Ok((c.denom.clone(), c.amount.parse()?))).collect::<Result<_>>()?;
    Ok(Books { height, supply })
}

/// What the events of blocks `from + 1 ..= to` minted and burnt.
pub async fn movement(chain: &Chain, from: u64, to: u64) -> Result<Movement> {
    let (mut minted, mut burnt) = (Amounts::new(), Amounts::new());
    for height in from.saturating_add(1)..=to {
        let block = chain.block_results(height).await?;
        let in_txs = block.txs_results.iter().flatten().flat_map(|t| &t.events);
        for event in in_txs.chain(&block.finalize_block_events) {
            let sum = match event.kind.as_str() {
                "coinbase" => &mut minted,
                "burn" => &mut burnt,
                _ => continue,
            };
            let amount = event
                .attributes
                .iter()
                .find(|a| a.key_str().is_ok_and(|k| k == "amount"))
                .context("a mint or burn event names no amount")?;
            add(sum, amount.value_str().context("an amount is not text")?)?;
        }
    }
    Ok(Movement { minted, burnt })
}

fn add(sum: &mut Amounts, coins: &str) -> Result<()> {
    for part in coins.split(',').filter(|p| !p.is_empty()) {
        let split = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (amount, denom) = part.split_at(split);
        let entry = sum.entry(denom.to_owned()).or_default();
        *entry = entry.checked_add(amount.parse()?).context("an amount overflows")?;
    }
    Ok(())
}

/// Denominations whose supply changed by something else than events; empty if the books balance.
#[must_use]
pub fn unexplained(before: &Amounts, after: &Amounts, moved: &Movement) -> Vec<String> {
    let mut denoms: Vec<&String> = before.keys().chain(after.keys()).chain(moved.minted.keys()).chain(moved.burnt.keys()).collect();
    denoms.sort();
    denoms.dedup();
    let of = |a: &Amounts, d: &String| a.get(d).copied().unwrap_or(0);
    let mut out = Vec::new();
    for denom in denoms {
        let expected = of(before, denom).saturating_add(of(&moved.minted, denom)).saturating_sub(of(&moved.burnt, denom));
        if expected != of(after, denom) {
            out.push(format!("{denom}: expected {expected}, found {}", of(after, denom)));
        }
    }
    out
}

/// The coin that an attribute of a typed event holds: of the first such event in blocks `from..=to` whose attribute `key` is `value`.
pub async fn told(chain: &Chain, (from, to): (u64, u64), kind: &str, (key, value): (&str, &str), coin: &str) -> Result<u128> {
    for height in from..=to {
        let block = chain.block_results(height).await?;
        let in_txs = block.txs_results.iter().flatten().flat_map(|t| &t.events);
        for event in in_txs.chain(&block.finalize_block_events).filter(|event| event.kind == kind) {
            let found = |name: &str| {
                let attribute = event.attributes.iter().find(|a| a.key_str().is_ok_and(|k| k == name));
                attribute.and_then(|a| serde_json::from_str::<serde_json::Value>(a.value_str().ok()?).ok())
            };
            if found(key).is_some_and(|found| found == value) {
                let coin = found(coin).context("the event names no such coin")?;
                return coin.get("amount").and_then(serde_json::Value::as_str).and_then(|text| text.parse().ok()).context("no coin");
            }
        }
    }
    bail!("no block from {from} to {to} tells {kind} of {key} {value}")
}

/// The sum of all accounts' balances of `denom` after the block at `height`.
pub async fn held(chain: &Chain, denom: &str, height: u64) -> Result<i128> {
    let (mut key, mut sum) = (Vec::new(), 0_i128);
    loop {
        let pagination = Some(PageRequest { key, limit: 1_000, ..PageRequest::default() });
        let request = QueryDenomOwnersRequest { denom: denom.to_owned(), pagination };
        let page: QueryDenomOwnersResponse = chain.query_at("/cosmos.bank.v1beta1.Query/DenomOwners", &request, Some(height)).await?;
        for owner in &page.denom_owners {
            let amount: i128 = owner.balance.as_ref().context("an owner without balance")?.amount.parse()?;
            sum = sum.checked_add(amount).context("balances overflow")?;
        }
        key = page.pagination.map(|p| p.next_key).unwrap_or_default();
        if key.is_empty() {
            return Ok(sum);
        }
    }
}

/// What an account holds of `denom`.
pub async fn balance(chain: &Chain, address: &str, denom: &str) -> Result<u128> {
    let request = QueryBalanceRequest { address: address.to_owned(), denom: denom.to_owned() };
    let answer: QueryBalanceResponse = chain.query("/cosmos.bank.v1beta1.Query/Balance", &request).await?;
    Ok(Coin::try_from(&answer.balance.context("the reply holds no balance")?)?.amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mint_and_burn_explain_a_change() {
        let amounts = |text: &str| {
            let mut out = Amounts::new();
            add(&mut out, text).unwrap();
            out
        };
        let moved = Movement { minted: amounts("5share/1"), burnt: amounts("3ucairn") };
        assert!(unexplained(&amounts("10ucairn"), &amounts("7ucairn,5share/1"), &moved).is_empty());
        assert_eq!(unexplained(&amounts("10ucairn"), &amounts("8ucairn,5share/1"), &moved), ["ucairn: expected 7, found 8"]);
    }
}
