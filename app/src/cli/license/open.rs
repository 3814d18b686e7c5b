//! The licensee's side: wait for the key, open the content, or prove that the key is bad.
use std::{ops::Range, path::Path, thread::sleep, time::Duration};

use anyhow::{Context, Result, bail};
use cairn_content::ContentKey;
use cairn_proto::{
    cairn::licensing::v1::{KeyGrant, License, LicenseStatus, MsgReportKeyFault, MsgReportKeyFaultResponse},
    pack,
};
use cairn_sealing::{Manifest, Sealed, open_folder};
use prost::Message;
use serde_json::json;

use super::{license, version};
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

/// A granted licence and what its version states.
struct Granted {
    license: License,
    key: KeyGrant,
    root: [u8; 32],
    commitment: [u8; 32],
}

impl Granted {
    fn of(rpc: &Rpc, license: License) -> Result<Self> {
        let key = license.key.clone().context("the licence is to content that is not encrypted: ask the gateway for its items")?;
        let content = version(rpc, license.asset_id, key.version)?.content.context("the version states nothing")?;
        let root = content.manifest_root.as_slice().try_into().context("the version has no manifest root")?;
        let commitment = content.key_commitment.as_slice().try_into().context("the version has no key commitment")?;
        Ok(Self { license, key, root, commitment })
    }
    /// The content key, if what was granted opens to the one that the version commits to.
    fn unwrapped(&self, home: &Home) -> Result<Option<ContentKey>> {
        let private = vault::license_key(home, &self.key.public_key)?;
        let opened = cairn_content::open(&self.key.wrapped_key, &self.root, &self.commitment, self.license.id, &private);
        Ok(opened.ok().filter(|key| key.commitment(&self.root) == self.commitment))
    }
}

/// Opens a licence's content into a folder.
pub(super) fn open(rpc: &Rpc, home: &Home, sender: &Sender, id: u64, gateway: &str, out: &Path, output: Output) -> Result<()> {
    let granted = Granted::of(rpc, wait(rpc, id)?)?;
    let Some(key) = granted.unwrapped(home)? else {
        let (deadline, from) = (granted.license.deadline, sender.name());
        bail!(
            "the key that was granted is bad; before height {deadline} 'cairnd license report-key {id} --from {from}{}' brings the price back",
            home.flag()
        );
    };
    let (account, _) = sender.open(home)?;
    let gateway = Gateway::sign_in(gateway, &account)?;
    let place = format!("/v1/assets/{}/versions/{}", granted.license.asset_id, granted.key.version);
    let manifest = Manifest::parse(&gateway.lines(&format!("{place}/manifest"))?)?;
    if manifest.root() != granted.root {
        bail!("the gateway's manifest is not the one that the version states");
    }
    let mut told = Meter::new("opened");
    let opened = open_folder(&key, &manifest, &Served { gateway: &gateway, place }, out, &mut |done, total| told.tell(done, total))?;
    output.value(&json!({ "license": id, "files": opened.files, "kept": opened.kept, "bytes": opened.bytes, "folder": out }))
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
pub(super) fn report(rpc: &Rpc, home: &Home, sender: &Sender, id: u64, output: Output) -> Result<()> {
    let found = license(rpc, id)?;
    if found.status() != LicenseStatus::Granted {
        bail!("licence {id} is {}: only a granted key is reported, and only within its window", found.status().as_str_name());
    }
    let granted = Granted::of(rpc, found)?;
    if granted.unwrapped(home)?.is_some() {
        bail!("the key of licence {id} is good: it opens to what the version commits to");
    }
    let private = vault::license_key(home, &granted.key.public_key)?;
    let (key, options) = sender.open(home)?;
    let message = MsgReportKeyFault { licensee: key.address().to_string(), license_id: id, private_key: private.to_vec() };
    let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
    let answer = MsgReportKeyFaultResponse::decode(&*answers(&done)?.first().context("the transaction answers nothing")?.value)?;
    output.value(&json!({ "license": id, "bad": answer.bad, "hash": done.hash, "height": done.height }))
}
