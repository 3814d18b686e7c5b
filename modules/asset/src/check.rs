//! Bounds of what users state: texts, hashes, addresses of content, contents of versions, limits.
use cairn_kernel::Result;
use cairn_proto::cairn::asset::v1::{AssetKind, Encryption, Metadata, Params, VersionContent};

use crate::Error;

/// Most bytes of a title.
const MAX_TITLE: usize = 128;
/// Most bytes of a reason for deprecation.
const MAX_REASON: usize = 256;
/// Most bytes of an address of content.
const MAX_URI: usize = 512;
/// Most bytes of a media type.
const MAX_MEDIA_TYPE: usize = 128;
/// Most content addresses of a version.
const MAX_ADDRESSES: usize = 8;

/// Text for people: 1 to `max` bytes, no control characters, none of the two line separators that JSON encoders disagree about.
fn text(field: &'static str, value: &str, max: usize) -> Result<(), Error> {
    let clean = value.chars().all(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}'));
    if clean && (1..=max).contains(&value.len()) { Ok(()) } else { Err(Error::Text { field, max, found: value.len() }) }
}

/// An asset's title.
pub(crate) fn title(value: &str) -> Result<(), Error> {
    text("title", value, MAX_TITLE)
}

/// Why an asset is deprecated.
pub(crate) fn reason(value: &str) -> Result<(), Error> {
    text("reason", value, MAX_REASON)
}

/// Exactly 32 bytes.
pub(crate) fn hash(field: &'static str, value: &[u8]) -> Result<[u8; 32], Error> {
    value.try_into().map_err(|_| Error::Hash { field, found: value.len() })
}

fn uri(field: &'static str, value: &str) -> Result<(), Error> {
    let ok = (1..=MAX_URI).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic());
    if ok { Ok(()) } else { Err(Error::Uri(field)) }
}

/// A describing document, if there is one.
pub(crate) fn metadata(value: Option<&Metadata>) -> Result<(), Error> {
    let Some(value) = value else { return Ok(()) };
    uri("metadata uri", &value.uri)?;
    hash("metadata sha256", &value.sha256)?;
    Ok(())
}

/// A known kind of asset.
pub(crate) fn kind(value: i32) -> Result<AssetKind, Error> {
    match AssetKind::try_from(value) {
        Ok(AssetKind::Unspecified) | Err(_) => Err(Error::Kind(value)),
        Ok(kind) => Ok(kind),
    }
}

/// The content of a version.
pub(crate) fn content(value: &VersionContent) -> Result<(), Error> {
    hash("manifest root", &value.manifest_root)?;
    if value.items == 0 {
        return Err(Error::NoItems);
    }
    let media = value.media_type.as_bytes();
    if !(3..=MAX_MEDIA_TYPE).contains(&media.len()) || !media.iter().all(u8::is_ascii_graphic) || !media.contains(&b'/') {
        return Err(Error::MediaType);
    }
    if value.content_addresses.len() > MAX_ADDRESSES {
        return Err(Error::TooManyAddresses { max: MAX_ADDRESSES, found: value.content_addresses.len() });
    }
    value.content_addresses.iter().try_for_each(|address| uri("content address", address))?;
    if !value.croissant_sha256.is_empty() {
        hash("croissant sha256", &value.croissant_sha256)?;
    }
    match Encryption::try_from(value.encryption) {
        Ok(Encryption::None) if value.key_commitment.is_empty() => Ok(()),
        Ok(Encryption::None) => Err(Error::KeyCommitment),
        Ok(Encryption::Envelope) => hash("key commitment", &value.key_commitment).map(drop),
        Ok(Encryption::Unspecified) | Err(_) => Err(Error::Encryption(value.encryption)),
    }
}

/// Limits within their hard bounds. The bounds keep a payment and a transfer of shares affordable whatever governance decides.
pub(crate) fn params(value: &Params) -> Result<(), Error> {
    let bounds = [
        ("max_parents", value.max_parents, 1, 64),
        ("max_stack", value.max_stack, 1, 256),
        ("max_royalty_bps", value.max_royalty_bps, 0, 9_000),
        ("max_income_denoms", value.max_income_denoms, 1, 16),
        ("max_inline_holders", value.max_inline_holders, 1, 2_000),
    ];
    match bounds.into_iter().find(|(_, found, least, most)| !(least..=most).contains(&found)) {
        Some((name, found, least, most)) => Err(Error::Params { name, least, most, found }),
        None => Ok(()),
    }
}
