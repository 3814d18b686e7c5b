//! `cairnd asset`: seal a folder under a new key, upload it and publish it as an encrypted version.
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use cairn_content::ContentKey;
use cairn_proto::{
    Any,
    cairn::asset::v1::{
        AssetKind, Encryption, MsgPublishVersion, MsgPublishVersionResponse, MsgRegisterAsset, MsgRegisterAssetResponse, VersionContent,
    },
    pack,
};
use cairn_sealing::{MANIFEST, Manifest, item_path, seal_folder};
use clap::{Args, Subcommand, ValueEnum};
use prost::Message;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    gateway::Gateway,
    home::{Home, random, read_json, write_json},
    job::Sender,
    output::Output,
    rpc::Rpc,
    sign::{Signer, answers, rehearse},
    vault,
};

/// What a sealed folder says of itself.
const VERSION: &str = "version.json";

/// Assets from their owner's side.
#[derive(Debug, Subcommand)]
pub(crate) enum AssetCommand {
    /// Seal a folder of files under a new key, which is kept in the home. Licensees need that key: do not lose it.
    Encrypt {
        /// The folder of files.
        folder: PathBuf,
        /// The new folder of sealed items.
        #[arg(long)]
        out: PathBuf,
    },
    /// Upload a sealed folder to a gateway and publish it, as the next version of an asset or as a new asset.
    Publish(PublishArgs),
}

/// Upload a sealed folder to a gateway and publish it, as the next version of an asset or as a new asset.
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The sealed folder.
    sealed: PathBuf,
    /// The asset that gets a version; without it, a new asset is registered.
    #[arg(long)]
    asset: Option<u64>,
    /// Title of the new asset.
    #[arg(long, required_unless_present = "asset")]
    title: Option<String>,
    /// What the new asset is.
    #[arg(long, value_enum, default_value_t = Kind::Dataset)]
    kind: Kind,
    /// The media type of what was sealed.
    #[arg(long, default_value = "application/octet-stream")]
    media_type: String,
    /// The gateway that keeps and serves the sealed items; it never sees a key.
    #[arg(long, env = "CAIRN_GATEWAY", default_value = "http://127.0.0.1:8780")]
    gateway: String,
    #[command(flatten)]
    sender: Sender,
}

/// What an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Dataset,
    Model,
    Agent,
    Code,
}

impl From<Kind> for AssetKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Dataset => Self::Dataset,
            Kind::Model => Self::Model,
            Kind::Agent => Self::Agent,
            Kind::Code => Self::Code,
        }
    }
}

/// `version.json` of a sealed folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SealedVersion {
    #[serde(with = "hex::serde")]
    manifest_root: [u8; 32],
    #[serde(with = "hex::serde")]
    key_commitment: [u8; 32],
}

impl AssetCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, node: &str, output: Output) -> Result<()> {
        match self {
            Self::Encrypt { folder, out } => encrypt(home, &folder, &out, output),
            Self::Publish(args) => args.run(home, &Rpc::new(node), output),
        }
    }
}

fn encrypt(home: &Home, folder: &Path, out: &Path, output: Output) -> Result<()> {
    let key = ContentKey::new(random());
    let mut told = Meter::new("sealed");
    let summary = seal_folder(&key, folder, out, &mut |done, total| told.tell(done, total))?;
    let manifest_root = summary.manifest.root();
    let key_commitment = vault::keep_content_key(home, &key, &manifest_root)?;
    let version = SealedVersion { manifest_root, key_commitment };
    write_json(&out.join(VERSION), &serde_json::to_value(&version)?)?;
    output.value(&json!({
        "files": summary.files, "bytes": summary.bytes, "items": summary.manifest.entries.len(),
        "manifest_root": hex::encode(manifest_root), "key_commitment": hex::encode(key_commitment),
    }))?;
    eprintln!(
        "the key lies in {}; publish with 'cairnd asset publish {} --title TITLE --from NAME{}'",
        home.path().display(),
        out.display(),
        home.flag()
    );
    Ok(())
}

