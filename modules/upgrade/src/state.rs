//! What upgrade keeps.
use cairn_kernel::{Item, Map};
use cairn_proto::cosmos::upgrade::v1beta1::Plan;

cairn_kernel::state! { "upgrade";
    /// The upgrade that waits for its height.
    PLAN: Item<Plan> = 1;
    /// The height of each upgrade that was carried out, by name.
    APPLIED: Map<String, u64> = 2;
    /// The version of each module's state, by name.
    VERSIONS: Map<String, u64> = 3;
}
