//! What bank stores. Amounts are decimal text, as in the Cosmos SDK; an amount of zero is no entry.
use cairn_kernel::{Address, Item, Map, Set};
use cairn_proto::cosmos::bank::v1beta1::{Metadata, Params};

cairn_kernel::state! { "bank";
    /// What holds for every denomination.
    PARAMS: Item<Params> = 1;
    /// How much there is, by denomination.
    SUPPLY: Map<String, String> = 2;
    /// How much an account holds, by denomination.
    BALANCES: Map<(Address, String), String> = 3;
    /// Who holds a denomination: the balances, the other way round.
    OWNERS: Set<(String, Address)> = 4;
    /// How a denomination is shown, by its base.
    METADATA: Map<String, Metadata> = 5;
    /// Denominations for which users' sending is not as the parameters say.
    SEND_ENABLED: Map<String, bool> = 6;
}
