//! What terms may say, and the hash that names them.
use cairn_asset as asset;
use cairn_kernel::{BPS, Coin, Coins, Ctx, Result};
use cairn_proto::{
    cairn::{
        asset::v1::{Asset, AssetStatus, Encryption},
        licensing::v1::{LegalText, Pricing, Scope, SigningKey, TermsContent},
    },
    coin,
};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{Error, keys, state, voucher};

/// What the hash of terms begins with.
const TERMS_TAG: &[u8; 16] = b"cairn.terms.v1\0\0";
/// Most bytes of a title.
const MAX_TITLE: usize = 128;
/// Most version numbers in a list.
const MAX_VERSIONS: usize = 64;
/// Most entries of a price list: as many as an asset accepts denominations.
const MAX_PRICES: usize = 8;
/// Longest term in blocks.
const MAX_TERM: u64 = 1_000_000_000;
/// Most encrypted versions whose keys are owed for one purchase.
const MAX_KEYS: usize = 16;
/// Most providers in a list.
const MAX_PROVIDERS: usize = 16;
/// Most seats of a licence.
const MAX_SEATS: u32 = 1_000;
/// Most royalty of derived assets: the most that an asset may pass on.
const MAX_DERIVATIVE_BPS: u32 = 5_000;
/// Most bytes of an address of content.
const MAX_URI: usize = 512;

/// The id of terms: SHA-256 of the tag and the content in protobuf, ascending fields, defaults left out.
pub(crate) fn terms_id(content: &TermsContent) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(TERMS_TAG);
    hash.update(content.encode_to_vec());
    hash.finalize().into()
}

/// Refuses content outside its bounds. Gives the price list.
pub(crate) fn content(content: &TermsContent) -> Result<Coins> {
    let title = &content.title;
    let clean = title.chars().all(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}'));
    if !clean || !(1..=MAX_TITLE).contains(&title.len()) {
        return Err(Error::Title(title.len()).into());
    }
    if content.versions.len() > MAX_VERSIONS || !content.versions.is_sorted_by(|a, b| a < b) {
        return Err(Error::Versions.into());
    }
    let scope = content.scope.unwrap_or_default();
    if scope == Scope::default() {
        return Err(Error::Scope.into());
    }
    let prices = pricing(content)?;
    if !(1..=MAX_SEATS).contains(&content.seats) {
        return Err(Error::Seats(content.seats).into());
    }
    let most = if scope.derive { MAX_DERIVATIVE_BPS } else { 0 };
    if content.derivative_royalty_bps > most {
        return Err(Error::DerivativeRoyalty(content.derivative_royalty_bps).into());
    }
    legal_text(content.legal_text.as_ref())?;
    Ok(prices)
}

/// Pricing, price list and term, which depend on each other.
fn pricing(content: &TermsContent) -> Result<Coins> {
    let least_term = match Pricing::try_from(content.pricing) {
        Ok(Pricing::OneOff | Pricing::PerCall) => 0,
        Ok(Pricing::Period | Pricing::RevenueShare) => 1,
        Ok(Pricing::Unspecified) | Err(_) => return Err(Error::Pricing(content.pricing).into()),
    };
    if !(least_term..=MAX_TERM).contains(&content.term_blocks) {
        return Err(Error::TermBlocks(content.term_blocks).into());
    }
    let share = content.revenue_share_bps;
    let shares = if content.pricing() == Pricing::RevenueShare { 1..=BPS } else { 0..=0 };
    if !shares.contains(&share) {
        return Err(Error::RevenueShare(share).into());
    }
    if content.prices.len() > MAX_PRICES {
        return Err(Error::Prices("a price list has at most 8 entries").into());
    }
    if content.prices.is_empty() && matches!(content.pricing(), Pricing::Period | Pricing::PerCall) {
        return Err(Error::Prices("terms of PERIOD and PER_CALL need a price").into());
    }
    providers(content)?;
    coin::coins(&content.prices)
}

/// Who may be paid for calls, and how much of each.
fn providers(content: &TermsContent) -> Result<()> {
    let (listed, share) = (&content.providers, content.provider_bps);
    let (most, highest) = if content.pricing() == Pricing::PerCall { (MAX_PROVIDERS, BPS) } else { (0, 0) };
    if listed.len() > most || share > highest || !listed.is_sorted_by(|a, b| a < b) {
        return Err(Error::Providers.into());
    }
    listed.iter().try_for_each(|provider| cairn_kernel::Address::parse(provider).map(drop))
}

fn legal_text(text: Option<&LegalText>) -> Result<(), Error> {
    let text = text.ok_or(Error::LegalText)?;
    let uri = (1..=MAX_URI).contains(&text.uri.len()) && text.uri.bytes().all(|b| b.is_ascii_graphic());
    if uri && text.sha256.len() == 32 { Ok(()) } else { Err(Error::LegalText) }
}

/// The keys that a licensee is owed from its purchase on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owed {
    /// The newest encrypted version.
    pub(crate) newest: u64,
    /// How many encrypted versions there are.
    pub(crate) required: u32,
    /// Whether those of later versions follow.
    pub(crate) updates: bool,
}

