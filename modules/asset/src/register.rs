//! New assets and versions, by whatever cause.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::asset::v1::{
    self as wire, AssetKind, AssetStatus, EventAssetRegistered, EventVersionPublished, Metadata, Parent, Version, VersionContent,
};

use crate::{
    Error, check, income, lineage,
    state::{self, ASSETS, BY_KIND, BY_OWNER, IDS, VERSIONS},
};

/// What a new asset starts with.
pub(crate) struct NewAsset {
    pub(crate) owner: Address,
    pub(crate) kind: AssetKind,
    pub(crate) title: String,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) parents: Vec<Parent>,
    pub(crate) income_denoms: Vec<String>,
    /// The annotation job it comes from, or 0.
    pub(crate) source_job: u64,
}

/// Registers an asset without versions.
pub(crate) fn register(ctx: &mut Ctx, new: NewAsset) -> Result<wire::Asset> {
    check::title(&new.title)?;
    check::metadata(new.metadata.as_ref())?;
    let stack = lineage::stack(ctx, &state::params(ctx)?, &new.parents)?;

    let asset = wire::Asset {
        id: IDS.next(ctx)?,
        kind: new.kind.into(),
        owner: new.owner.to_string(),
        title: new.title,
        metadata: new.metadata,
        status: AssetStatus::Active.into(),
        parents: new.parents,
        stack,
        registered_height: ctx.block().height,
        source_job: new.source_job,
        ..wire::Asset::default()
    };
    ASSETS.set(ctx, &asset.id, &asset)?;
    index(ctx, &asset, &new.owner)?;
    income::open(ctx, &asset, &new.income_denoms)?;
    let (asset_id, kind, owner, title) = (asset.id, asset.kind, asset.owner.clone(), asset.title.clone());
    ctx.emit(&EventAssetRegistered { asset_id, kind, owner, title });
    Ok(asset)
}

/// Enters an asset into the indexes by owner, kind and lineage.
pub(crate) fn index(ctx: &mut Ctx, asset: &wire::Asset, owner: &Address) -> Result<()> {
    BY_OWNER.insert(ctx, &(*owner, asset.id))?;
    BY_KIND.insert(ctx, &(kind_key(asset.kind)?, asset.id))?;
    lineage::index(ctx, asset.id, &asset.parents, &asset.stack)
}

/// A kind as a key.
pub(crate) fn kind_key(kind: i32) -> Result<u32, Error> {
    u32::try_from(kind).map_err(|_| Error::Kind(kind))
}

/// Where a version comes from when a job made it.
#[derive(Default)]
pub(crate) struct Source {
    /// The job, or 0.
    pub(crate) job: u64,
    /// Root over its paid labels; empty without a job.
    pub(crate) contributors_root: Vec<u8>,
}

/// Publishes the next version of `asset`. Gives the asset as it stands afterwards.
pub(crate) fn publish(ctx: &mut Ctx, mut asset: wire::Asset, content: VersionContent, source: Source) -> Result<wire::Asset> {
    if asset.status() == AssetStatus::Deprecated {
        return Err(Error::Deprecated(asset.id).into());
    }
    check::content(&content)?;

    let number = asset.versions.checked_add(1).ok_or(Error::Overflow)?;
    asset.versions = number;
    if content.encryption() == wire::Encryption::Envelope {
        asset.encrypted_versions = asset.encrypted_versions.checked_add(1).ok_or(Error::Overflow)?;
    }
    ASSETS.set(ctx, &asset.id, &asset)?;
    let (manifest_root, items) = (content.manifest_root.clone(), content.items);
    let version = Version {
        asset_id: asset.id,
        number,
        content: Some(content),
        published_height: ctx.block().height,
        source_job: source.job,
        contributors_root: source.contributors_root,
    };
    VERSIONS.set(ctx, &(asset.id, number), &version)?;
    ctx.emit(&EventVersionPublished { asset_id: asset.id, number, manifest_root, items, source_job: source.job });
    Ok(asset)
}
