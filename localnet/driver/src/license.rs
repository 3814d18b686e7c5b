//! The sale of a licence and the withdrawal of its income. What an interrupted run did of it is found on the chain and not done again.
use anyhow::{Context, Result};
use cairn_kernel::BASE_DENOM;
use cairn_proto::{
    cairn::{
        asset::v1::{IncomeTotals, MsgWithdrawIncome, QueryHoldersRequest, QueryHoldersResponse, QueryIncomeRequest, QueryIncomeResponse},
        licensing::v1::{
            LegalText, MsgBuyLicense, MsgBuyLicenseResponse, MsgOfferTerms, MsgOfferTermsResponse, Pricing, QueryLicensesByHolderRequest,
            QueryLicensesByHolderResponse, QueryTermsByAssetRequest, QueryTermsByAssetResponse, Scope, TermsContent,
        },
    },
    cosmos::base::{query::v1beta1::PageRequest, v1beta1::Coin},
};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{
    accounts::{self, Account},
    chain::{Chain, Signer},
    run::say,
};

/// What the licence costs, in ucairn.
const PRICE: u128 = 50_000_000;

/// Sells a licence on the data set and lets its holders withdraw; whether all of it arrived, but for dust below one unit a holder.
pub async fn sell(chain: &Chain, accounts: &[Account], asset_id: u64) -> Result<(String, bool)> {
    let requester = Signer::new(chain.clone(), accounts::named(accounts, "requester")?.key()?)?;
    let buyer = Signer::new(chain.clone(), accounts::named(accounts, "buyer")?.key()?)?;
    let terms_id = offer(chain, &requester, asset_id).await?;
    let license = buy(chain, &buyer, terms_id).await?;
    say(format_args!("the buyer holds licence {license} on asset {asset_id} for {PRICE} ucairn; the holders of its shares withdraw"));
    withdraw(chain, accounts, asset_id).await?;
    let holders = holders(chain, asset_id).await?;
    let (shared, withdrawn) = income(chain, asset_id).await?;
    let dust = shared.checked_sub(withdrawn).context("more was withdrawn than shared")?;
    let held = shared > 0 && holders.iter().all(|(_, c)| *c == 0) && dust < u128::try_from(holders.len())?;
    Ok((format!("the income of the licence reached {} shareholders ({withdrawn} of {shared} ucairn withdrawn)", holders.len()), held))
}

/// Lets the holders of an asset's shares take what is due to them.
pub(crate) async fn withdraw(chain: &Chain, accounts: &[Account], asset_id: u64) -> Result<()> {
    for (address, claimable) in holders(chain, asset_id).await?.into_iter().filter(|(_, c)| *c > 0) {
        let account = accounts
            .iter()
            .find(|a| a.address == address)
            .with_context(|| format!("{address} holds shares and is no account of the run"))?;
        let signer = Signer::new(chain.clone(), account.key()?)?;
        signer.send(&MsgWithdrawIncome { holder: address, asset_id }).await?;
        println!("  {:<10} {claimable} ucairn", account.name);
    }
    Ok(())
}

fn price() -> Coin {
    Coin { denom: BASE_DENOM.to_owned(), amount: PRICE.to_string() }
}

fn content(asset_id: u64) -> TermsContent {
    TermsContent {
        asset_id,
        title: "Train and evaluate, for ever".to_owned(),
        scope: Some(Scope { train: true, evaluate: true, commercial: true, derive: true, ..Scope::default() }),
        pricing: Pricing::OneOff.into(),
        prices: vec![price()],
        seats: 1,
        legal_text: Some(LegalText {
            uri: "https://www.apache.org/licenses/LICENSE-2.0".to_owned(),
            sha256: Sha256::digest("Apache-2.0").to_vec(),
        }),
        ..TermsContent::default()
    }
}

/// Offers the terms, unless they are on offer: the same content is offered once.
async fn offer(chain: &Chain, owner: &Signer, asset_id: u64) -> Result<String> {
    let content = content(asset_id);
    let request = QueryTermsByAssetRequest { asset_id, open: true, pagination: page() };
    let offered: QueryTermsByAssetResponse = chain.query("/cairn.licensing.v1.Query/TermsByAsset", &request).await?;
    if let Some(found) = offered.terms.into_iter().find(|t| t.content.as_ref() == Some(&content)) {
        return Ok(found.id);
    }
    let done = owner.send(&MsgOfferTerms { owner: owner.address().to_owned(), content: Some(content) }).await?;
    Ok(MsgOfferTermsResponse::decode(&*done.response)?.terms_id)
}

/// Buys a licence, unless the buyer holds one.
async fn buy(chain: &Chain, buyer: &Signer, terms_id: String) -> Result<u64> {
    let request = QueryLicensesByHolderRequest { licensee: buyer.address().to_owned(), pagination: page() };
    let held: QueryLicensesByHolderResponse = chain.query("/cairn.licensing.v1.Query/LicensesByHolder", &request).await?;
    if let Some(found) = held.licenses.iter().find(|l| l.terms_id == terms_id) {
        return Ok(found.id);
    }
    let purchase = MsgBuyLicense { buyer: buyer.address().to_owned(), terms_id, payment: Some(price()), ..MsgBuyLicense::default() };
    Ok(MsgBuyLicenseResponse::decode(&*buyer.send(&purchase).await?.response)?.license_id)
}

fn page() -> Option<PageRequest> {
    Some(PageRequest { limit: 1_000, ..PageRequest::default() })
}

/// Holders of an asset's shares with what they could withdraw, in ucairn.
async fn holders(chain: &Chain, asset_id: u64) -> Result<Vec<(String, u128)>> {
    let request = QueryHoldersRequest { asset_id, pagination: page() };
    let answer: QueryHoldersResponse = chain.query("/cairn.asset.v1.Query/Holders", &request).await?;
    let due = |coins: &[Coin]| coins.iter().filter(|c| c.denom == BASE_DENOM).map(|c| c.amount.parse::<u128>()).sum::<Result<u128, _>>();
    answer.holders.iter().map(|h| Ok((h.holder.clone(), due(&h.claimable)?))).collect()
}

/// What an asset was paid and what became of it, in ucairn.
pub(crate) async fn totals(chain: &Chain, asset_id: u64) -> Result<IncomeTotals> {
    let answer: QueryIncomeResponse = chain.query("/cairn.asset.v1.Query/Income", &QueryIncomeRequest { asset_id }).await?;
    answer.totals.into_iter().find(|t| t.denom == BASE_DENOM).context("the asset accepts no ucairn")
}

/// What was credited to the holders of an asset's shares since they were minted, and what they withdrew of it, in ucairn.
async fn income(chain: &Chain, asset_id: u64) -> Result<(u128, u128)> {
    let IncomeTotals { shared, withdrawn, .. } = totals(chain, asset_id).await?;
    Ok((shared.parse()?, withdrawn.parse()?))
}
