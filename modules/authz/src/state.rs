//! What authz stores.
use cairn_kernel::{Address, Instant, Map, Set};
use cairn_proto::cosmos::authz::v1beta1::Grant;

cairn_kernel::state! { "authz";
    /// Grants by granter, grantee and the type of the message.
    GRANTS: Map<(Address, Address, String), Grant> = 1;
    /// The same, by grantee and granter.
    BY_GRANTEE: Set<(Address, Address, String)> = 2;
    /// When grants end, with granter, grantee and type.
    EXPIRIES: Set<(Instant, Address, Address, String)> = 3;
}
