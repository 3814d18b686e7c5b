//! What the beacon stores.
use cairn_kernel::{Address, Item, Map};
use cairn_proto::cairn::beacon::v1::{Beacon, Params, PowerSnapshot, RegisteredKey, Validator};

cairn_kernel::state! { "beacon";
    /// How the beacon is read.
    PARAMS: Item<Params> = 1;
    /// Validators by consensus address.
    VALIDATORS: Map<Vec<u8>, Validator> = 2;
    /// Beacons by height, as far back as draws may ask.
    BEACONS: Map<u64, Beacon> = 3;
    /// Height of the newest beacon.
    LATEST: Item<u64> = 4;
    /// The powers of the set by the first height at whose end they held; empty as long as the set never changed.
    SNAPSHOTS: Map<u64, PowerSnapshot> = 10;
    /// Keys of validators to come, by operator.
    REGISTERED: Map<Address, RegisteredKey> = 11;
    /// The operator that named a key.
    REGISTERED_BY: Map<[u8; 32], Vec<u8>> = 12;
    /// The validator, by consensus address, whose record has a key: the one that acts, the next one, or one that acted until that one did.
    KEYS: Map<[u8; 32], Vec<u8>> = 13;
}
