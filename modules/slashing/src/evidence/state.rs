//! What evidence stores.
use cairn_kernel::Map;
use cairn_proto::cosmos::evidence::v1beta1::Equivocation;

cairn_kernel::state! { "evidence";
    /// Proven double signs by their hash.
    EVIDENCE: Map<[u8; 32], Equivocation> = 1;
}
