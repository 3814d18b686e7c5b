//! Sends an item: whole or a range of it, as a stream, with what its receiver needs to check it.
use std::{ops::Range, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header, response::Builder},
    response::Response,
};
use object_store::{GetOptions, GetRange};

use crate::{gateway::Gateway, hash::Hash, intake::paced, refusal::Refusal, store::ManifestKey};

/// SHA-256 of the content.
pub(crate) const CONTENT_HASH: &str = "x-cairn-sha256";
/// The blind of the item's leaf.
pub(crate) const BLIND: &str = "x-cairn-blind";

/// What is sent.
#[derive(Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) content: Hash,
    pub(crate) bytes: u64,
    pub(crate) media_type: &'a str,
    /// Of an item: what its leaf is blinded with.
    pub(crate) blind: Option<[u8; 32]>,
}

/// The answer to a request for one item of a manifest.
pub(crate) async fn item(gateway: &Arc<Gateway>, key: &ManifestKey, index: u64, headers: &HeaderMap) -> Result<Response, Refusal> {
    let gone = || Refusal::NotServed(key.root.to_string());
    let frame = gateway.manifests.frame(key).await?.ok_or_else(gone)?;
    let item = gateway.manifests.item(key, &frame, index).await?.ok_or_else(gone)?;
    let media_type = frame.media_type(&item).ok_or(Refusal::Damaged)?;
    send(gateway, &Sent { content: Hash(item.content), bytes: item.bytes, media_type, blind: Some(item.blind) }, headers).await
}

/// The answer to a request for a content.
pub(crate) async fn send(gateway: &Arc<Gateway>, sent: &Sent<'_>, headers: &HeaderMap) -> Result<Response, Refusal> {
    let tag = format!("\"{}\"", sent.content);
    let response = head(sent, &tag);
    if names(headers, header::IF_NONE_MATCH.as_str(), &tag) {
        return whole(response.status(StatusCode::NOT_MODIFIED), Body::empty());
    }
    let current = !headers.contains_key(header::IF_RANGE) || names(headers, header::IF_RANGE.as_str(), &tag);
    let asked = headers.get(header::RANGE).filter(|_| current).and_then(|value| value.to_str().ok());
    let range = asked.map_or(Ok(None), |asked| range(asked, sent.bytes))?;
    let (from, to) = range.as_ref().map_or((0, sent.bytes), |range| (range.start, range.end));
    let body = content(gateway, sent, range.clone()).await?;
    let response = response.header(header::CONTENT_LENGTH, to.saturating_sub(from));
    match range {
        None => whole(response.status(StatusCode::OK), body),
        Some(_) => {
            let response = response.header(header::CONTENT_RANGE, format!("bytes {from}-{}/{}", to.saturating_sub(1), sent.bytes));
            whole(response.status(StatusCode::PARTIAL_CONTENT), body)
        }
    }
}

async fn content(gateway: &Arc<Gateway>, sent: &Sent<'_>, range: Option<Range<u64>>) -> Result<Body, Refusal> {
    let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
    let found = gateway.store.read_content(&sent.content, options).await?;
    let found = found.filter(|found| found.meta.size == sent.bytes).ok_or_else(|| {
        tracing::error!(content = %sent.content, expected = sent.bytes, "a content is missing or has another size");
        Refusal::Damaged
    })?;
    let counted = Arc::clone(gateway);
    Ok(paced(found.into_stream(), gateway.pace(), move |bytes| counted.metrics.sent(bytes)))
}

/// What every answer with a content says. The content may be anything, so a browser is told to take it for nothing but data.
fn head(sent: &Sent<'_>, tag: &str) -> Builder {
    let response = Response::builder()
        .header(header::CONTENT_TYPE, sent.media_type)
        .header(header::ETAG, tag)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, "private, no-cache")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        .header(CONTENT_HASH, sent.content.to_string());
    match sent.blind {
        Some(blind) => response.header(BLIND, hex::encode(blind)),
        None => response,
    }
}

fn whole(response: Builder, body: Body) -> Result<Response, Refusal> {
    response.body(body).map_err(|_| Refusal::Damaged)
}

/// Whether a header lists an entity tag.
fn names(headers: &HeaderMap, header: &str, tag: &str) -> bool {
    let listed = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|value| value.split(',')).any(|one| matches!(one.trim(), "*") || one.trim().trim_start_matches("W/") == tag)
}

/// The range of a header such as `bytes=0-499`, `bytes=500-` or `bytes=-500`. `None` for the whole: no range that is understood, or several.
fn range(header: &str, bytes: u64) -> Result<Option<Range<u64>>, Refusal> {
    let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|set| set.split_once('-')) else { return Ok(None) };
    let number = |text: &str| Some(text).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse::<u64>().ok());
    let range = match (first.trim(), last.trim()) {
        ("", suffix) => number(suffix).map(|n| bytes.saturating_sub(n)..bytes),
        (first, "") => number(first).map(|n| n..bytes),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..bytes.min(last.saturating_add(1))),
            _ => None,
        },
    };
    match range {
        Some(range) if range.start >= bytes => Err(Refusal::RangeOutside { bytes }),
        range => Ok(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_says() {
        let all = [
            ("bytes=0-0", Some(0..1)),
            ("bytes=0-99", Some(0..10)),
            ("bytes=3-5", Some(3..6)),
            ("bytes=9-", Some(9..10)),
            ("bytes=-4", Some(6..10)),
            ("bytes=-40", Some(0..10)),
            (" bytes=2-3", Some(2..4)),
            ("bytes=5-3", None),
            ("bytes=0-1,3-4", None),
            ("items=0-1", None),
            ("bytes=x-1", None),
            ("bytes=+1-2", None),
            ("bytes=-", None),
            ("bytes=1", None),
            ("bytes=0-18446744073709551615", Some(0..10)),
            ("bytes=0-18446744073709551616", None),
        ];
        for (header, expected) in all {
            assert_eq!(range(header, 10), Ok(expected), "{header}");
        }
        for outside in ["bytes=10-", "bytes=10-11", "bytes=-0"] {
            assert_eq!(range(outside, 10), Err(Refusal::RangeOutside { bytes: 10 }), "{outside}");
        }
        assert_eq!(range("bytes=0-", 0), Err(Refusal::RangeOutside { bytes: 0 }));
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, "\"a\", W/\"b\"".parse().unwrap());
        let names = |tag| names(&headers, "if-none-match", tag);
        assert!(names("\"a\"") && names("\"b\"") && !names("\"c\"") && !names("a"));
        headers.insert(header::IF_NONE_MATCH, "*".parse().unwrap());
        assert!(super::names(&headers, "if-none-match", "\"c\""));
    }
}
