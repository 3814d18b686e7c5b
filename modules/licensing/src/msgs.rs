//! Messages of `cairn.licensing.v1`.
use cairn_asset as asset;
use cairn_auth as auth;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::{
    cairn::licensing::v1::{
        EventLicenseBought, EventLicenseRenewed, EventRevocationRequested, EventSeatsAssigned, EventTermsOffered, EventTermsRetired,
        License, MsgApproveLicense, MsgApproveLicenseResponse, MsgAssignSeats, MsgAssignSeatsResponse, MsgBuyLicense,
        MsgBuyLicenseResponse, MsgCloseSession, MsgCloseSessionResponse, MsgDepositKeyBond, MsgDepositKeyBondResponse, MsgGrantKey,
        MsgGrantKeyResponse, MsgGrantVersionKey, MsgGrantVersionKeyResponse, MsgOfferTerms, MsgOfferTermsResponse, MsgOpenSession,
        MsgOpenSessionResponse, MsgRejectLicense, MsgRejectLicenseResponse, MsgRenewLicense, MsgRenewLicenseResponse, MsgReportKeyFault,
        MsgReportKeyFaultResponse, MsgReportRevenue, MsgReportRevenueResponse, MsgRequestRevocation, MsgRequestRevocationResponse,
        MsgRetireTerms, MsgRetireTermsResponse, MsgServer, MsgSettleSession, MsgSettleSessionResponse, MsgTopUp, MsgTopUpResponse,
        MsgTransferLicense, MsgTransferLicenseResponse, MsgUpdateParams, MsgUpdateParamsResponse, MsgWithdrawKeyBond,
        MsgWithdrawKeyBondResponse, Pricing, Terms,
    },
    coin,
};

use crate::{
    Error, Licensing, approval, check, check_params, deposits, keys, revenue, revocation, sale, sessions,
    state::{self, PARAMS, TERMS},
    transfer, version_keys,
};

impl MsgServer for Licensing {
    fn offer_terms(&self, ctx: &mut Ctx, m: MsgOfferTerms) -> Result<MsgOfferTermsResponse> {
        let content = m.content.ok_or(Error::NoContent)?;
        let prices = check::content(&content)?;
        let licensed = asset::asset(ctx, content.asset_id)?;
        if licensed.owner != m.owner {
            return Err(Error::NotOwner { asset: licensed.id, signer: m.owner }.into());
        }
        let owed = check::sellable(ctx, &licensed, &content)?;
        check::key_bond(ctx, &content, owed.is_some())?;
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
        let (license, fee) = sale::issue(ctx, &order)?;
        ctx.emit(&EventLicenseBought {
            license_id: license.id,
            terms_id: m.terms_id,
            asset_id: license.asset_id,
            buyer: m.buyer,
            licensee: license.licensee,
            price: order.price.map(Into::into),
            fee: sale::visible(fee),
            expires: license.expires,
            status: license.status,
            deadline: license.deadline,
        });
        Ok(MsgBuyLicenseResponse { license_id: license.id, expires: license.expires, status: license.status, deadline: license.deadline })
    }

    fn approve_license(&self, ctx: &mut Ctx, m: MsgApproveLicense) -> Result<MsgApproveLicenseResponse> {
        approval::approve(ctx, &m.owner, m.license_id)?;
        Ok(MsgApproveLicenseResponse {})
    }

    fn reject_license(&self, ctx: &mut Ctx, m: MsgRejectLicense) -> Result<MsgRejectLicenseResponse> {
        approval::reject(ctx, &m.owner, m.license_id)?;
        Ok(MsgRejectLicenseResponse {})
    }

    fn renew_license(&self, ctx: &mut Ctx, m: MsgRenewLicense) -> Result<MsgRenewLicenseResponse> {
        let payer = Address::parse(&m.payer)?;
        let before = state::license(ctx, m.license_id)?;
        state::check_final(&before)?;
        let (_, terms) = state::terms(ctx, &before.terms_id)?;
        let content = terms.content.clone().ok_or(Error::NoContent)?;
        if content.pricing() != Pricing::Period {
            return Err(Error::NotRenewable(m.license_id).into());
        }
        sale::check_open(&terms)?;
        let periods = check::periods(content.pricing(), m.periods)?;
        let price = check::payment(&coin::coins(&content.prices)?, periods, sale::offered(m.payment.as_ref())?)?;
        let price = price.ok_or(Error::NotRenewable(m.license_id))?;
        let expires = sale::extend(before.expires.max(ctx.block().height), content.term_blocks, periods)?;

        let fee = sale::settle(ctx, &payer, before.asset_id, &price, state::params(ctx)?.fee_bps)?;
        let mut paid = coin::coins(&before.paid)?;
        paid.add(&price)?;
        let after = License { expires, paid: coin::to_proto(&paid), ..before.clone() };
        state::replace(ctx, &before, &after)?;
        let (price, fee) = (Some(price.into()), sale::visible(Some(fee)));
        ctx.emit(&EventLicenseRenewed { license_id: m.license_id, payer: m.payer, price, fee, expires });
        Ok(MsgRenewLicenseResponse { expires })
    }

