//! `cairnd license`: a licensee's way from terms to opened content, and an owner's to granted keys.
mod grant;
mod open;
mod session;
mod transfer;

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use cairn_kernel::{Coin, Coins};
use cairn_proto::{
    cairn::{
        asset::v1::{QueryVersionRequest, QueryVersionResponse, Version},
        licensing::v1::{
            License, LicenseKey, MsgBuyLicense, MsgBuyLicenseResponse, Pricing, QueryLicenseKeysRequest, QueryLicenseKeysResponse,
            QueryLicenseRequest, QueryLicenseResponse, QueryTermsRequest, QueryTermsResponse, SigningKey, SigningScheme, TermsContent,
        },
    },
    coin, pack,
};
use clap::{Args, Subcommand};
use prost::Message;
use serde_json::json;

use super::{
    home::Home,
    job::Sender,
    output::Output,
    rpc::Rpc,
    sign::{Signer, answers},
    vault,
};

/// Licences from both sides.
#[derive(Debug, Subcommand)]
pub(crate) enum LicenseCommand {
    /// Buy a licence. A private key for encrypted content is made and kept in the home; do not lose it.
    Buy(BuyArgs),
    /// Wait for the key of a licence, fetch the sealed items, open and check them.
    Open(OpenArgs),
    /// The encrypted versions that a licence covers, and which of their keys it has.
    Keys {
        /// The licence.
        license: u64,
    },
    /// Grant keys to whoever paid for them, by itself, as the owner. Ends with Ctrl-C.
    Grant {
        /// Grant those that are due now and end.
        #[arg(long)]
        once: bool,
        /// Tell which are due and grant none.
        #[arg(long, conflicts_with = "once")]
        list: bool,
        #[command(flatten)]
        sender: Sender,
    },
    /// Make a key for a licence that is to be transferred to you, and print what its holder needs for it.
    NewKey,
    /// Pass a licence to another account, with the key of its content.
    Transfer(transfer::TransferArgs),
    /// Prepaid calls: open a session, sign and redeem vouchers, close.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Prove that a granted key is bad. Makes the licence's private key public, which a bad key makes worthless.
    ReportKey {
        /// The licence.
        license: u64,
        /// The version; without it, the newest that was covered at purchase.
        #[arg(long)]
        version: Option<u64>,
        #[command(flatten)]
        sender: Sender,
    },
}

/// Wait for the key of a licence, fetch the sealed items, open and check them.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// The licence.
    license: u64,
    /// The version to open; without it, the newest whose key is there.
    #[arg(long)]
    version: Option<u64>,
    /// The folder of opened files; an interrupted opening goes on where it was.
    #[arg(long)]
    out: PathBuf,
    /// The gateway that serves the items.
    #[arg(long, env = "CAIRN_GATEWAY", default_value = "http://127.0.0.1:8780")]
    gateway: String,
    #[command(flatten)]
    sender: Sender,
}

/// Buy a licence.
#[derive(Debug, Args)]
pub(crate) struct BuyArgs {
    /// The terms' id.
    terms: String,
    /// Terms of PERIOD licences to buy at once.
    #[arg(long, default_value_t = 1)]
    periods: u32,
    /// The denomination to pay in, where the terms list several.
    #[arg(long)]
    denom: Option<String>,
    /// Do not ask before paying.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    sender: Sender,
}

impl LicenseCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        let rpc = Rpc::new(node);
        match self {
            Self::Buy(args) => args.run(home, &rpc, output),
            Self::Open(args) => open::open(&rpc, home, args, output),
            Self::Keys { license } => table(&rpc, license, output),
            Self::Grant { once, list, sender } => grant::grant(&rpc, home, &sender, once, list.then_some(output)),
            Self::NewKey => transfer::new_key(home),
            Self::Transfer(args) => args.run(home, &rpc, output),
            Self::Session(command) => command.run(home, &rpc, output),
            Self::ReportKey { license, version, sender } => open::report(&rpc, home, &sender, license, version, output),
        }
    }
}

impl BuyArgs {
    fn run(self, home: &Home, rpc: &Rpc, output: Output) -> Result<()> {
        let found: QueryTermsResponse = rpc.ask("/cairn.licensing.v1.Query/Terms", &QueryTermsRequest { terms_id: self.terms.clone() })?;
        let content = found.terms.and_then(|terms| terms.content).context("the chain tells nothing of these terms")?;
        let price = price(&content, self.periods, self.denom.as_deref())?;
        let sealed = owes_key(&content);
        if !self.yes && !confirmed(&content, price.as_ref())? {
            bail!("nothing was bought");
        }
        let (key, options) = self.sender.open(home)?;
        let public_key = if sealed { vault::new_license_key(home)?.to_vec() } else { vec![] };
        let own = SigningKey { scheme: SigningScheme::Secp256k1.into(), key: key.public().to_vec() };
        let message = MsgBuyLicense {
            buyer: key.address().to_string(),
            terms_id: self.terms,
            payment: price.as_ref().map(Into::into),
            periods: self.periods,
            public_key,
            signing_key: (content.pricing() == Pricing::PerCall).then_some(own),
            ..MsgBuyLicense::default()
        };
        let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
        let answer = MsgBuyLicenseResponse::decode(&*answers(&done)?.first().context("the transaction answers nothing")?.value)?;
        output.value(&json!({
            "license": answer.license_id, "status": answer.status().as_str_name(), "deadline": answer.deadline, "expires": answer.expires,
            "hash": done.hash, "height": done.height,
        }))?;
        if sealed {
            let (license, from) = (answer.license_id, self.sender.name());
            eprintln!("open it with 'cairnd license open {license} --out FOLDER --from {from}{}'", home.flag());
        }
        Ok(())
    }
}