/// Refuses to sell what cannot be delivered: a deprecated or unpublished asset, a version that does not exist, too many keys. Gives the keys that
/// a licensee is owed: of the encrypted versions covered, unless calls are sold, for which nobody needs the content.
pub(crate) fn sellable(ctx: &Ctx, licensed: &Asset, content: &TermsContent) -> Result<Option<Owed>> {
    if licensed.status() == AssetStatus::Deprecated {
        return Err(Error::Deprecated(licensed.id).into());
    }
    if licensed.versions == 0 {
        return Err(Error::NotPublished(licensed.id).into());
    }
    let versions = &content.versions;
    if let Some(found) = versions.iter().copied().find(|number| !(1..=licensed.versions).contains(number)) {
        return Err(Error::UnknownVersion { asset: licensed.id, newest: licensed.versions, found }.into());
    }
    if licensed.encrypted_versions == 0 || content.pricing() == Pricing::PerCall {
        return Ok(None);
    }
    let encrypted = encrypted(ctx, licensed, content)?;
    let Some(newest) = encrypted.first().copied() else { return Ok(None) };
    if encrypted.len() > MAX_KEYS {
        return Err(Error::Encrypted(licensed.id).into());
    }
    let required = u32::try_from(encrypted.len()).map_err(|_| Error::Overflow)?;
    Ok(Some(Owed { newest, required, updates: versions.is_empty() }))
}

/// The encrypted versions that terms cover, newest first.
pub(crate) fn encrypted(ctx: &Ctx, licensed: &Asset, content: &TermsContent) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    let all = usize::try_from(licensed.encrypted_versions).map_err(|_| Error::Overflow)?;
    let covered: Box<dyn Iterator<Item = u64>> = if content.versions.is_empty() {
        Box::new((1..=licensed.versions).rev())
    } else {
        Box::new(content.versions.iter().rev().copied())
    };
    for number in covered {
        if found.len() == all {
            break;
        }
        if is_encrypted(ctx, licensed.id, number)? {
            found.push(number);
        }
    }
    Ok(found)
}

/// Whether a version's content is encrypted.
pub(crate) fn is_encrypted(ctx: &Ctx, asset: u64, number: u64) -> Result<bool> {
    let content = asset::version(ctx, asset, number)?.content.unwrap_or_default();
    Ok(content.encryption() != Encryption::None)
}

/// Refuses a key bond that is too low, in another denomination, or for no key.
pub(crate) fn key_bond(ctx: &Ctx, content: &TermsContent, owed: bool) -> Result<()> {
    let found = keys::bond_of(&content.key_bond)?;
    let least = if owed { keys::bond_of(&state::params(ctx)?.least_key_bond)?.max(1) } else { 0 };
    let fits = if owed { found >= least } else { content.key_bond.is_none() };
    if fits { Ok(()) } else { Err(Error::KeyBond { least, found }.into()) }
}

/// Refuses a purchase without the keys that its terms need, or with others.
pub(crate) fn keys(content: &TermsContent, owed: bool, public_key: &[u8], signing_key: Option<&SigningKey>) -> Result<(), Error> {
    if owed == public_key.is_empty() {
        return Err(Error::PublicKey);
    }
    match signing_key {
        Some(key) if content.pricing() == Pricing::PerCall => voucher::check_key(key),
        None if content.pricing() != Pricing::PerCall => Ok(()),
        Some(_) | None => Err(Error::SigningKey),
    }
}

/// What a purchase costs at once: nothing where calls are paid.
pub(crate) fn purchase_prices(content: &TermsContent) -> Result<Coins> {
    if content.pricing() == Pricing::PerCall { Ok(Coins::default()) } else { coin::coins(&content.prices) }
}

/// The number of terms bought: 0 counts as 1, more than one only with PERIOD.
pub(crate) fn periods(pricing: Pricing, found: u32) -> Result<u32, Error> {
    let most = if pricing == Pricing::Period { 1_000 } else { 1 };
    match found {
        0 => Ok(1),
        n if n <= most => Ok(n),
        n => Err(Error::Periods(n)),
    }
}

/// Refuses a payment that is not exactly one of the prices times the periods. `None`: free of charge.
pub(crate) fn payment(prices: &Coins, periods: u32, offered: Option<Coin>) -> Result<Option<Coin>> {
    let offered = offered.filter(|coin| coin.amount > 0);
    if prices.is_empty() && offered.is_none() {
        return Ok(None);
    }
    let due = |mut price: Coin| {
        price.amount = price.amount.checked_mul(u128::from(periods)).ok_or(Error::Overflow)?;
        Ok(price)
    };
    let dues: Vec<Coin> = prices.iter().map(due).collect::<Result<_, Error>>()?;
    if let Some(coin) = offered.as_ref().filter(|coin| dues.contains(coin)) {
        return Ok(Some(coin.clone()));
    }
    let listed: Vec<String> = dues.iter().map(ToString::to_string).collect();
    let expected = if listed.is_empty() { "nothing".to_owned() } else { listed.join(" or ") };
    Err(Error::Payment { expected, found: offered.map_or_else(|| "nothing".to_owned(), |coin| coin.to_string()) }.into())
}

/// Refuses more users than seats, and users who have a seat already. Gives them sorted.
pub(crate) fn users(licensee: &str, users: &[String], seats: u32) -> Result<Vec<String>> {
    let free = usize::try_from(seats.saturating_sub(1)).map_err(|_| Error::Overflow)?;
    if users.len() > free {
        return Err(Error::TooManyUsers { seats, users: users.len() }.into());
    }
    let mut sorted = users.to_vec();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find_map(|pair| match pair {
        [a, b] if a == b => Some(a),
        _ => None,
    });
    if let Some(user) = twice.or_else(|| sorted.iter().find(|user| *user == licensee)) {
        return Err(Error::RepeatedUser(user.clone()).into());
    }
    sorted.iter().try_for_each(|user| cairn_kernel::Address::parse(user).map(drop))?;
    Ok(sorted)
}
