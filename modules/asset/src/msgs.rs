//! Messages of `cairn.asset.v1`.
use std::sync::Arc;

use cairn_auth as auth;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::asset::v1::{
    AssetStatus, EventAssetDeprecated, EventAssetOffered, EventAssetTransferred, EventMetadataUpdated, MsgAcceptAsset,
    MsgAcceptAssetResponse, MsgClaimShares, MsgClaimSharesResponse, MsgDeprecateAsset, MsgDeprecateAssetResponse, MsgPublishVersion,
    MsgPublishVersionResponse, MsgRegisterAsset, MsgRegisterAssetResponse, MsgServer, MsgTokenizeAsset, MsgTokenizeAssetResponse,
    MsgTransferAsset, MsgTransferAssetResponse, MsgUpdateMetadata, MsgUpdateMetadataResponse, MsgUpdateParams, MsgUpdateParamsResponse,
    MsgWithdrawIncome, MsgWithdrawIncomeResponse,
};

use crate::{
    Asset, Error, Hooks, check, income,
    register::{self, NewAsset, Source},
    share_denom,
    shares::{self, Claim},
    state::{self, ASSETS, BY_OWNER, PARAMS},
};

impl MsgServer for Asset {
    fn register_asset(&self, ctx: &mut Ctx, m: MsgRegisterAsset) -> Result<MsgRegisterAssetResponse> {
        let new = NewAsset {
            owner: Address::parse(&m.owner)?,
            kind: check::kind(m.kind)?,
            title: m.title,
            metadata: m.metadata,
            parents: m.parents,
            income_denoms: m.income_denoms,
            source_job: 0,
        };
        let (owner, parents) = (new.owner, new.parents.clone());
        let asset = register::register(ctx, new)?;
        for hook in ctx.hooks::<Arc<dyn Hooks>>() {
            hook.on_registration(ctx, &owner, &parents)?;
        }
        let asset_id = asset.id;
        if let Some(content) = m.version {
            register::publish(ctx, asset, content, Source::default())?;
        }
        Ok(MsgRegisterAssetResponse { asset_id })
    }

    fn publish_version(&self, ctx: &mut Ctx, m: MsgPublishVersion) -> Result<MsgPublishVersionResponse> {
        let asset = state::owned(ctx, m.asset_id, &m.owner)?;
        let content = m.content.ok_or(Error::NoContent)?;
        let asset = register::publish(ctx, asset, content, Source::default())?;
        Ok(MsgPublishVersionResponse { number: asset.versions })
    }

    fn tokenize_asset(&self, ctx: &mut Ctx, m: MsgTokenizeAsset) -> Result<MsgTokenizeAssetResponse> {
        let asset = state::owned(ctx, m.asset_id, &m.owner)?;
        let max = state::params(ctx)?.max_inline_holders;
        if usize::try_from(max).is_ok_and(|max| m.holders.len() > max) {
            return Err(Error::Holders { max, found: m.holders.len() }.into());
        }
        let holders: Vec<_> = m.holders.iter().map(|h| Ok((Address::parse(&h.address)?, h.weight))).collect::<Result<_>>()?;
        shares::tokenize(ctx, asset, m.supply, &holders, m.claims.as_ref())?;
        Ok(MsgTokenizeAssetResponse { denom: share_denom(m.asset_id) })
    }

    fn claim_shares(&self, ctx: &mut Ctx, m: MsgClaimShares) -> Result<MsgClaimSharesResponse> {
        let claim = Claim { index: m.index, holder: Address::parse(&m.holder)?, shares: m.shares, path: m.path };
        shares::claim(ctx, m.asset_id, &claim)?;
        Ok(MsgClaimSharesResponse {})
    }

    fn withdraw_income(&self, ctx: &mut Ctx, m: MsgWithdrawIncome) -> Result<MsgWithdrawIncomeResponse> {
        let holder = Address::parse(&m.holder)?;
        let coins = income::withdraw(ctx, m.asset_id, &holder)?;
        Ok(MsgWithdrawIncomeResponse { amount: coins.iter().map(Into::into).collect() })
    }

    fn transfer_asset(&self, ctx: &mut Ctx, m: MsgTransferAsset) -> Result<MsgTransferAssetResponse> {
        let mut asset = state::owned(ctx, m.asset_id, &m.owner)?;
        if m.new_owner == m.owner {
            return Err(Error::SameOwner(m.owner).into());
        }
        if !m.new_owner.is_empty() {
            Address::parse(&m.new_owner)?;
        }

        asset.pending_owner.clone_from(&m.new_owner);
        ASSETS.set(ctx, &m.asset_id, &asset)?;
        ctx.emit(&EventAssetOffered { asset_id: m.asset_id, owner: m.owner, new_owner: m.new_owner });
        Ok(MsgTransferAssetResponse {})
    }

    fn accept_asset(&self, ctx: &mut Ctx, m: MsgAcceptAsset) -> Result<MsgAcceptAssetResponse> {
        let to = Address::parse(&m.new_owner)?;
        let mut asset = state::asset(ctx, m.asset_id)?;
        if asset.pending_owner != m.new_owner {
            return Err(Error::NotOffered { asset: m.asset_id, signer: m.new_owner }.into());
        }
        let from = Address::parse(&asset.owner)?;

        asset.owner = std::mem::take(&mut asset.pending_owner);
        ASSETS.set(ctx, &m.asset_id, &asset)?;
        BY_OWNER.remove(ctx, &(from, m.asset_id))?;
        BY_OWNER.insert(ctx, &(to, m.asset_id))?;
        ctx.emit(&EventAssetTransferred { asset_id: m.asset_id, from: from.to_string(), to: m.new_owner });
        Ok(MsgAcceptAssetResponse {})
    }

    fn update_metadata(&self, ctx: &mut Ctx, m: MsgUpdateMetadata) -> Result<MsgUpdateMetadataResponse> {
        let mut asset = state::owned(ctx, m.asset_id, &m.owner)?;
        check::title(&m.title)?;
        check::metadata(m.metadata.as_ref())?;

        asset.title.clone_from(&m.title);
        asset.metadata = m.metadata;
        ASSETS.set(ctx, &m.asset_id, &asset)?;
        ctx.emit(&EventMetadataUpdated { asset_id: m.asset_id, title: m.title });
        Ok(MsgUpdateMetadataResponse {})
    }

    fn deprecate_asset(&self, ctx: &mut Ctx, m: MsgDeprecateAsset) -> Result<MsgDeprecateAssetResponse> {
        let mut asset = state::owned(ctx, m.asset_id, &m.owner)?;
        if asset.status() == AssetStatus::Deprecated {
            return Err(Error::Deprecated(m.asset_id).into());
        }
        check::reason(&m.reason)?;
        if m.successor == m.asset_id {
            return Err(Error::Successor(m.successor).into());
        }
        if m.successor != 0 {
            state::asset(ctx, m.successor)?;
        }

        asset.set_status(AssetStatus::Deprecated);
        asset.deprecation_reason.clone_from(&m.reason);
        asset.successor = m.successor;
        ASSETS.set(ctx, &m.asset_id, &asset)?;
        ctx.emit(&EventAssetDeprecated { asset_id: m.asset_id, reason: m.reason, successor: m.successor });
        Ok(MsgDeprecateAssetResponse {})
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        auth::require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::NoParams)?;
        check::params(&params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
