//! What auth stores.
use cairn_kernel::{Address, Map, Sequence};
use cairn_proto::{
    Any,
    cosmos::auth::v1beta1::{BaseAccount, Params},
};

cairn_kernel::state! { "auth";
    /// Limits and prices of transactions. Set at genesis.
    PARAMS: cairn_kernel::Item<Params> = 1;
    /// Every account, also those of modules.
    ACCOUNTS: Map<Address, BaseAccount> = 2;
    /// The last account number given.
    NUMBERS: Sequence = 3;
    /// Raw addresses by account number.
    BY_NUMBER: Map<u64, Vec<u8>> = 4;
    /// How the first coins of an account come free: one of the four vesting accounts, without the account itself.
    VESTING: Map<Address, Any> = 5;
}
