//! The licensee's side: wait for the key, open the content, or prove that the key is bad.
use std::{ops::Range, thread::sleep, time::Duration};

use anyhow::{Context, Result, bail};
use cairn_content::ContentKey;
use cairn_proto::{
    cairn::licensing::v1::{License, LicenseKey, LicenseStatus, MsgReportKeyFault, MsgReportKeyFaultResponse},
    pack,
};
use cairn_sealing::{Manifest, Sealed, open_folder};
use prost::Message;
use serde_json::json;

use super::{OpenArgs, keys, license, version};
use crate::cli::{
    asset::Meter,
    gateway::Gateway,
    home::Home,
    job::Sender,
    output::Output,
    rpc::Rpc,
    sign::{Signer, answers},
    vault,
};

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(1);

/// One version of a granted licence and what it states.
pub(super) struct Granted {
    pub(super) license: License,
    pub(super) version: u64,
    public_key: Vec<u8>,
    wrapped_key: Vec<u8>,
    pub(super) root: [u8; 32],
    commitment: [u8; 32],
}

impl Granted {
    /// The version with that number; without one, the newest whose key is there.
    pub(super) fn of(rpc: &Rpc, license: License, wanted: Option<u64>) -> Result<Self> {
        let public_key =
            license.key.clone().context("the licence is to content that is not encrypted: ask the gateway for its items")?.public_key;
        let found = keys(rpc, license.id)?;
        let with_key = |key: &&LicenseKey| !key.wrapped_key.is_empty();
        let key = match wanted {
            None => found.iter().rev().find(with_key),
            Some(number) => found.iter().find(|key| key.version == number).filter(with_key),
        };
        let Some(LicenseKey { version: number, wrapped_key, .. }) = key.cloned() else {
            let due: Vec<String> = found.iter().filter(|key| key.due).map(|key| key.version.to_string()).collect();
            let wanted = wanted.map_or_else(|| "any version".to_owned(), |number| format!("version {number}"));
            bail!("licence {} has no key of {wanted}; the owner still owes those of: {}", license.id, due.join(", "));
        };
        let content = version(rpc, license.asset_id, number)?.content.context("the version states nothing")?;
        let root = content.manifest_root.as_slice().try_into().context("the version has no manifest root")?;
        let commitment = content.key_commitment.as_slice().try_into().context("the version has no key commitment")?;
        Ok(Self { license, version: number, public_key, wrapped_key, root, commitment })
    }
    /// The content key, if what was granted opens to the one that the version commits to.
    pub(super) fn unwrapped(&self, home: &Home) -> Result<Option<ContentKey>> {
        let private = vault::license_key(home, &self.public_key)?;
        let opened = cairn_content::open(&self.wrapped_key, &self.root, &self.commitment, self.license.id, &private);
        Ok(opened.ok().filter(|key| key.commitment(&self.root) == self.commitment))
    }
    /// Whether it is one of those that the price waits for.
    fn may_be_reported(&self) -> bool {
        self.license.status() == LicenseStatus::Granted && self.license.key.as_ref().is_some_and(|key| self.version <= key.version)
    }
}

/// Opens a version of a licence's content into a folder.
pub(super) fn open(rpc: &Rpc, home: &Home, args: OpenArgs, output: Output) -> Result<()> {
    let OpenArgs { license: id, version, out, gateway, sender } = args;
    let granted = Granted::of(rpc, wait(rpc, id)?, version)?;
    let Some(key) = granted.unwrapped(home)? else {
        let (deadline, number, from) = (granted.license.deadline, granted.version, sender.name());
        if !granted.may_be_reported() {
            bail!("the key of version {number} is bad: ask the asset's owner, or whom the licence came from, for a good one");
        }
        bail!(
            "the key that was granted is bad; before height {deadline} 'cairnd license report-key {id} --version {number} --from {from}{}' \
             brings the price back",
            home.flag()
        );
    };
    let (account, _) = sender.open(home)?;
    let gateway = Gateway::sign_in(&gateway, &account)?;
    let place = format!("/v1/assets/{}/versions/{}", granted.license.asset_id, granted.version);
    let manifest = Manifest::parse(&gateway.lines(&format!("{place}/manifest"))?)?;
    if manifest.root() != granted.root {
        bail!("the gateway's manifest is not the one that the version states");
    }
    let mut told = Meter::new("opened");
    let opened = open_folder(&key, &manifest, &Served { gateway: &gateway, place }, &out, &mut |done, total| told.tell(done, total))?;
    output.value(&json!({ "license": id, "version": granted.version, "files": opened.files, "kept": opened.kept, "bytes": opened.bytes, "folder": out }))
}

/// Waits until the key is granted.
fn wait(rpc: &Rpc, id: u64) -> Result<License> {
    let rpc = &rpc.patient();
    let mut told = LicenseStatus::Final;
    loop {
        let found = license(rpc, id)?;
        match found.status() {
            LicenseStatus::Granted | LicenseStatus::Final => return Ok(found),
            LicenseStatus::Refunded | LicenseStatus::Revoked => {
                bail!("licence {id} is {}: it permits nothing", found.status().as_str_name())
            }
            waits @ (LicenseStatus::Pending | LicenseStatus::Paid) => {
                if told != waits {
                    let what = if waits == LicenseStatus::Paid { "key" } else { "approval" };
                    eprintln!("waiting for the owner's {what}, until height {} ...", found.deadline);
                    told = waits;
                }
                sleep(PAUSE);
            }
        }
    }
}

/// Items as a gateway serves them.
struct Served<'a> {
    gateway: &'a Gateway,
    place: String,
}

impl Sealed for Served<'_> {
    fn read(&self, index: u32, range: Range<u64>) -> Result<Vec<u8>> {
        self.gateway.range(&format!("{}/items/{index}", self.place), range)
    }
}

/// Proves that a granted key is bad. A good one is not reported: it would cost the complaint bond and make the content public.
pub(super) fn report(rpc: &Rpc, home: &Home, sender: &Sender, id: u64, version: Option<u64>, output: Output) -> Result<()> {
    let found = license(rpc, id)?;
    if found.status() != LicenseStatus::Granted {
        bail!("licence {id} is {}: only a granted key is reported, and only within its window", found.status().as_str_name());
    }
    let version = version.or_else(|| found.key.as_ref().map(|key| key.version));
    let granted = Granted::of(rpc, found, version)?;
    if granted.unwrapped(home)?.is_some() {
        bail!("the key of licence {id} to version {} is good: it opens to what the version commits to", granted.version);
    }
    let private_key = vault::license_key(home, &granted.public_key)?.to_vec();
    let (key, options) = sender.open(home)?;
    let message = MsgReportKeyFault { licensee: key.address().to_string(), license_id: id, private_key, version: granted.version };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    let answer = MsgReportKeyFaultResponse::decode(&*answers(&done)?.first().context("the transaction answers nothing")?.value)?;
    output.value(&json!({ "license": id, "bad": answer.bad, "hash": done.hash, "height": done.height }))
}
