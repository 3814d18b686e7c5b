//! What must hold of assets after every block.
use std::collections::BTreeMap;

use cairn_bank as bank;
use cairn_kernel::{Address, Ctx, Result, key_prefix, report};
use cairn_proto::cairn::asset::v1::{self as wire, IncomeStream};
use ethnum::U256;

use crate::{
    Error, MINTER, share_denom,
    state::{self, ASSETS, CLAIM_POOLS, HOLDERS, INCOMES},
    wide,
};

type Found = Result<Option<String>>;

/// Per asset and denomination: S * shared = sum(owed + shares * (accumulator - index)) + S * withdrawn + remainder, shares not yet claimed
/// among them at index 0; and what was paid and received in royalties is what was passed on, shared and sent to the owner.
pub(crate) fn income(ctx: &Ctx) -> Result<(), String> {
    report(each_asset(ctx, |asset| {
        let income = state::income(ctx, asset.id)?;
        for (i, stream) in income.streams.iter().enumerate() {
            let in_hands = owed(ctx, asset.id, i, stream)?;
            let out = wide::add(wide::scale(wide::load(&stream.withdrawn)?)?, wide::load(&stream.remainder)?)?;
            let (shared, accounted) = (wide::scale(wide::load(&stream.shared)?)?, wide::add(in_hands, out)?);
            if shared != accounted {
                return Ok(Some(format!(
                    "asset {}: of {shared} {} shared (times 2^64), {accounted} are accounted for",
                    asset.id, stream.denom
                )));
            }
            let came = wide::add(wide::load(&stream.paid)?, wide::load(&stream.royalties)?)?;
            let kept = wide::add(wide::load(&stream.shared)?, wide::load(&stream.to_owner)?)?;
            let went = wide::add(kept, wide::load(&stream.passed_on)?)?;
            if came != went {
                return Ok(Some(format!("asset {}: {came} {} came in, {went} went on", asset.id, stream.denom)));
            }
        }
        Ok(None)
    }))
}

/// What all holders of asset `id` are owed of its stream `i`, at scale S.
fn owed(ctx: &Ctx, id: u64, i: usize, stream: &IncomeStream) -> Result<U256> {
    let accumulator = wide::load(&stream.accumulator)?;
    let unclaimed = CLAIM_POOLS.get(ctx, &id)?.map_or(0, |pool| pool.unclaimed);
    let mut sum = wide::mul(unclaimed.into(), accumulator)?;
    for entry in HOLDERS.range(ctx, &key_prefix(&id)) {
        let ((_, holder), settlements) = entry?;
        let (owed, index) = match settlements.settled.get(i) {
            Some(settled) => (wide::load(&settled.owed)?, wide::load(&settled.index)?),
            None => (U256::ZERO, U256::ZERO),
        };
        let shares = bank::balance(ctx, &holder, &share_denom(id))?;
        let earned = wide::mul(shares.into(), wide::sub(accumulator, index)?)?;
        sum = wide::add(sum, wide::add(owed, earned)?)?;
    }
    Ok(sum)
}

/// The module's account holds at least what was shared and not withdrawn, over all assets.
pub(crate) fn solvency(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut debts = BTreeMap::<String, U256>::new();
        for entry in INCOMES.range(ctx, &[]) {
            for stream in entry?.1.streams {
                let debt = wide::sub(wide::load(&stream.shared)?, wide::load(&stream.withdrawn)?)?;
                let sum = debts.entry(stream.denom).or_insert(U256::ZERO);
                *sum = wide::add(*sum, debt)?;
            }
        }
        for (denom, debt) in debts {
            let held = bank::balance(ctx, &MINTER.address(), &denom)?;
            if U256::from(held) < debt {
                return Ok(Some(format!("the module holds {held}{denom} and owes {debt}{denom}")));
            }
        }
        Ok(None)
    })())
}

/// Every share is held by someone with settlements or waits to be claimed; bank's supply is the asset's.
pub(crate) fn shares(ctx: &Ctx) -> Result<(), String> {
    report(each_asset(ctx, |asset| {
        let denom = share_denom(asset.id);
        let unclaimed = CLAIM_POOLS.get(ctx, &asset.id)?.map_or(0, |pool| pool.unclaimed);
        let with_module = bank::balance(ctx, &MINTER.address(), &denom)?;
        let mut sum = with_module;
        for entry in HOLDERS.range(ctx, &key_prefix(&asset.id)) {
            let ((_, holder), _): ((u64, Address), _) = entry?;
            sum = sum.checked_add(bank::balance(ctx, &holder, &denom)?).ok_or(Error::Overflow)?;
        }
        let supply = bank::supply(ctx, &denom)?;
        let expected = u128::from(asset.share_supply);
        let fine = sum == expected && supply == expected && with_module == u128::from(unclaimed);
        let fault = || format!("{denom}: supply {supply}, held {sum}, expected {expected}; module {with_module}, unclaimed {unclaimed}");
        Ok((!fine).then(fault))
    }))
}

/// Parents come before their children, and a stack is the sum of own edges and the parents' stacks.
pub(crate) fn lineage(ctx: &Ctx) -> Result<(), String> {
    report(each_asset(ctx, |asset| {
        let mut sums = BTreeMap::<u64, u32>::new();
        for parent in &asset.parents {
            if parent.asset_id >= asset.id {
                return Ok(Some(format!("asset {} has parent {}", asset.id, parent.asset_id)));
            }
            let above = state::asset(ctx, parent.asset_id)?.stack;
            let edges = above.iter().map(|r| (r.asset_id, r.bps)).chain([(parent.asset_id, parent.royalty_bps)]);
            for (ancestor, bps) in edges {
                let sum = sums.entry(ancestor).or_insert(0);
                *sum = sum.checked_add(bps).ok_or(Error::Overflow)?;
            }
        }
        let fine = asset.stack.iter().map(|r| (r.asset_id, r.bps)).eq(sums);
        Ok((!fine).then(|| format!("the stack of asset {} is not the sum of its edges", asset.id)))
    }))
}

fn each_asset(ctx: &Ctx, check: impl Fn(&wire::Asset) -> Found) -> Found {
    for entry in ASSETS.range(ctx, &[]) {
        let (_, asset) = entry?;
        if let Some(fault) = check(&asset)? {
            return Ok(Some(fault));
        }
    }
    Ok(None)
}