impl PublishArgs {
    fn run(self, home: &Home, rpc: &Rpc, output: Output) -> Result<()> {
        let (manifest, content) = self.content(home)?;
        let entry = self.sender.entry(home)?;
        let message = self.message(&entry.address.to_string(), content);
        // What the chain would refuse is found before anything is uploaded.
        rehearse(rpc, &entry.public()?, vec![message.clone()])?;
        let (key, options) = self.sender.open(home)?;
        self.upload(&Gateway::sign_in(&self.gateway, &key)?, &manifest)?;
        let done = Signer::new(rpc, &key)?.send(vec![message], &options)?;
        let answer = answers(&done)?.into_iter().next().context("the transaction answers nothing")?;
        let (asset, version) = match self.asset {
            Some(asset) => (asset, MsgPublishVersionResponse::decode(&*answer.value)?.number),
            None => (MsgRegisterAssetResponse::decode(&*answer.value)?.asset_id, 1),
        };
        output.value(&json!({ "asset": asset, "version": version, "hash": done.hash, "height": done.height }))
    }

    /// The manifest of the folder and what the version states, once folder and home are seen to hold what belongs together.
    fn content(&self, home: &Home) -> Result<(Manifest, VersionContent)> {
        let path = self.sealed.join(MANIFEST);
        let manifest = Manifest::parse(&fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?)?;
        let sealed: SealedVersion =
            serde_json::from_value(read_json(&self.sealed.join(VERSION))?).context("version.json of the sealed folder is damaged")?;
        if manifest.root() != sealed.manifest_root {
            bail!("the manifest of {} is not the one that was sealed", self.sealed.display());
        }
        if vault::content_key(home, &sealed.manifest_root, &sealed.key_commitment)?.is_none() {
            bail!("{} has no key for {}: nobody could ever open it", home.path().display(), self.sealed.display());
        }
        let content = VersionContent {
            manifest_root: sealed.manifest_root.to_vec(),
            items: manifest.entries.len() as u64,
            bytes: manifest.bytes(),
            media_type: self.media_type.clone(),
            content_addresses: vec![self.gateway.clone()],
            encryption: Encryption::Envelope.into(),
            key_commitment: sealed.key_commitment.to_vec(),
            croissant_sha256: vec![],
        };
        Ok((manifest, content))
    }

    fn message(&self, owner: &str, content: VersionContent) -> Any {
        let owner = owner.to_owned();
        match self.asset {
            Some(asset_id) => pack(&MsgPublishVersion { owner, asset_id, content: Some(content) }),
            None => pack(&MsgRegisterAsset {
                owner,
                kind: AssetKind::from(self.kind).into(),
                title: self.title.clone().unwrap_or_default(),
                version: Some(content),
                ..MsgRegisterAsset::default()
            }),
        }
    }

    /// Uploads the items and their manifest. What the gateway has from an upload that was interrupted it takes as fast as it hashes.
    fn upload(&self, gateway: &Gateway, manifest: &Manifest) -> Result<()> {
        let (mut told, total, mut done) = (Meter::new("uploaded"), manifest.bytes(), 0_u64);
        for (index, entry) in manifest.entries.iter().enumerate() {
            let path = item_path(&self.sealed, index);
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            gateway.put_item(&hex::encode(entry.sha256), &bytes)?;
            done = done.saturating_add(entry.bytes);
            told.tell(done, total);
        }
        let lines = fs::File::open(self.sealed.join(MANIFEST))?;
        gateway.put_manifest(&hex::encode(manifest.root()), &lines)
    }
}

/// Tells how far a long piece of work is: every two seconds, and when it is done.
pub(super) struct Meter {
    verb: &'static str,
    last: Instant,
}

impl Meter {
    pub(super) fn new(verb: &'static str) -> Self {
        Self { verb, last: Instant::now() }
    }
    pub(super) fn tell(&mut self, done: u64, total: u64) {
        if done < total && self.last.elapsed().as_secs() < 2 {
            return;
        }
        self.last = Instant::now();
        eprintln!("{} {} of {} MiB", self.verb, done >> 20, total >> 20);
    }
}
