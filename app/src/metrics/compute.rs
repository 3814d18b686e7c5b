//! Figures of ordered computation: jobs by state, and the coins that the module holds. Like the other figures of the state they stop at so many
//! entries.
use anyhow::{Context, Result};
use cairn_kernel::{BASE_DENOM, Coin, key_prefix};
use cairn_proto::{
    cairn::compute::v1::{JobState, Provider},
    cosmos::base::v1beta1::Coin as Wire,
};
use cairn_store::View;
use prometheus_client::{metrics::family::Family, registry::Registry};
use prost::Message;

use super::{
    Gauges, signed,
    state::{MOST, count, prefix, short},
};
use crate::App;

pub(super) struct Figures {
    jobs: Gauges<1>,
    coins: Gauges<1>,
}

impl Figures {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self { jobs: Family::default(), coins: Family::default() };
        registry.register("compute_jobs", "Ordered computations by state", new.jobs.clone());
        registry.register(
            "compute_ucairn",
            "Coins that compute holds: bonds of providers, what of them is locked, the rest",
            new.coins.clone(),
        );
        new
    }

    pub(super) fn refresh(&self, app: &App) -> Result<()> {
        let (tables, view) = (app.tables(), app.store().view()?);
        let of = |name: &str| tables.iter().find(|t| t.name == name).with_context(|| format!("no collection {name}"));
        let jobs = of("compute/BY_STATE")?;
        for state in (1..=i32::from(u8::MAX)).map_while(|n| JobState::try_from(n).ok()) {
            let counted = count(&view, &prefix(jobs, &i32::from(state).to_be_bytes()))?;
            self.jobs.get_or_create(&[("state", short(state.as_str_name(), "JOB_STATE_"))]).set(signed(counted));
        }
        let (bonds, locked) = bonds(&view, of("compute/PROVIDERS")?.prefix)?;
        let account = key_prefix(&(cairn_compute::ACCOUNT.address(), BASE_DENOM.to_owned()));
        let held = view.read(&prefix(of("bank/BALANCES")?, &account))?;
        let held = held.map_or(Ok(0), |row| String::decode(&*row)?.parse::<u128>().context("a balance is no number"))?;
        for (what, amount) in [("bonds", bonds), ("locked", locked), ("escrow", held.saturating_sub(bonds))] {
            self.coins.get_or_create(&[("of", what.to_owned())]).set(signed(u64::try_from(amount).unwrap_or(u64::MAX)));
        }
        Ok(())
    }
}

/// What providers have put up, and what of it jobs have locked.
fn bonds(view: &View<'_>, prefix: &[u8]) -> Result<(u128, u128)> {
    let mut keys = Vec::new();
    super::state::keys(view, prefix, |key| keys.push(key.to_vec()))?;
    let (mut bonds, mut locked) = (0_u128, 0_u128);
    for key in keys.iter().take(usize::try_from(MOST)?) {
        let Some(row) = view.read(&[prefix, key].concat())? else { continue };
        let provider = Provider::decode(&*row)?;
        bonds = bonds.saturating_add(amount(provider.bond.as_ref())?);
        locked = locked.saturating_add(amount(provider.locked.as_ref())?);
    }
    Ok((bonds, locked))
}

fn amount(coin: Option<&Wire>) -> Result<u128> {
    Ok(coin.map_or(Ok(0), |coin| Coin::try_from(coin).map(|coin| coin.amount))?)
}
