//! Keys of sealed content in the home, each in a file that nobody but its owner may read.
use std::path::PathBuf;

use anyhow::{Context, Result};
use cairn_content::{ContentKey, public_key};
use zeroize::Zeroizing;

use super::home::{Home, random, read_secret, write_secret};

/// What an owner sealed its versions under: by key commitment.
fn content_path(home: &Home, commitment: &[u8]) -> PathBuf {
    home.path().join("content-keys").join(hex::encode(commitment))
}

/// What licensees open their licences with: by public key.
fn license_path(home: &Home, public: &[u8]) -> PathBuf {
    home.path().join("license-keys").join(hex::encode(public))
}

/// Keeps the key of a version with that manifest root. Gives its commitment.
pub(super) fn keep_content_key(home: &Home, key: &ContentKey, root: &[u8; 32]) -> Result<[u8; 32]> {
    let commitment = key.commitment(root);
    write_secret(&content_path(home, &commitment), hex::encode(key.as_bytes()).as_bytes())?;
    Ok(commitment)
}

/// The key that this home has for a commitment, checked against it.
pub(super) fn content_key(home: &Home, root: &[u8; 32], commitment: &[u8]) -> Result<Option<ContentKey>> {
    let path = content_path(home, commitment);
    if !path.exists() {
        return Ok(None);
    }
    let damaged = || format!("{} is damaged", path.display());
    let key = ContentKey::new(*read_key(&path).with_context(damaged)?);
    Ok(Some(Some(key).filter(|key| key.commitment(root).as_slice() == commitment).with_context(damaged)?))
}

/// Makes and keeps a private key for one licence. Gives its public key.
pub(super) fn new_license_key(home: &Home) -> Result<[u8; 32]> {
    let private = Zeroizing::new(random());
    let public = public_key(&private);
    write_secret(&license_path(home, &public), hex::encode(*private).as_bytes())?;
    Ok(public)
}

/// The private key of a public key that this home made.
pub(super) fn license_key(home: &Home, public: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let path = license_path(home, public);
    read_key(&path).with_context(|| format!("only the home that bought the licence can open it; this one has no good {}", path.display()))
}

fn read_key(path: &std::path::Path) -> Result<Zeroizing<[u8; 32]>> {
    let text = Zeroizing::new(read_secret(path)?);
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), key.as_mut_slice()).with_context(|| format!("{} holds no key", path.display()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn keys_are_kept_found_again_and_not_read_with_loose_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let (key, root) = (ContentKey::new(random()), [3; 32]);
        let commitment = keep_content_key(&home, &key, &root).unwrap();
        assert_eq!(content_key(&home, &root, &commitment).unwrap(), Some(key));
        assert_eq!(content_key(&home, &root, &[0; 32]).unwrap(), None);
        assert!(content_key(&home, &[4; 32], &commitment).is_err(), "the key of another version");
        let public = new_license_key(&home).unwrap();
        assert_eq!(public_key(&license_key(&home, &public).unwrap()), public);
        assert!(license_key(&home, &[0; 32]).is_err());
        for path in [content_path(&home, &commitment), license_path(&home, &public)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        }
        assert!(format!("{:#}", content_key(&home, &root, &commitment).unwrap_err()).contains("mode 640"));
        assert!(format!("{:#}", license_key(&home, &public).unwrap_err()).contains("mode 640"));
    }
}
