//! Messages of `cosmos.auth.v1beta1`.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cosmos::auth::v1beta1::{MsgServer, MsgUpdateParams, MsgUpdateParamsResponse};

use crate::{Auth, Error, check_params, require_authority, state::PARAMS};

impl MsgServer for Auth {
    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::NoParameters)?;
        check_params(&params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
