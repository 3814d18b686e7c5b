//! Messages of `cairn.beacon.v1`.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::beacon::v1::{
    MsgRegisterBeaconKey, MsgRegisterBeaconKeyResponse, MsgRevealBeacon, MsgRevealBeaconResponse, MsgRotateBeaconKey,
    MsgRotateBeaconKeyResponse, MsgServer,
};

use crate::{Beacon, Error, keys, register};

impl MsgServer for Beacon {
    /// Always refused: the app takes the reveal out of the block and hands it to [`crate::observe`].
    fn reveal_beacon(&self, _: &mut Ctx, _: MsgRevealBeacon) -> Result<MsgRevealBeaconResponse> {
        Err(Error::NotAMessage.into())
    }

    fn rotate_beacon_key(&self, ctx: &mut Ctx, m: MsgRotateBeaconKey) -> Result<MsgRotateBeaconKeyResponse> {
        let active_from = keys::rotate(ctx, m)?;
        Ok(MsgRotateBeaconKeyResponse { active_from })
    }

    fn register_beacon_key(&self, ctx: &mut Ctx, m: MsgRegisterBeaconKey) -> Result<MsgRegisterBeaconKeyResponse> {
        register::register(ctx, &m)?;
        Ok(MsgRegisterBeaconKeyResponse {})
    }
}
