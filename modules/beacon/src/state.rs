//! What the beacon stores.
use cairn_kernel::{Item, Map};
use cairn_proto::cairn::beacon::v1::{Beacon, Params, Validator};

cairn_kernel::state! { "beacon";
    /// How the beacon is read.
    PARAMS: Item<Params> = 1;
    /// Validators by consensus address.
    VALIDATORS: Map<Vec<u8>, Validator> = 2;
    /// Beacons by height, as far back as draws may ask.
    BEACONS: Map<u64, Beacon> = 3;
    /// Height of the newest beacon.
    LATEST: Item<u64> = 4;
}
