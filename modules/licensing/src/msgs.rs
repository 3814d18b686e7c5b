//! Messages of `cairn.licensing.v1`.
use cairn_asset as asset;
use cairn_auth as auth;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::{
    cairn::licensing::v1::{
        EventLicenseBought, EventLicenseRenewed, EventLicenseTransferred, EventSeatsAssigned, EventTermsOffered, EventTermsRetired,
        License, MsgAssignSeats, MsgAssignSeatsResponse, MsgBuyLicense, MsgBuyLicenseResponse, MsgOfferTerms, MsgOfferTermsResponse,
        MsgRenewLicense, MsgRenewLicenseResponse, MsgRetireTerms, MsgRetireTermsResponse, MsgServer, MsgTransferLicense,
        MsgTransferLicenseResponse, MsgUpdateParams, MsgUpdateParamsResponse, Pricing, Terms,
    },
    coin,
    cosmos::base::v1beta1 as proto,
};

use crate::{
    Error, Licensing, check, check_params, sale,
    state::{self, BY_LICENSEE, PARAMS, TERMS},
};

impl MsgServer for Licensing {
    fn offer_terms(&self, ctx: &mut Ctx, m: MsgOfferTerms) -> Result<MsgOfferTermsResponse> {
        let content = m.content.ok_or(Error::NoContent)?;
        let prices = check::content(&content)?;
        let licensed = asset::asset(ctx, content.asset_id)?;
        if licensed.owner != m.owner {
            return Err(Error::NotOwner { asset: licensed.id, signer: m.owner }.into());
        }
        check::sellable(ctx, &licensed, &content.versions)?;
        let key = check::terms_id(&content);
        let terms_id = hex::encode(key);
        if TERMS.has(ctx, &key)? {
            return Err(Error::TermsExist(terms_id).into());
        }

        prices.iter().try_for_each(|price| asset::allow_income(ctx, licensed.id, &price.denom))?;
        let terms = Terms { id: terms_id.clone(), content: Some(content), retired_height: 0, offered_height: ctx.block().height, sold: 0 };
        state::set_terms(ctx, key, licensed.id, &terms)?;
        ctx.emit(&EventTermsOffered { terms_id: terms_id.clone(), asset_id: licensed.id, owner: m.owner });
        Ok(MsgOfferTermsResponse { terms_id })
    }

    fn retire_terms(&self, ctx: &mut Ctx, m: MsgRetireTerms) -> Result<MsgRetireTermsResponse> {
        let (key, mut terms) = state::terms(ctx, &m.terms_id)?;
        let asset_id = terms.content.as_ref().map_or(0, |content| content.asset_id);
        if asset::asset(ctx, asset_id)?.owner != m.owner {
            return Err(Error::NotOwner { asset: asset_id, signer: m.owner }.into());
        }
        sale::check_open(&terms)?;

        terms.retired_height = ctx.block().height;
        state::set_terms(ctx, key, asset_id, &terms)?;
        ctx.emit(&EventTermsRetired { terms_id: m.terms_id, asset_id });
        Ok(MsgRetireTermsResponse {})
    }

    fn buy_license(&self, ctx: &mut Ctx, m: MsgBuyLicense) -> Result<MsgBuyLicenseResponse> {
        let order = sale::order(ctx, &m)?;
        let fee = order.price.as_ref().map(|price| sale::settle(ctx, &order.buyer, &order.licensed, price)).transpose()?;
        let license = sale::issue(ctx, &order)?;
        ctx.emit(&EventLicenseBought {
            license_id: license.id,
            terms_id: m.terms_id,
            asset_id: license.asset_id,
            buyer: m.buyer,
            licensee: license.licensee,
            price: order.price.map(Into::into),
            fee: visible(fee),
            expires: license.expires,
        });
        Ok(MsgBuyLicenseResponse { license_id: license.id, expires: license.expires })
    }

