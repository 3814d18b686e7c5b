//! What slashing stores.
use cairn_kernel::{Address, Item, Map};
use cairn_proto::cosmos::slashing::v1beta1::{Params, ValidatorSigningInfo};

cairn_kernel::state! { "slashing";
    /// The rules in force.
    PARAMS: Item<Params> = 1;
    /// How validators signed so far, by consensus address.
    INFOS: Map<Address, ValidatorSigningInfo> = 2;
    /// The blocks of the window that a validator missed: bits, 1,024 to a chunk.
    MISSED: Map<(Address, u64), Vec<u8>> = 3;
}
