//! The owner's side: keys are wrapped and granted as soon as they are paid for.
use std::{collections::BTreeSet, thread::sleep, time::Duration};

use anyhow::{Context, Result};
use cairn_content::{PublicKey, wrap};
use cairn_proto::{
    Any,
    cairn::{
        asset::v1::{QueryAssetsRequest, QueryAssetsResponse},
        licensing::v1::{
            License, LicenseStatus, MsgGrantKey, MsgGrantVersionKey, QueryLicensesByAssetRequest, QueryLicensesByAssetResponse,
        },
    },
    cosmos::base::query::v1beta1::PageRequest,
    pack,
};

use super::{keys, version};
use crate::cli::{
    home::{Home, random},
    job::Sender,
    output::Output,
    rpc::Rpc,
    sign::Signer,
    vault,
};

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(2);
/// Entries of a page.
const PAGE: u64 = 200;

/// Grants every key that is due on the assets of the sender and that this home holds; again and again, unless `once`. `list` only tells.
pub(super) fn grant(rpc: &Rpc, home: &Home, sender: &Sender, once: bool, list: Option<Output>) -> Result<()> {
    let owner = sender.entry(home)?.address;
    if let Some(output) = list {
        return table(rpc, home, &owner, output);
    }
    let (key, options) = sender.open(home)?;
    rpc.chain_id()?; // a node that is not there is told at once
    let rpc = &rpc.patient();
    let signer = Signer::new(rpc, &key)?;
    let mut missing = BTreeSet::new();
    loop {
        let mut granted = 0_u32;
        for license in due(rpc, &owner)? {
            let Owed { messages, unknown, .. } = owed(rpc, home, &owner, &license)?;
            for version in unknown {
                if missing.insert((license.id, version)) {
                    eprintln!("licence {}: this home does not have the key of version {version}; {}", license.id, loss(&license));
                }
            }
            if messages.is_empty() {
                continue;
            }
            let count = u32::try_from(messages.len()).context("too many keys")?;
            let done = signer.send(messages, &options)?;
            eprintln!("licence {}: {count} keys granted in block {}", license.id, done.height);
            granted = granted.saturating_add(count);
        }
        if once {
            eprintln!("{granted} keys granted");
            return Ok(());
        }
        sleep(PAUSE);
    }
}

/// What a key that does not come costs.
fn loss(license: &License) -> String {
    match license.status() {
        LicenseStatus::Paid => format!("half the key bond is lost at height {}", license.deadline),
        _ => "its licensee cannot open that version".to_owned(),
    }
}

fn table(rpc: &Rpc, home: &Home, owner: &str, output: Output) -> Result<()> {
    let mut rows = Vec::new();
    for license in due(rpc, owner)? {
        let Owed { versions, unknown, .. } = owed(rpc, home, owner, &license)?;
        let until = if license.status() == LicenseStatus::Paid { license.deadline.to_string() } else { String::new() };
        for version in versions {
            let here = if unknown.contains(&version) { "missing" } else { "here" };
            let cells = [license.id, license.asset_id, version].map(|number| number.to_string());
            rows.push(cells.into_iter().chain([license.licensee.clone(), until.clone(), here.to_owned()]).collect());
        }
    }
    output.table(&["license", "asset", "version", "licensee", "until", "key"], &rows)
}

/// The licences on assets of `owner` to which a key is owed.
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

/// What a licence is owed.
struct Owed {
    /// The versions.
    versions: Vec<u64>,
    /// Those of which this home does not have the key.
    unknown: Vec<u64>,
    /// What grants the others: nothing where the sale waits for one that is unknown, since the newest version's comes last.
    messages: Vec<Any>,
}

fn owed(rpc: &Rpc, home: &Home, owner: &str, license: &License) -> Result<Owed> {
    let grant = license.key.as_ref().context("the licence waits for no key")?;
    let to = PublicKey::parse(&grant.public_key)?;
    let (mut versions, mut unknown, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for due in keys(rpc, license.id)?.into_iter().filter(|key| key.due) {
        versions.push(due.version);
        let content = version(rpc, license.asset_id, due.version)?.content.context("the version states nothing")?;
        let root = content.manifest_root.as_slice().try_into().context("the version has no manifest root")?;
        let Some(key) = vault::content_key(home, &root, &content.key_commitment)? else {
            unknown.push(due.version);
            continue;
        };
        let (owner, wrapped_key) = (owner.to_owned(), wrap(&key, &root, license.id, &to, random())?.to_vec());
        messages.push(if license.status() == LicenseStatus::Paid && due.version == grant.version {
            pack(&MsgGrantKey { owner, license_id: license.id, wrapped_key })
        } else {
            pack(&MsgGrantVersionKey { owner, license_id: license.id, version: due.version, wrapped_key })
        });
    }
    if license.status() == LicenseStatus::Paid && !unknown.is_empty() {
        messages.clear();
    }
    Ok(Owed { versions, unknown, messages })
}
