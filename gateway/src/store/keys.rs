//! Names of objects. Made of hashes, addresses and numbers only, so no request can name anything else.
use cairn_kernel::Address;
use object_store::path::Path;

use super::PartKind;
use crate::hash::Hash;

pub(super) const PROBE: &str = "probe";

/// A manifest: its root and the account that uploaded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ManifestKey {
    pub(crate) root: Hash,
    pub(crate) account: Address,
}

impl PartKind {
    fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Index => "index",
            Self::Anchor => "anchor",
        }
    }
}

pub(super) fn contents() -> Path {
    Path::from("content")
}

/// `content/<first two digits>/<hash>`: folders with a million files are slow to list.
pub(super) fn content(content: &Hash) -> Path {
    let hex = content.to_string();
    Path::from(format!("content/{}/{hex}", hex.get(..2).unwrap_or_default()))
}

pub(super) fn parse_content(path: &Path) -> Option<Hash> {
    path.filename()?.parse().ok()
}

pub(super) fn uploads(account: Option<&Address>) -> Path {
    account.map_or_else(|| Path::from("uploads"), |account| Path::from(format!("uploads/{account}")))
}

/// `uploads/<account>/<hash>-<bytes>`: a listing alone gives what an account uses.
pub(super) fn upload(account: &Address, content: &Hash, bytes: u64) -> Path {
    Path::from(format!("uploads/{account}/{content}-{bytes}"))
}

pub(super) fn parse_upload(path: &Path) -> Option<(Address, Hash, u64)> {
    let [_, account, name] = parts(path)?;
    let (content, bytes) = name.split_once('-')?;
    Some((Address::parse(&account).ok()?, content.parse().ok()?, bytes.parse().ok()?))
}

pub(super) fn manifests(root: Option<&Hash>) -> Path {
    root.map_or_else(|| Path::from("manifests"), |root| Path::from(format!("manifests/{root}")))
}

/// `manifests/<root>/<account>/<part>`.
pub(super) fn part(key: &ManifestKey, kind: PartKind) -> Path {
    Path::from(format!("manifests/{}/{}/{}", key.root, key.account, kind.name()))
}

pub(super) fn parse_part(path: &Path) -> Option<(ManifestKey, PartKind)> {
    let [_, root, account, name] = parts(path)?;
    let kind = [PartKind::Items, PartKind::Index, PartKind::Anchor].into_iter().find(|kind| kind.name() == name)?;
    Some((ManifestKey { root: root.parse().ok()?, account: Address::parse(&account).ok()? }, kind))
}

pub(super) fn owned_by(account: &Address) -> Path {
    Path::from(format!("accounts/{account}"))
}

/// `accounts/<account>/<root>`.
pub(super) fn owned(key: &ManifestKey) -> Path {
    Path::from(format!("accounts/{}/{}", key.account, key.root))
}

pub(super) fn parse_owned(path: &Path) -> Option<Hash> {
    path.filename()?.parse().ok()
}

pub(super) fn drafts(account: Option<&Address>) -> Path {
    account.map_or_else(|| Path::from("drafts"), |account| Path::from(format!("drafts/{account}")))
}

/// `drafts/<account>/<hash>`.
pub(super) fn draft(account: &Address, content: &Hash) -> Path {
    Path::from(format!("drafts/{account}/{content}"))
}

pub(super) fn parse_draft(path: &Path) -> Option<(Address, Hash)> {
    let [_, account, content] = parts(path)?;
    Some((Address::parse(&account).ok()?, content.parse().ok()?))
}

fn parts<const N: usize>(path: &Path) -> Option<[String; N]> {
    let parts: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_what_they_were_made_of() {
        let (hash, account) = (Hash([0xab; 32]), Address::module("x"));
        assert_eq!(parse_content(&content(&hash)), Some(hash));
        assert!(content(&hash).to_string().starts_with("content/ab/abab"));
        assert_eq!(parse_upload(&upload(&account, &hash, 7)), Some((account, hash, 7)));
        let key = ManifestKey { root: hash, account };
        for kind in [PartKind::Items, PartKind::Index, PartKind::Anchor] {
            assert_eq!(parse_part(&part(&key, kind)), Some((key, kind)));
        }
        assert_eq!(parse_owned(&owned(&key)), Some(hash));
        assert_eq!(parse_draft(&draft(&account, &hash)), Some((account, hash)));
    }

    #[test]
    fn foreign_keys_say_nothing() {
        for path in ["content/ab/x", "uploads/x/y", "uploads/a/b/c", "manifests/x", "manifests/a/b/other", "probe"] {
            let path = Path::from(path);
            assert!(
                parse_content(&path).is_none()
                    && parse_upload(&path).is_none()
                    && parse_part(&path).is_none()
                    && parse_owned(&path).is_none()
                    && parse_draft(&path).is_none()
            );
        }
    }
}
