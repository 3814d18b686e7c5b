//! What feegrant stores.
use cairn_kernel::{Address, Instant, Map, Set};
use cairn_proto::cosmos::feegrant::v1beta1::Grant;

cairn_kernel::state! { "feegrant";
    /// Allowances by grantee and granter.
    GRANTS: Map<(Address, Address), Grant> = 1;
    /// The same, by granter and grantee.
    BY_GRANTER: Set<(Address, Address)> = 2;
    /// When allowances end, with grantee and granter.
    EXPIRIES: Set<(Instant, Address, Address)> = 3;
}
