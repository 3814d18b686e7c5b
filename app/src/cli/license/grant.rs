//! The owner's side: keys are wrapped and granted as soon as they are paid for.
use std::{collections::BTreeSet, thread::sleep, time::Duration};

use anyhow::{Context, Result};
use cairn_content::{PublicKey, wrap};
use cairn_proto::{
    cairn::{
        asset::v1::{QueryAssetsRequest, QueryAssetsResponse},
        licensing::v1::{License, MsgGrantKey, QueryLicensesByAssetRequest, QueryLicensesByAssetResponse},
    },
    cosmos::base::query::v1beta1::PageRequest,
    pack,
};

use super::version;
use crate::cli::{
    home::{Home, random},
    job::Sender,
    rpc::Rpc,
    sign::Signer,
    vault,
};

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(2);
/// Entries of a page.
const PAGE: u64 = 200;

/// Grants every key that is due on the assets of the sender and that this home holds; again and again, unless `once`.
pub(super) fn grant(rpc: &Rpc, home: &Home, sender: &Sender, once: bool) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let owner = key.address().to_string();
    rpc.chain_id()?; // a node that is not there is told at once
    let rpc = &rpc.patient();
    let signer = Signer::new(rpc, &key)?;
    let mut missing = BTreeSet::new();
    loop {
        let mut granted = 0_u32;
        for license in due(rpc, &owner)? {
            let Some(message) = message(rpc, home, &owner, &license)? else {
                if missing.insert(license.id) {
                    eprintln!(
                        "licence {}: this home does not have its key; half the key bond is lost at height {}",
                        license.id, license.deadline
                    );
                }
                continue;
            };
            let done = signer.send(vec![pack(&message)], &options)?;
            eprintln!("licence {}: key granted in block {}", license.id, done.height);
            granted = granted.saturating_add(1);
        }
        if once {
            eprintln!("{granted} keys granted");
            return Ok(());
        }
        sleep(PAUSE);
    }
}

/// The licences on assets of `owner` that wait for their key.
fn due(rpc: &Rpc, owner: &str) -> Result<Vec<License>> {
    let mut licenses = Vec::new();
    let mut next = Some(PageRequest { limit: PAGE, ..PageRequest::default() });
    while let Some(page) = next {
        let request = QueryAssetsRequest { owner: owner.to_owned(), pagination: Some(page), ..QueryAssetsRequest::default() };
        let found: QueryAssetsResponse = rpc.ask("/cairn.asset.v1.Query/Assets", &request)?;
        for asset in found.assets.iter().filter(|asset| asset.encrypted_versions > 0) {
            let pagination = Some(PageRequest { limit: PAGE, ..PageRequest::default() });
            let request = QueryLicensesByAssetRequest { asset_id: asset.id, key_due: true, pagination };
            // One page: what follows comes at the next look, when these have their keys.
            let found: QueryLicensesByAssetResponse = rpc.ask("/cairn.licensing.v1.Query/LicensesByAsset", &request)?;
            licenses.extend(found.licenses);
        }
        let key = found.pagination.map(|page| page.next_key).unwrap_or_default();
        next = (!key.is_empty()).then(|| PageRequest { key, limit: PAGE, ..PageRequest::default() });
    }
    Ok(licenses)
}

/// The grant of one licence; `None` where this home does not have the content key.
fn message(rpc: &Rpc, home: &Home, owner: &str, license: &License) -> Result<Option<MsgGrantKey>> {
    let due = license.key.as_ref().context("the licence waits for no key")?;
    let content = version(rpc, license.asset_id, due.version)?.content.context("the version states nothing")?;
    let root = content.manifest_root.as_slice().try_into().context("the version has no manifest root")?;
    let Some(key) = vault::content_key(home, &root, &content.key_commitment)? else { return Ok(None) };
    let to = PublicKey::parse(&due.public_key)?;
    let wrapped_key = wrap(&key, &root, license.id, &to, random())?.to_vec();
    Ok(Some(MsgGrantKey { owner: owner.to_owned(), license_id: license.id, wrapped_key }))
}
