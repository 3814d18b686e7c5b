//! Messages of `cosmos.authz.v1beta1`.
use cairn_kernel::{Address, Ctx, Error as Refusal, Result, sdk};
use cairn_proto::{
    Any,
    cosmos::authz::v1beta1::{
        EventGrant, Grant, MsgExec, MsgExecResponse, MsgGrant, MsgGrantResponse, MsgRevoke, MsgRevokeResponse, MsgServer,
    },
};

use crate::{
    Authz, Error,
    authorization::{Authorization, Left},
    end, insert, not_found, revoke,
    state::GRANTS,
};

/// Messages of one `MsgExec`.
const MAX_MESSAGES: usize = 64;

impl MsgServer for Authz {
    fn grant(&self, ctx: &mut Ctx, m: MsgGrant) -> Result<MsgGrantResponse> {
        let (granter, grantee) = parties(&m.granter, &m.grantee)?;
        let grant = m.grant.unwrap_or_default();
        let packed = grant.authorization.as_ref().ok_or_else(|| sdk::invalid_type("authorization is nil"))?;
        let authorization = Authorization::read(packed)?;
        let message = authorization.message();
        if !ctx.handles(&message) {
            let shown: String = message.chars().take(128).collect();
            return Err(sdk::invalid_type(format!("{shown} doesn't exist.")));
        }
        if end(&grant)?.is_some_and(|end| end <= ctx.block().instant()) {
            return Err(Error::InvalidExpiration.into());
        }

        cairn_auth::get_or_create(ctx, &grantee)?;
        let grant = Grant { authorization: Some(authorization.packed()), ..grant };
        insert(ctx, &(granter, grantee, message.clone()), &grant)?;
        ctx.emit(&EventGrant { msg_type_url: message, granter: m.granter, grantee: m.grantee });
        Ok(MsgGrantResponse {})
    }

    fn exec(&self, ctx: &mut Ctx, m: MsgExec) -> Result<MsgExecResponse> {
        let grantee = Address::parse(&m.grantee)?;
        if m.msgs.is_empty() {
            return Err(sdk::invalid_request("messages cannot be empty"));
        }
        if m.msgs.len() > MAX_MESSAGES {
            return Err(sdk::invalid_request(format!("expected at most {MAX_MESSAGES} messages, found {}", m.msgs.len())));
        }

        let mut results = Vec::with_capacity(m.msgs.len());
        for (message, index) in m.msgs.iter().zip(0_u32..) {
            let before = ctx.events().len();
            results.push(run(ctx, &grantee, message)?);
            ctx.mark_events(before, "authz_msg_index", &index.to_string());
        }
        Ok(MsgExecResponse { results })
    }

    fn revoke(&self, ctx: &mut Ctx, m: MsgRevoke) -> Result<MsgRevokeResponse> {
        let (granter, grantee) = parties(&m.granter, &m.grantee)?;
        if m.msg_type_url.is_empty() {
            return Err(sdk::invalid_request("missing msg method name"));
        }

        revoke(ctx, &(granter, grantee, m.msg_type_url))?;
        Ok(MsgRevokeResponse {})
    }
}

fn parties(granter: &str, grantee: &str) -> Result<(Address, Address)> {
    let parties = (Address::parse(granter)?, Address::parse(grantee)?);
    if parties.0 == parties.1 { Err(Error::GranteeIsGranter.into()) } else { Ok(parties) }
}

/// Runs a message in its signer's name, if the signer is the grantee or has granted it.
fn run(ctx: &mut Ctx, grantee: &Address, message: &Any) -> Result<Vec<u8>> {
    let signers = ctx.signers(&message.type_url, &message.value)?;
    let [granter] = signers.as_slice() else { return Err(Error::NumOfSigners.into()) };
    if granter != grantee {
        accept(ctx, granter, grantee, message)?;
    }
    let named = |e: Refusal| Refusal { log: format!("failed to execute message; message {}: {}", message.type_url, e.log), ..e };
    ctx.execute(granter, &message.type_url, &message.value).map_err(named)
}

/// Takes what the message moves off the grant.
fn accept(ctx: &mut Ctx, granter: &Address, grantee: &Address, message: &Any) -> Result<()> {
    let key = (*granter, *grantee, message.type_url.clone());
    let grant = GRANTS.get(ctx, &key)?.ok_or_else(|| not_found(&key))?;
    if end(&grant)?.is_some_and(|end| end <= ctx.block().instant()) {
        return Err(Error::Expired.into());
    }
    let mut authorization = Authorization::read(&grant.authorization.clone().unwrap_or_default())?;
    match authorization.accept(ctx, message)? {
        Left::Unchanged => Ok(()),
        Left::Less => GRANTS.set(ctx, &key, &Grant { authorization: Some(authorization.packed()), ..grant }),
        Left::Nothing => revoke(ctx, &key),
    }
}