    fn report_revenue(&self, ctx: &mut Ctx, m: MsgReportRevenue) -> Result<MsgReportRevenueResponse> {
        revenue::report(ctx, &m)
    }

    fn transfer_license(&self, ctx: &mut Ctx, m: MsgTransferLicense) -> Result<MsgTransferLicenseResponse> {
        transfer::transfer(ctx, &m)?;
        Ok(MsgTransferLicenseResponse {})
    }

    fn grant_key(&self, ctx: &mut Ctx, m: MsgGrantKey) -> Result<MsgGrantKeyResponse> {
        Ok(MsgGrantKeyResponse { deadline: keys::grant(ctx, &m)? })
    }

    fn grant_version_key(&self, ctx: &mut Ctx, m: MsgGrantVersionKey) -> Result<MsgGrantVersionKeyResponse> {
        version_keys::grant(ctx, &m)?;
        Ok(MsgGrantVersionKeyResponse {})
    }

    fn report_key_fault(&self, ctx: &mut Ctx, m: MsgReportKeyFault) -> Result<MsgReportKeyFaultResponse> {
        Ok(MsgReportKeyFaultResponse { bad: keys::report(ctx, &m)? })
    }

    fn request_revocation(&self, ctx: &mut Ctx, m: MsgRequestRevocation) -> Result<MsgRequestRevocationResponse> {
        let case_id = revocation::request(ctx, &m)?;
        ctx.emit(&EventRevocationRequested { license_id: m.license_id, case_id, owner: m.owner });
        Ok(MsgRequestRevocationResponse { case_id })
    }

    fn deposit_key_bond(&self, ctx: &mut Ctx, m: MsgDepositKeyBond) -> Result<MsgDepositKeyBondResponse> {
        deposits::put_in(ctx, &m.owner, m.amount.as_ref())?;
        Ok(MsgDepositKeyBondResponse {})
    }

    fn withdraw_key_bond(&self, ctx: &mut Ctx, m: MsgWithdrawKeyBond) -> Result<MsgWithdrawKeyBondResponse> {
        deposits::take_out(ctx, &m.owner, m.amount.as_ref())?;
        Ok(MsgWithdrawKeyBondResponse {})
    }

    fn open_session(&self, ctx: &mut Ctx, m: MsgOpenSession) -> Result<MsgOpenSessionResponse> {
        let session = sessions::open(ctx, &m)?;
        Ok(MsgOpenSessionResponse { session_id: session.id, deadline: session.deadline })
    }

    fn top_up(&self, ctx: &mut Ctx, m: MsgTopUp) -> Result<MsgTopUpResponse> {
        sessions::top_up(ctx, &m)?;
        Ok(MsgTopUpResponse {})
    }

    fn settle_session(&self, ctx: &mut Ctx, m: MsgSettleSession) -> Result<MsgSettleSessionResponse> {
        Ok(MsgSettleSessionResponse { paid: Some(sessions::settle(ctx, &m)?.into()) })
    }

    fn close_session(&self, ctx: &mut Ctx, m: MsgCloseSession) -> Result<MsgCloseSessionResponse> {
        let session = sessions::close(ctx, &m)?;
        Ok(MsgCloseSessionResponse { status: session.status, deadline: session.deadline })
    }

    fn assign_seats(&self, ctx: &mut Ctx, m: MsgAssignSeats) -> Result<MsgAssignSeatsResponse> {
        let before = held(ctx, m.license_id, &m.licensee)?;
        let (_, terms) = state::terms(ctx, &before.terms_id)?;
        let seats = terms.content.map_or(1, |content| content.seats);
        let users = check::users(&m.licensee, &m.users, seats)?;

        let after = License { users: users.clone(), ..before.clone() };
        state::replace(ctx, &before, &after)?;
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

/// The licence, if `signer` holds it and it is final and still valid.
pub(crate) fn held(ctx: &Ctx, id: u64, signer: &str) -> Result<License> {
    let license = state::license(ctx, id)?;
    if license.licensee != signer {
        return Err(Error::NotLicensee { license: id, signer: signer.to_owned() }.into());
    }
    state::check_final(&license)?;
    state::check_valid(ctx, &license)?;
    Ok(license)
}
