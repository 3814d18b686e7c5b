//! Messages of `cairn.beacon.v1`.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::beacon::v1::{MsgRevealBeacon, MsgRevealBeaconResponse, MsgServer};

use crate::{Beacon, Error};

impl MsgServer for Beacon {
    /// Always refused: the app takes the reveal out of the block and hands it to [`crate::observe`].
    fn reveal_beacon(&self, _: &mut Ctx, _: MsgRevealBeacon) -> Result<MsgRevealBeaconResponse> {
        Err(Error::NotAMessage.into())
    }
}