    fn renew_license(&self, ctx: &mut Ctx, m: MsgRenewLicense) -> Result<MsgRenewLicenseResponse> {
        let payer = Address::parse(&m.payer)?;
        let before = state::license(ctx, m.license_id)?;
        let (_, terms) = state::terms(ctx, &before.terms_id)?;
        let content = terms.content.clone().ok_or(Error::NoContent)?;
        if content.pricing() != Pricing::Period {
            return Err(Error::NotRenewable(m.license_id).into());
        }
        sale::check_open(&terms)?;
        let licensed = asset::asset(ctx, before.asset_id)?;
        let periods = check::periods(content.pricing(), m.periods)?;
        let price = check::payment(&coin::coins(&content.prices)?, periods, sale::offered(m.payment.as_ref())?)?;
        let price = price.ok_or(Error::NotRenewable(m.license_id))?;
        let expires = sale::extend(before.expires.max(ctx.block().height), content.term_blocks, periods)?;

        let fee = sale::settle(ctx, &payer, &licensed, &price)?;
        let mut paid = coin::coins(&before.paid)?;
        paid.add(&price)?;
        let after = License { expires, paid: coin::to_proto(&paid), ..before.clone() };
        state::reseat(ctx, &before, &after)?;
        ctx.emit(&EventLicenseRenewed {
            license_id: m.license_id,
            payer: m.payer,
            price: Some(price.into()),
            fee: visible(Some(fee)),
            expires,
        });
        Ok(MsgRenewLicenseResponse { expires })
    }

    fn transfer_license(&self, ctx: &mut Ctx, m: MsgTransferLicense) -> Result<MsgTransferLicenseResponse> {
        let to = Address::parse(&m.new_licensee)?;
        let before = held(ctx, m.license_id, &m.licensee)?;
        let (_, terms) = state::terms(ctx, &before.terms_id)?;
        if !terms.content.is_some_and(|content| content.transferable) {
            return Err(Error::NotTransferable(m.license_id).into());
        }
        if m.new_licensee == m.licensee {
            return Err(Error::SameLicensee(m.licensee).into());
        }

        let from = Address::parse(&m.licensee)?;
        let after = License { licensee: to.to_string(), users: vec![], ..before.clone() };
        state::reseat(ctx, &before, &after)?;
        BY_LICENSEE.remove(ctx, &(from, m.license_id))?;
        BY_LICENSEE.insert(ctx, &(to, m.license_id))?;
        ctx.emit(&EventLicenseTransferred { license_id: m.license_id, from: m.licensee, to: m.new_licensee });
        Ok(MsgTransferLicenseResponse {})
    }

    fn assign_seats(&self, ctx: &mut Ctx, m: MsgAssignSeats) -> Result<MsgAssignSeatsResponse> {
        let before = held(ctx, m.license_id, &m.licensee)?;
        let (_, terms) = state::terms(ctx, &before.terms_id)?;
        let seats = terms.content.map_or(1, |content| content.seats);
        let users = check::users(&m.licensee, &m.users, seats)?;

        let after = License { users: users.clone(), ..before.clone() };
        state::reseat(ctx, &before, &after)?;
        ctx.emit(&EventSeatsAssigned { license_id: m.license_id, users });
        Ok(MsgAssignSeatsResponse {})
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        auth::require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::NoParams)?;
        check_params(&params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }
}

/// The licence, if `signer` holds it and it is still valid.
fn held(ctx: &Ctx, id: u64, signer: &str) -> Result<License> {
    let license = state::license(ctx, id)?;
    if license.licensee != signer {
        return Err(Error::NotLicensee { license: id, signer: signer.to_owned() }.into());
    }
    if !state::is_valid(license.expires, ctx.block().height) {
        return Err(Error::Expired { license: id, expires: license.expires }.into());
    }
    Ok(license)
}

/// A fee as events show it.
fn visible(fee: Option<Coin>) -> Option<proto::Coin> {
    fee.filter(|fee| fee.amount > 0).map(Into::into)
}