/// What the purchase costs: the listed price in the denomination wanted, times the periods.
fn price(content: &TermsContent, periods: u32, denom: Option<&str>) -> Result<Option<Coin>> {
    let listed = if content.pricing() == Pricing::PerCall { Coins::default() } else { coin::coins(&content.prices)? };
    let mut fitting = listed.iter().filter(|coin| denom.is_none_or(|denom| denom == coin.denom));
    let Some(found) = fitting.next() else {
        if listed.is_empty() {
            return Ok(None);
        }
        bail!("the terms list no price in {}", denom.unwrap_or_default());
    };
    if fitting.next().is_some() {
        let prices: Vec<String> = listed.iter().map(|coin| coin.to_string()).collect();
        bail!("choose a denomination with --denom: the terms list {}", prices.join(", "));
    }
    let amount = found.amount.checked_mul(u128::from(periods.max(1))).context("the price is too large")?;
    Ok(Some(Coin { amount, ..found }))
}

/// Whether the terms cover a version whose key a licensee is owed.
fn owes_key(content: &TermsContent) -> bool {
    // Terms stake a bond on keys just where they owe any.
    content.pricing() != Pricing::PerCall && content.key_bond.is_some()
}

fn confirmed(content: &TermsContent, price: Option<&Coin>) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("add --yes to pay without being asked");
    }
    let price = price.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    eprint!("Buy {:?} on asset {} for {price}? [y/N] ", content.title, content.asset_id);
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().eq_ignore_ascii_case("y"))
}

/// A licence as it stands.
fn license(rpc: &Rpc, license_id: u64) -> Result<License> {
    let found: QueryLicenseResponse = rpc.ask("/cairn.licensing.v1.Query/License", &QueryLicenseRequest { license_id })?;
    found.license.context("the chain tells nothing of this licence")
}

/// The encrypted versions that a licence covers, ascending, with their keys.
fn keys(rpc: &Rpc, license_id: u64) -> Result<Vec<LicenseKey>> {
    let found: QueryLicenseKeysResponse = rpc.ask("/cairn.licensing.v1.Query/LicenseKeys", &QueryLicenseKeysRequest { license_id })?;
    Ok(found.keys)
}

fn table(rpc: &Rpc, id: u64, output: Output) -> Result<()> {
    let row = |key: &LicenseKey| {
        let state = match (key.due, key.wrapped_key.is_empty()) {
            (true, true) => "due from the owner",
            (true, false) => "passed on by the licensee before; due from the owner",
            (false, true) => "none",
            (false, false) => "granted",
        };
        vec![key.version.to_string(), state.to_owned(), key.granted_height.to_string()]
    };
    let rows: Vec<_> = keys(rpc, id)?.iter().map(row).collect();
    output.table(&["version", "key", "granted at"], &rows)
}

/// A version of an asset.
fn version(rpc: &Rpc, asset_id: u64, number: u64) -> Result<Version> {
    let found: QueryVersionResponse = rpc.ask("/cairn.asset.v1.Query/Version", &QueryVersionRequest { asset_id, number })?;
    found.version.context("the chain tells nothing of this version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_is_in_the_denomination_wanted_times_the_periods() {
        let listed = |coins: &[(&str, u128)]| TermsContent {
            pricing: Pricing::Period.into(),
            prices: coins.iter().map(|(denom, amount)| (&Coin::new(*denom, *amount)).into()).collect(),
            ..TermsContent::default()
        };
        let two = listed(&[("ibc/atom", 5), ("ucairn", 7)]);
        assert_eq!(price(&two, 3, Some("ucairn")).unwrap(), Some(Coin::new("ucairn", 21)));
        assert!(price(&two, 1, None).unwrap_err().to_string().contains("5ibc/atom, 7ucairn"));
        assert!(price(&two, 1, Some("uosmo")).is_err());
        assert_eq!(price(&listed(&[("ucairn", 7)]), 0, None).unwrap(), Some(Coin::new("ucairn", 7)));
        assert_eq!(price(&listed(&[]), 1, None).unwrap(), None);
        let calls = TermsContent { pricing: Pricing::PerCall.into(), ..two };
        assert_eq!(price(&calls, 1, None).unwrap(), None);
    }
}
