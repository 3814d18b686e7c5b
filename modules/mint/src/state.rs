//! What mint stores.
use cairn_kernel::Item;
use cairn_proto::cosmos::mint::v1beta1::{Minter, Params};

cairn_kernel::state! { "mint";
    /// The rules in force.
    PARAMS: Item<Params> = 1;
    /// Inflation and what it issues in a year, as of this block.
    MINTER: Item<Minter> = 2;
}
